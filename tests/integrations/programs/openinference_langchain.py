from langchain.agents import create_agent
from langchain.tools import tool
from langchain_core.documents import Document
from langchain_core.vectorstores import InMemoryVectorStore
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from openinference.instrumentation import using_attributes
from openinference.instrumentation.langchain import LangChainInstrumentor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
LangChainInstrumentor().instrument(tracer_provider=provider)

embeddings = OpenAIEmbeddings(model="text-embedding-3-small", check_embedding_ctx_length=False)
store = InMemoryVectorStore.from_documents([Document("Sevens are blue."), Document("Threes are red.")], embeddings)


@tool
def weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


agent = create_agent(ChatOpenAI(model="gpt-4o-mini", temperature=0.2), [weather], name="forecaster")
with using_attributes(user_id="ada", session_id="visit-6", tags=["blue"], metadata={"tier": "gold"}):
    print(store.as_retriever(search_kwargs={"k": 1}).invoke("Which digits?")[0].page_content)
    print(agent.invoke({"messages": [{"role": "user", "content": "Is it warm?"}]})["messages"][-1].content)
provider.shutdown()
