"""Programs of benchmarks.campaign_instrumentations: a client's calls, and for each package how it is switched on.

`{provider}` in a call is the address of the stand-in provider. Every program asks the same question and is answered
the same, so that what differs is what a package tells of it.
"""

from dataclasses import dataclass

OPENAI_CALL = """
import openai
client = openai.OpenAI(base_url=PROVIDER + "/v1", api_key="none", max_retries=0)
client.chat.completions.create(model="gpt-4o-mini", messages=ASKED)
"""
OPENAI_STREAM = """
for _ in client.chat.completions.create(
    model="gpt-4o-mini", messages=ASKED, stream=True, stream_options={"include_usage": True}
): pass
"""
BEDROCK = """
import boto3, json
client = boto3.client("bedrock-runtime", region_name="us-east-1", endpoint_url=PROVIDER,
    aws_access_key_id="none", aws_secret_access_key="none")
model = "anthropic.claude-haiku-4-5-20251001-v1:0"
"""
AGNO = """
from agno.agent import Agent
from agno.models.openai import OpenAIChat
model = OpenAIChat(id="gpt-4o-mini", base_url=PROVIDER + "/v1", api_key="none")
Agent(name="forecaster", model=model, telemetry=False).run("Which digits?", user_id="ada", session_id="visit")
"""
HAYSTACK = """
from haystack import Pipeline
from haystack.components.generators.chat import OpenAIChatGenerator
from haystack.dataclasses import ChatMessage
from haystack.utils import Secret
pipeline = Pipeline()
pipeline.add_component("llm", OpenAIChatGenerator(
    model="gpt-4o-mini", api_base_url=PROVIDER + "/v1", api_key=Secret.from_token("none")))
pipeline.run({"llm": {"messages": [ChatMessage.from_user("Which digits?")]}})
"""
DSPY = """
import dspy
dspy.configure(lm=dspy.LM("openai/gpt-4o-mini", api_base=PROVIDER + "/v1", api_key="none", cache=False))
try: dspy.Predict("question -> answer")(question="Which digits?")
except Exception as problem: print(type(problem))
"""

