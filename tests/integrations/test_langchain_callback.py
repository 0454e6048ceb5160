"""Langfuse's callback for LangChain and LangGraph."""

import pytest

from integrations.conftest import Runner
from integrations.expected import CALL_USD, REFUSAL, check_context, check_refused, check_streamed
from integrations.reading import Observation, Traces
from integrations.replies import TEXT


@pytest.fixture(scope="module")
def traces(runner: Runner) -> Traces:
    return runner.run("langchain_callback.py")


def check_model(call: Observation) -> None:
    """LangChain has names of its own for the parts of its usage."""
    assert (call.type, call.name, call.model) == ("GENERATION", "ChatOpenAI", "gpt-4o-mini")
    counted = {kind: count for kind, count in call.usageDetails.items() if count}
    assert counted == {"input": 24, "input_cache_read": 16, "output": 7, "output_reasoning": 5, "total": 52}
    assert call.totalCost == CALL_USD
    assert call.modelParameters["temperature"] == "0.2"


def test_a_chain_is_a_tree_of_its_steps(traces: Traces):
    rag = traces.one("rag")
    assert rag.shape() == (
        "CHAIN rag",
        [
            (
                "CHAIN RunnableParallel<context,question>",
                ["RETRIEVER VectorStoreRetriever", "CHAIN RunnablePassthrough"],
            ),
            "CHAIN ChatPromptTemplate",
            "GENERATION ChatOpenAI",
            "CHAIN StrOutputParser",
        ],
    )
    assert (rag.given, rag.made) == ("Which digits?", TEXT)
    assert rag.metadata["tier"] == "gold"


def test_a_retriever_shows_the_question_and_the_documents(traces: Traces):
    [retriever] = traces.of_type("RETRIEVER")
    assert retriever.given == "Which digits?"
    assert [document["page_content"] for document in retriever.made] == ["Sevens are blue."]


def test_a_model_shows_messages_usage_and_price(traces: Traces):
    call = traces.one("rag").children[2]
    check_model(call)
    assert [message["role"] for message in call.given] == ["system", "user"]
    assert "Sevens are blue." in call.given[0]["content"]
    assert (call.made["role"], call.made["content"]) == ("assistant", TEXT)


def test_an_agent_shows_its_turns_and_the_tool_between_them(traces: Traces):
    agent = traces.one("forecaster")
    turn = ("CHAIN model", ["GENERATION ChatOpenAI"])
    assert agent.shape() == ("CHAIN forecaster", [turn, ("CHAIN tools", ["TOOL weather"]), turn])
    first, tool, last = agent.children[0].children[0], agent.children[1].children[0], agent.children[2].children[0]
    check_model(first)
    check_model(last)
    assert [(call["name"], call["args"]) for call in first.made["tool_calls"]] == [("weather", {"city": "Paris"})]
    assert (tool.given, tool.made["content"]) == ({"city": "Paris"}, "sunny in Paris")
    assert last.made["content"] == "In Paris: sunny in Paris"
    assert agent.made["messages"][-1]["content"] == "In Paris: sunny in Paris"


def test_a_stream_tells_when_its_first_token_came(traces: Traces):
    call = traces.one("stream").children[1]
    check_model(call)
    assert call.made["content"] == TEXT
    check_streamed(call)


def test_a_refusal_is_an_error_of_the_model_and_of_the_chain(traces: Traces):
    refused = traces.one("refused")
    assert refused.level == "ERROR"
    assert REFUSAL in refused.statusMessage
    check_refused(refused.children[1])
    assert refused.children[0].level == "DEFAULT"


def test_every_step_knows_user_session_and_tags(traces: Traces):
    check_context(traces.all(), session="visit-2")
