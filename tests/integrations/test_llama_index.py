"""LlamaIndex through OpenInference's instrumentation, exported by Langfuse's client."""

import pytest

from integrations.conftest import Runner
from integrations.expected import check_call, check_context, cost_usd
from integrations.reading import Traces
from integrations.replies import TEXT


@pytest.fixture(scope="module")
def traces(runner: Runner) -> Traces:
    return runner.run("llama_index_openinference.py")


def test_a_query_holds_its_retrieval_and_its_synthesis(traces: Traces):
    query = traces.one("RetrieverQueryEngine.query")
    assert (query.type, query.given, query.made) == ("CHAIN", "Which digits?", TEXT)
    inside = {each.name: each.type for each in query.walk()}
    assert inside["VectorIndexRetriever.retrieve"] == "RETRIEVER"
    assert inside["MockEmbedding.get_query_embedding"] == "EMBEDDING"
    assert inside["CompactAndRefine.synthesize"] == "CHAIN"
    assert inside["OpenAI.chat"] == "GENERATION"


def test_a_model_shows_messages_and_not_the_text_of_objects(traces: Traces):
    [call] = [each for each in traces.one("RetrieverQueryEngine.query").walk() if each.name == "OpenAI.chat"]
    check_call(call)
    assert [message["role"] for message in call.given] == ["system", "user"]
    assert "Threes are red." in call.given[1]["content"]
    assert call.made == [{"role": "assistant", "content": TEXT}]


def test_a_method_around_a_call_is_not_counted_again(traces: Traces, runner: Runner):
    predict = traces.one("OpenAI.predict")
    assert (predict.type, predict.model, predict.made) == ("CHAIN", "gpt-4o-mini", TEXT)
    assert runner.reader.trace_cost_usd(predict) == cost_usd(calls=1)


def test_an_agent_holds_its_calls_and_its_tool(traces: Traces):
    agent = traces.one("FunctionAgent.run")
    calls = [each for each in agent.walk() if each.name == "OpenAI.achat"]
    assert len(calls) == 2
    for call in calls:
        check_call(call)
    [wanted] = calls[0].made[0]["tool_calls"]
    assert wanted["function"]["name"] == "weather"
    assert calls[1].made[0]["content"] == "In Paris: sunny in Paris"
    [tool] = [each for each in agent.walk() if each.type == "TOOL"]
    assert tool.given == {"kwargs": {"city": "Paris"}}
    assert tool.made["raw_output"] == "sunny in Paris"


def test_a_refusal_is_an_error_with_the_providers_words(traces: Traces):
    refused = [each for each in traces.of_type("GENERATION") if each.level == "ERROR"]
    assert "gpt-4-32k" in {each.model for each in refused}
    assert all("The model `gpt-4-32k` does not exist" in each.statusMessage for each in refused)


def test_every_step_knows_user_session_and_tags(traces: Traces):
    check_context(traces.all(), session="visit-4")