CLIENTS = {
    "openai": OPENAI_CALL + OPENAI_STREAM,
    "openai-alone": OPENAI_CALL,
    "responses": OPENAI_CALL
    + """
client.responses.create(model="gpt-4o-mini", input="Which digits?")
client.embeddings.create(model="text-embedding-3-small", input=["Which digits?"])
""",
    "anthropic": """
import anthropic
anthropic.Anthropic(base_url=PROVIDER, api_key="none", max_retries=0).messages.create(
    model="claude-haiku-4-5", max_tokens=50, messages=ASKED)
""",
    "groq": """
import groq
client = groq.Groq(base_url=PROVIDER, api_key="none", max_retries=0)
client.chat.completions.create(model="gpt-4o-mini", messages=ASKED)
""",
    "mistralai": """
try: from mistralai.client import Mistral
except ImportError: from mistralai import Mistral
client = Mistral(server_url=PROVIDER, api_key="none")
client.chat.complete(model="gpt-4o-mini", messages=ASKED)
""",
    "together": """
import together
from importlib.metadata import version
path = "/v1" if version("together") < "2" else ""
client = together.Together(base_url=PROVIDER + path, api_key="none")
client.chat.completions.create(model="gpt-4o-mini", messages=ASKED)
""",
    "cohere": """
import cohere
client = cohere.ClientV2(base_url=PROVIDER, api_key="none")
client.chat(model="command-r", messages=ASKED)
client.rerank(model="rerank-v3.5", query="Which digits?", documents=["Three.", "Seven."])
""",
    "ollama": """
import ollama
client = ollama.Client(host=PROVIDER)
client.chat(model="llama3", messages=ASKED)
for _ in client.chat(model="llama3", messages=ASKED, stream=True): pass
""",
    "google-genai": """
from google import genai
client = genai.Client(api_key="none", http_options={"base_url": PROVIDER})
client.models.generate_content(model="gemini-2.5-flash", contents="Which digits?")
""",
    "converse": BEDROCK
    + """
client.converse(modelId=model, messages=[{"role": "user", "content": [{"text": "Which digits?"}]}])
""",
    "invoke": BEDROCK
    + """
body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 50, "messages": ASKED}
client.invoke_model(modelId=model, body=json.dumps(body))["body"].read()
""",
    "portkey": """
from portkey_ai import Portkey
client = Portkey(base_url=PROVIDER + "/v1", api_key="none")
client.chat.completions.create(model="gpt-4o-mini", messages=ASKED)
""",
    "instructor": """
import instructor, openai, pydantic
class Digits(pydantic.BaseModel):
    digits: str
client = instructor.from_openai(openai.OpenAI(base_url=PROVIDER + "/v1", api_key="none"))
client.chat.completions.create(model="gpt-4o-mini", messages=ASKED, response_model=Digits)
""",
    "litellm": """
import litellm
litellm.completion(model="openai/gpt-4o-mini", messages=ASKED, api_base=PROVIDER + "/v1", api_key="none")
""",
    # Known by a name in their address.
    "langwatch": """
import openai
client = openai.OpenAI(base_url=PROVIDER + "/v1", api_key="none", max_retries=0)
with langwatch.trace(name="request", metadata={"user_id": "ada", "thread_id": "visit"}) as request:
    request.autotrack_openai_calls(client)
    client.chat.completions.create(model="gpt-4o-mini", messages=ASKED)
""",
    "deepseek": OPENAI_CALL.replace('"/v1"', '"/api.deepseek.com/v1"').replace("gpt-4o-mini", "deepseek-chat"),
    "xai": OPENAI_CALL.replace('"/v1"', '"/api.x.ai/v1"').replace("gpt-4o-mini", "grok-3"),
    "replicate": """
import os
os.environ |= {"REPLICATE_API_TOKEN": "none", "REPLICATE_API_BASE": PROVIDER}
import replicate
replicate.run("meta/meta-llama-3-8b-instruct", input={"prompt": "Which digits?"})
""",
    "writer": """
from writerai import Writer
Writer(base_url=PROVIDER, api_key="none").chat.chat(model="palmyra-x5", messages=ASKED)
""",
    "voyage": """
import voyageai
voyageai.Client(api_key="none", base_url=PROVIDER + "/v1").embed(["Which digits?"], model="voyage-3")
""",
    "alephalpha": """
from aleph_alpha_client import Client, CompletionRequest, Prompt
client = Client(token="none", host=PROVIDER)
client.complete(CompletionRequest(prompt=Prompt.from_text("Which digits?"), maximum_tokens=9), model="luminous-base")
""",
    "qdrant": """
from qdrant_client import QdrantClient, models
client = QdrantClient(":memory:")
client.create_collection("facts", vectors_config=models.VectorParams(size=2, distance=models.Distance.COSINE))
client.upsert("facts", points=[models.PointStruct(id=1, vector=[0.1, 0.9], payload={"fact": "seven"})])
client.query_points("facts", query=[0.1, 0.9])
""",
    "lancedb": """
import lancedb, tempfile
table = lancedb.connect(tempfile.mkdtemp()).create_table("facts", [{"vector": [0.1, 0.9], "fact": "seven"}])
table.search([0.1, 0.9]).limit(1).to_list()
""",
    "agno": AGNO,
    "haystack": HAYSTACK,
    "dspy": DSPY,
    "autogen": """
import asyncio
from autogen_agentchat.agents import AssistantAgent
from autogen_ext.models.openai import OpenAIChatCompletionClient
model = OpenAIChatCompletionClient(model="gpt-4o-mini", base_url=PROVIDER + "/v1", api_key="none")
asyncio.run(AssistantAgent("forecaster", model).run(task="Which digits?"))
""",
    "beeai": """
import asyncio
from beeai_framework.adapters.openai import OpenAIChatModel
from beeai_framework.backend.message import UserMessage
model = OpenAIChatModel("gpt-4o-mini", base_url=PROVIDER + "/v1", api_key="none")
asyncio.run(model.run([UserMessage("Which digits?")]))
""",
    "langchain": """
from langchain_openai import ChatOpenAI
ChatOpenAI(model="gpt-4o-mini", base_url=PROVIDER + "/v1", api_key="none").invoke("Which digits?")
""",
    "pydantic-ai": """
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
model = OpenAIChatModel("gpt-4o-mini", provider=OpenAIProvider(base_url=PROVIDER + "/v1", api_key="none"))
Agent.instrument_all()
Agent(model).run_sync("Which digits?")
""",
    "mirascope": """
from mirascope import llm, ops
llm.register_provider("openai", api_key="none", base_url=PROVIDER + "/v1")
ops.configure(tracer_provider=trace.get_tracer_provider())
ops.instrument_llm()
@llm.call("openai/gpt-4o-mini:completions")
def ask(): return "Which digits?"
ask()
""",
    "mcp": """
import asyncio, sys
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
served = "from mcp.server.fastmcp import FastMCP as M\\nm=M('m')\\n@m.tool()\\ndef weather(city: str) -> str:\\n return 'sunny in ' + city\\nm.run()"
async def ask():
    async with stdio_client(StdioServerParameters(command=sys.executable, args=["-c", served])) as (read, write):
        async with ClientSession(read, write) as session:
            await session.initialize()
            await session.call_tool("weather", {"city": "Paris"})
asyncio.run(ask())
""",
}


