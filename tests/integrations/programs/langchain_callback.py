from langchain.agents import create_agent
from langchain.tools import tool
from langchain_core.documents import Document
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda, RunnablePassthrough
from langchain_core.vectorstores import InMemoryVectorStore
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from langfuse import get_client
from langfuse.langchain import CallbackHandler
from openai import NotFoundError

config = {
    "callbacks": [CallbackHandler()],
    "metadata": {
        "langfuse_user_id": "ada",
        "langfuse_session_id": "visit-2",
        "langfuse_tags": ["blue"],
        "tier": "gold",
    },
}
model = ChatOpenAI(model="gpt-4o-mini", temperature=0.2, stream_usage=True, max_retries=0)

embeddings = OpenAIEmbeddings(model="text-embedding-3-small", check_embedding_ctx_length=False)
store = InMemoryVectorStore.from_documents([Document("Sevens are blue."), Document("Threes are red.")], embeddings)
prompt = ChatPromptTemplate.from_messages([("system", "Use this: {context}"), ("human", "{question}")])
chain = (
    {"context": store.as_retriever(search_kwargs={"k": 1}), "question": RunnablePassthrough()}
    | prompt
    | model
    | StrOutputParser()
)
print(chain.invoke("Which digits?", config | {"run_name": "rag"}))


@tool
def weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


agent = create_agent(model, [weather], system_prompt="Be brief.", name="forecaster")
print(agent.invoke({"messages": [{"role": "user", "content": "Is it warm?"}]}, config)["messages"][-1].content)

for piece in (prompt | model).stream(
    {"context": "nothing", "question": "Which digits?"}, config | {"run_name": "stream"}
):
    print(piece.content, end="")

refused = RunnableLambda(lambda question: question) | ChatOpenAI(model="gpt-missing", max_retries=0)
try:
    refused.invoke("Which digits?", config | {"run_name": "refused"})
except NotFoundError as refusal:
    print(refusal.status_code)
get_client().flush()
