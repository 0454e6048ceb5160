import asyncio

from langfuse import get_client, propagate_attributes
from llama_index.core import Document, MockEmbedding, Settings, VectorStoreIndex
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.llms.openai import OpenAI
from openai import NotFoundError
from openinference.instrumentation.llama_index import LlamaIndexInstrumentor

langfuse = get_client()
LlamaIndexInstrumentor().instrument()
Settings.llm = OpenAI(model="gpt-4o-mini", temperature=0.2, max_retries=0)
Settings.embed_model = MockEmbedding(embed_dim=8)


def weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


async def ask() -> None:
    agent = FunctionAgent(
        name="forecaster", tools=[weather], llm=Settings.llm, system_prompt="Be brief.", streaming=False
    )
    print(await agent.run("Is it warm?"))


with propagate_attributes(user_id="ada", session_id="visit-4", tags=["blue"]):
    index = VectorStoreIndex.from_documents([Document(text="Threes are red."), Document(text="Sevens are blue.")])
    print(index.as_query_engine(similarity_top_k=2).query("Which digits?"))

    asyncio.run(ask())
    try:
        OpenAI(model="gpt-4-32k", max_retries=0).complete("Which digits?")
    except NotFoundError as refusal:
        print(refusal.status_code)
langfuse.flush()