@dataclass(frozen=True)
class Program:
    """A package whose spans are looked at, how it is switched on, and the client whose calls it sees."""

    package: str
    environment: str
    switched_on: str
    client: str
    own_provider: bool = True
    """Whether the program makes the tracer provider, and not the package."""


def instrumentor(module: str, name: str) -> str:
    return f"from {module} import {name}\n{name}().instrument(tracer_provider=trace.get_tracer_provider())"


def openinference(package: str, name: str, client: str, environment: str = "oi") -> Program:
    module = f"openinference.instrumentation.{package.replace('-', '_')}"
    return Program(f"openinference-instrumentation-{package}", environment, instrumentor(module, name), client)


def openllmetry(package: str, name: str, client: str, environment: str = "ollm") -> Program:
    module = f"opentelemetry.instrumentation.{package.replace('-', '_')}"
    return Program(f"opentelemetry-instrumentation-{package}", environment, instrumentor(module, name), client)


def genai(package: str, name: str, client: str, environment: str = "genai") -> Program:
    module = f"opentelemetry.instrumentation.genai.{package.replace('-', '_')}"
    return Program(f"opentelemetry-instrumentation-genai-{package}", environment, instrumentor(module, name), client)


def trace_ai(package: str, name: str, client: str, environment: str = "trai") -> Program:
    return Program(
        f"traceai-{package}", environment, instrumentor(f"traceai_{package.replace('-', '_')}", name), client
    )


def loongsuite(package: str, module: str, name: str, client: str) -> Program:
    return Program(
        f"loongsuite-instrumentation-{package}",
        "loong",
        instrumentor(f"opentelemetry.instrumentation.{module}", name),
        client,
    )


