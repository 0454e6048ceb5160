"""What packages send of their own accord, and what must become of it: a row a program, read by test_senders.py.

All of them ask the same of the stand-in provider, so most rows differ in shape and in what their package leaves out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from integrations.expected import EMBEDDING_USAGE, EMBEDDING_USD, USAGE, USAGE_WITHOUT_REASONING
from integrations.replies import TEXT

TOOL_RUN = ("Is it warm?", "In Paris: sunny in Paris")
PICTURE = ("Which colour?", TEXT)
DIGITS = ("Which digits?", TEXT)

USAGE_ALONE = {"input": 40, "output": 12, "total": 52}
"""From libraries that tell of no parts."""

USAGE_OF_ANTHROPIC = {"input": 24, "input_cached_tokens": 16, "input_cache_creation": 8, "output": 12, "total": 60}

USD_A_TOKEN = {
    "gpt-4o-mini": {"input": 0.15e-6, "input_cached_tokens": 0.075e-6, "output": 0.6e-6},
    "claude-haiku-4-5": {"input": 1e-6, "input_cached_tokens": 0.1e-6, "input_cache_creation": 1.25e-6, "output": 5e-6},
    "gemini-2.5-flash": {"input": 0.3e-6, "input_cached_tokens": 0.03e-6, "output": 2.5e-6},
}


@dataclass(frozen=True)
class Sender:
    """A program, how it is started, and what is right about what it leaves."""

    program: str
    shapes: tuple[Any, ...]
    """Of its roots, in the order they began."""
    said: tuple[tuple[str, str] | None, ...]
    """What each trace was asked and what it answered; None for one that repeats another and carries no messages."""
    calls: str
    """The name of the observations that are calls of a model, with messages, usage and price."""
    counted: int
    """How many calls were made, which is what every total must say, however often they are told."""
    model: str = "gpt-4o-mini"
    usage: Mapping[str, int] = field(default_factory=lambda: USAGE)
    embeddings: int = 0
    user: str | None = None
    session: str | None = None
    tags: tuple[str, ...] = ()
    picture: bool = False
    """Whether an image is among the messages that the package sends."""
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def call_usd(self) -> float:
        rates = USD_A_TOKEN[self.model]
        rates = rates | {"output_reasoning_tokens": rates["output"]}
        return sum(count * rates[kind] for kind, count in self.usage.items() if kind != "total")

    @property
    def total_usd(self) -> float:
        return self.counted * self.call_usd + self.embeddings * EMBEDDING_USD.expected

    @property
    def total_tokens(self) -> int:
        return self.counted * self.usage["total"] + self.embeddings * EMBEDDING_USAGE["total"]


def agent(root: str, call: str, tool: str) -> tuple[str, list[str]]:
    """An agent that called its model, then its tool, then its model again."""
    return (root, [call, tool, call])


HTTP = {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}
"""For packages that speak gRPC unless told otherwise."""

MESSAGES_IN_SPANS = {
    "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY",
    "OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental",
}

CHAT = "GENERATION chat gpt-4o-mini"
SDK_CALL = "GENERATION anthropic.messages.create"
CLAUDE = "GENERATION chat claude-haiku-4-5"
GEMINI = "GENERATION generate_content gemini-2.5-flash"

_cycle = "SPAN execute_event_loop_cycle"
_strands = Sender(
    "strands_agent.py",
    (
        (
            "AGENT invoke_agent forecaster",
            [(_cycle, ["GENERATION chat", "TOOL weather"]), (_cycle, ["GENERATION chat"])],
        ),
        ("AGENT invoke_agent looker", [(_cycle, ["GENERATION chat"])]),
    ),
    said=(TOOL_RUN, PICTURE),
    calls="chat",
    counted=3,
    usage=USAGE_WITHOUT_REASONING,
    user="ada",
    session="visit-10",
    tags=("blue",),
)

_agent_framework = Sender(
    "agent_framework_agent.py",
    (agent("AGENT invoke_agent forecaster", CHAT, "TOOL weather"), ("AGENT invoke_agent looker", [CHAT])),
    said=(TOOL_RUN, PICTURE),
    calls="chat gpt-4o-mini",
    counted=3,
    picture=True,
    variables=HTTP,
)

_steps = [
    ("CHAIN Step 1", ["GENERATION OpenAIModel.generate", "TOOL weather"]),
    ("CHAIN Step 2", ["GENERATION OpenAIModel.generate", "TOOL final_answer"]),
]
_smolagents = Sender(
    "smolagents_openinference.py",
    (("AGENT forecaster.run", _steps), ("AGENT forecaster.run", _steps)),
    said=(("Is it warm?", "Paris"), ("Which colour?", "Paris")),
    calls="OpenAIModel.generate",
    counted=4,
    usage=USAGE_ALONE,
    user="ada",
    session="visit-12",
    tags=("blue",),
    picture=True,
)

_anthropic = Sender(
    "anthropic_alone.py",
    (SDK_CALL, SDK_CALL),
    said=(None, None),
    calls="anthropic.messages.create",
    counted=2,
    model="claude-haiku-4-5",
    usage=USAGE_OF_ANTHROPIC,
)

_anthropic_genai = replace(
    _anthropic,
    program="anthropic_genai.py",
    shapes=((CLAUDE, [SDK_CALL]), (CLAUDE, [SDK_CALL])),
    said=(DIGITS, DIGITS),
    calls="chat claude-haiku-4-5",
    picture=True,
    variables=MESSAGES_IN_SPANS,
)

_anthropic_openinference = replace(
    _anthropic,
    program="anthropic_openinference.py",
    # Around a stream no span is current, so the SDK's own begins another trace.
    shapes=(("GENERATION messages.create", [SDK_CALL]), "GENERATION messages.stream", SDK_CALL),
    said=(DIGITS, DIGITS, None),
    calls="messages.create",
    user="ada",
    session="visit-11",
    tags=("blue",),
    picture=True,
)

_anthropic_openllmetry = replace(
    _anthropic,
    program="anthropic_openllmetry.py",
    # OpenLLMetry does not see the stream.
    shapes=("GENERATION anthropic.chat", SDK_CALL, SDK_CALL),
    said=(DIGITS, None, None),
    calls="anthropic.chat",
    picture=True,
)

_genai_openai = Sender(
    "genai_openai.py",
    (("SPAN request", [CHAT, CHAT, CHAT, "EMBEDDING embeddings text-embedding-3-small"]),),
    said=(("Is it warm?", TEXT),),
    calls="chat gpt-4o-mini",
    counted=3,
    embeddings=1,
    variables=MESSAGES_IN_SPANS,
)

_openai_v2 = Sender(
    "agents/openai_v2.py",
    (("SPAN request", [CHAT, CHAT, "EMBEDDING embeddings text-embedding-3-small"]),),
    said=(("Is it warm?", TEXT),),
    calls="chat gpt-4o-mini",
    counted=2,
    usage=USAGE_ALONE,
    embeddings=1,
    variables=MESSAGES_IN_SPANS,
)

_adk = Sender(
    "adk/google_adk_agent.py",
    (
        ("CHAIN invoke_workflow forecaster", [agent("AGENT invoke_agent forecaster", GEMINI, "TOOL weather")]),
        ("CHAIN invoke_workflow looker", [("AGENT invoke_agent looker", [GEMINI])]),
    ),
    said=(TOOL_RUN, PICTURE),
    calls="generate_content gemini-2.5-flash",
    counted=3,
    model="gemini-2.5-flash",
    session="visit-13",
    variables=MESSAGES_IN_SPANS,
)

_llm = ("GENERATION call_llm", [GEMINI])
_adk_1 = replace(
    _adk,
    shapes=(
        ("SPAN invocation", [("AGENT invoke_agent forecaster", [_llm, "TOOL weather", _llm])]),
        ("SPAN invocation", [("AGENT invoke_agent looker", [_llm])]),
    ),
    calls="call_llm",
    variables={"ADK_TELEMETRY_SCHEMA_VERSION_OPT_IN": "1"},
)


def _workflow(trace: str, name: str, *turns: list[str]) -> Any:
    agent_span = (f"AGENT {name}", [("CHAIN turn", turn) for turn in turns])
    return (f"AGENT {trace}", [("CHAIN Agent workflow", [agent_span])])


_openai_agents = Sender(
    "agents/openai_agents_openinference.py",
    (
        _workflow("forecast", "forecaster", ["GENERATION response", "TOOL weather"], ["GENERATION response"]),
        _workflow("look", "looker", ["GENERATION response"]),
    ),
    said=(TOOL_RUN, PICTURE),
    calls="response",
    counted=3,
    user="ada",
    session="visit-14",
    tags=("blue",),
    picture=True,
)

_usage = "SPAN record_usage model_call"
_ag2 = Sender(
    "agents/ag2_agent.py",
    (
        ("AGENT invoke_agent forecaster", [CHAT, _usage, "TOOL weather", CHAT, _usage]),
        ("AGENT invoke_agent looker", [CHAT, _usage]),
    ),
    said=(TOOL_RUN, PICTURE),
    calls="chat gpt-4o-mini",
    counted=3,
    user="ada",
    session="visit-18",
)

_node = ("SPAN llm_node", [("GENERATION llm_request", ["SPAN llm_request_run"])])
_livekit = Sender(
    "agents/livekit_session.py",
    (
        (
            "CHAIN agent_session",
            [
                ("SPAN session_start", [("AGENT start_agent_activity", ["SPAN setup_toolsets", "SPAN on_enter"])]),
                ("AGENT agent_turn", [_node, "TOOL weather", _node, "SPAN agent_speaking"]),
                ("SPAN session_close", [("SPAN drain_agent_activity", ["SPAN on_exit"])]),
            ],
        ),
    ),
    said=(TOOL_RUN,),
    calls="llm_request",
    counted=2,
    user="ada",
    session="visit-15",
)

_logfire = Sender(
    "agents/logfire_openai.py",
    (
        (
            "SPAN request",
            [
                "GENERATION Chat Completion with 'gpt-4o-mini'",
                "GENERATION Chat Completion with 'gpt-4o-mini'",
                "GENERATION streaming response from 'gpt-4o-mini' took 0.05s",
            ],
        ),
    ),
    said=(DIGITS,),
    calls="Chat Completion with 'gpt-4o-mini'",
    counted=2,
    usage=USAGE_WITHOUT_REASONING,
    user="ada",
    session="visit-17",
)

_mlflow = Sender(
    "agents/mlflow_openai.py",
    (agent("AGENT forecaster", "GENERATION Completions", "TOOL weather"),),
    said=(TOOL_RUN,),
    calls="Completions",
    counted=2,
    usage=USAGE_WITHOUT_REASONING,
    user="ada",
    session="visit-16",
    variables=HTTP,
)

_loop = "SPAN AutoFunctionInvocationLoop"
_semantic_kernel = Sender(
    "agents/semantic_kernel_agent.py",
    (
        ("AGENT invoke_agent forecaster", [agent(_loop, CHAT, "TOOL Weather-weather")]),
        ("AGENT invoke_agent looker", [(_loop, [CHAT])]),
    ),
    said=(TOOL_RUN, PICTURE),
    calls="chat gpt-4o-mini",
    counted=3,
    usage=USAGE_ALONE,
    picture=True,
    variables={"SEMANTICKERNEL_EXPERIMENTAL_GENAI_ENABLE_OTEL_DIAGNOSTICS_SENSITIVE": "true"},
)

SENDERS = {
    "ag2": _ag2,
    "agent-framework": _agent_framework,
    "anthropic": _anthropic,
    "anthropic-genai": _anthropic_genai,
    "anthropic-openinference": _anthropic_openinference,
    "anthropic-openllmetry": _anthropic_openllmetry,
    "genai-openai": _genai_openai,
    "google-adk": _adk,
    "google-adk-schema-1": _adk_1,
    "livekit": _livekit,
    "logfire": _logfire,
    "mlflow": _mlflow,
    "openai-agents": _openai_agents,
    "openai-v2": _openai_v2,
    "semantic-kernel": _semantic_kernel,
    "smolagents": _smolagents,
    "strands": _strands,
}