PROGRAMS = (
    openinference("groq", "GroqInstrumentor", "groq"),
    openinference("mistralai", "MistralAIInstrumentor", "mistralai"),
    openinference("together", "TogetherInstrumentor", "together"),
    openinference("cohere", "CohereInstrumentor", "cohere"),
    openinference("ollama", "OllamaInstrumentor", "ollama"),
    openinference("google-genai", "GoogleGenAIInstrumentor", "google-genai"),
    openinference("bedrock", "BedrockInstrumentor", "converse"),
    openinference("portkey", "PortkeyInstrumentor", "portkey"),
    openinference("instructor", "InstructorInstrumentor", "instructor"),
    openinference("agno", "AgnoInstrumentor", "agno", "oiframe"),
    openinference("haystack", "HaystackInstrumentor", "haystack", "oiframe"),
    openinference("autogen-agentchat", "AutogenAgentChatInstrumentor", "autogen", "oiframe"),
    openinference("beeai", "BeeAIInstrumentor", "beeai", "oiframe"),
    openinference("dspy", "DSPyInstrumentor", "dspy", "oidspy"),
    openinference("litellm", "LiteLLMInstrumentor", "litellm", "oidspy"),
    openllmetry("groq", "GroqInstrumentor", "groq"),
    openllmetry("mistralai", "MistralAiInstrumentor", "mistralai"),
    openllmetry("together", "TogetherAiInstrumentor", "together"),
    openllmetry("cohere", "CohereInstrumentor", "cohere"),
    openllmetry("ollama", "OllamaInstrumentor", "ollama"),
    openllmetry("google-generativeai", "GoogleGenerativeAiInstrumentor", "google-genai"),
    openllmetry("bedrock", "BedrockInstrumentor", "invoke"),
    openllmetry("replicate", "ReplicateInstrumentor", "replicate"),
    openllmetry("writer", "WriterInstrumentor", "writer"),
    openllmetry("voyageai", "VoyageAIInstrumentor", "voyage"),
    openllmetry("alephalpha", "AlephAlphaInstrumentor", "alephalpha"),
    openllmetry("qdrant", "QdrantInstrumentor", "qdrant"),
    openllmetry("lancedb", "LanceInstrumentor", "lancedb", "ollmframe"),
    openllmetry("agno", "AgnoInstrumentor", "agno", "ollmframe"),
    openllmetry("haystack", "HaystackInstrumentor", "haystack", "ollmframe"),
    openllmetry("mcp", "McpInstrumentor", "mcp", "ollmframe"),
    openllmetry("google-genai", "GoogleGenAiSdkInstrumentor", "google-genai", "genai"),
    genai("agno", "AgnoInstrumentor", "agno"),
    genai("bedrock", "BedrockInstrumentor", "converse"),
    genai("portkey", "PortkeyInstrumentor", "portkey"),
    genai("langchain", "LangChainInstrumentor", "langchain"),
    genai("dspy", "DSPyInstrumentor", "dspy", "oidspy"),
    trace_ai("openai", "OpenAIInstrumentor", "openai"),
    trace_ai("anthropic", "AnthropicInstrumentor", "anthropic"),
    trace_ai("groq", "GroqInstrumentor", "groq"),
    trace_ai("mistralai", "MistralAIInstrumentor", "mistralai"),
    trace_ai("together", "TogetherInstrumentor", "together"),
    trace_ai("cohere", "CohereInstrumentor", "cohere"),
    trace_ai("ollama", "OllamaInstrumentor", "ollama"),
    trace_ai("google-genai", "GoogleGenAIInstrumentor", "google-genai"),
    trace_ai("instructor", "InstructorInstrumentor", "instructor"),
    trace_ai("portkey", "PortkeyInstrumentor", "portkey"),
    trace_ai("deepseek", "DeepSeekInstrumentor", "deepseek"),
    trace_ai("xai", "XAIInstrumentor", "xai"),
    Program(
        "traceai-vllm",
        "trai",
        "from traceai_vllm import VLLMInstrumentor\nVLLMInstrumentor(['127.0.0.1']).instrument(tracer_provider=trace.get_tracer_provider())",
        "openai-alone",
    ),
    trace_ai("haystack", "HaystackInstrumentor", "haystack", "traiframe"),
    trace_ai("dspy", "DSPyInstrumentor", "dspy", "traiframe"),
    trace_ai("litellm", "LiteLLMInstrumentor", "litellm", "traiframe"),
    loongsuite("google-genai", "google_genai", "GoogleGenAiSdkInstrumentor", "google-genai"),
    loongsuite("langchain", "langchain", "LangChainInstrumentor", "langchain"),
    Program("openlit", "openlit", "import openlit\nopenlit.init(disable_metrics=True)", "openai", own_provider=False),
    Program(
        "langtrace-python-sdk",
        "langtrace",
        "from langtrace_python_sdk import langtrace\nlangtrace.init(custom_remote_exporter=EXPORTER, batch=False)",
        "openai",
        own_provider=False,
    ),
    Program(
        "lmnr",
        "lmnr",
        "from lmnr import Laminar\nLaminar.initialize(project_api_key='none', base_url='http://127.0.0.1', http_port=9,"
        " force_http=True)\nadd()",
        "openai",
        own_provider=False,
    ),
    Program(
        "langwatch",
        "langwatch",
        "import langwatch\nlangwatch.setup(api_key='none', endpoint_url='http://127.0.0.1:9')\nadd()\n",
        "langwatch",
    ),
    Program(
        "netra-sdk",
        "netra",
        "from netra import Netra\nNetra.init(app_name='app', disable_batch=True)\nNetra.set_user_id('ada'); Netra.set_session_id('visit')",
        "openai",
        own_provider=False,
    ),
    Program(
        "respan-instrumentation-openai",
        "respan",
        "from respan_tracing import RespanTelemetry\nRespanTelemetry(api_key='none', base_url='http://127.0.0.1:9', is_auto_instrument=False)\n"
        "from respan_instrumentation_openai import OpenAIInstrumentor\nOpenAIInstrumentor().activate()\nadd()",
        "openai",
        own_provider=False,
    ),
    Program(
        "monocle-apptrace",
        "monocle",
        "from monocle_apptrace import setup_monocle_telemetry\nsetup_monocle_telemetry('app', span_processors=[SimpleSpanProcessor(EXPORTER)])",
        "openai",
        own_provider=False,
    ),
    Program(
        "keywordsai-tracing",
        "kwai",
        "from keywordsai_tracing import KeywordsAITelemetry\nKeywordsAITelemetry(api_key='none', base_url='http://127.0.0.1:9')\nadd()",
        "openai",
        own_provider=False,
    ),
    Program("mirascope", "mirascope", "", "mirascope"),
    Program(
        "traceroot",
        "traceroot",
        "import traceroot\nfrom traceroot import Integration\ntraceroot.initialize(api_key='none', host_url='http://127.0.0.1:9', integrations=[Integration.OPENAI])\nadd()",
        "openai",
        own_provider=False,
    ),
    Program(
        "arize-phoenix-otel",
        "oi",
        "from phoenix.otel import register\nregister(endpoint=TRACES, headers=HEADERS, auto_instrument=True, verbose=False)",
        "openai",
        own_provider=False,
    ),
    Program(
        "arize-otel",
        "oi",
        "from arize.otel import register, Transport\nprovider = register(space_id='none', api_key='none', endpoint='http://127.0.0.1:9/v1/traces', headers={},"
        " transport=Transport.HTTP, verbose=False)\nadd()\n"
        "from openinference.instrumentation.openai import OpenAIInstrumentor\nOpenAIInstrumentor().instrument(tracer_provider=provider)",
        "openai",
        own_provider=False,
    ),
)
