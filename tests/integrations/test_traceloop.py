"""Traceloop's SDK with its decorators and its OpenAI instrumentation."""

import pytest

from integrations.conftest import Runner
from integrations.expected import (
    EMBEDDING_USAGE,
    EMBEDDING_USD,
    USAGE_WITHOUT_REASONING,
    check_call,
    check_refused,
    check_streamed,
)
from integrations.reading import Traces


@pytest.fixture(scope="module")
def traces(runner: Runner) -> Traces:
    return runner.run("traceloop_workflow.py")


def test_a_workflow_is_a_tree_of_tasks_agents_tools_and_calls(traces: Traces):
    [workflow] = traces.roots
    assert workflow.shape() == (
        "CHAIN forecast.workflow",
        [
            ("SPAN embed.task", ["EMBEDDING openai.embeddings"]),
            ("AGENT forecaster.agent", ["GENERATION openai.chat", "TOOL weather", "GENERATION openai.chat"]),
            "GENERATION openai.chat",
        ],
    )
    assert (workflow.given["args"], workflow.made) == (["Is it warm?"], "In Paris: sunny in Paris")
    assert {(each.userId, each.sessionId) for each in traces.all()} == {("ada", "visit-7")}


def test_a_call_shows_messages_parameters_usage_and_price(traces: Traces):
    call = traces.one("forecaster.agent").children[0]
    check_call(call)
    assert [message["role"] for message in call.given] == ["system", "user"]
    [wanted] = call.made[0]["parts"]
    assert (wanted["type"], wanted["name"], wanted["arguments"]) == ("tool_call", "weather", {"city": "Paris"})
    assert call.modelParameters == {"temperature": "0.2", "max_tokens": "50"}


def test_a_stream_is_put_together_and_tells_when_its_first_token_came(traces: Traces):
    stream = traces.one("forecaster.agent").children[2]
    check_call(stream, usage=USAGE_WITHOUT_REASONING)
    assert stream.made[0]["parts"] == [{"content": "In Paris: sunny in Paris", "type": "text"}]
    check_streamed(stream)


def test_a_tool_and_an_embedding_show_what_went_in(traces: Traces):
    tool, embedding = traces.one("weather"), traces.one("openai.embeddings")
    assert (tool.given["args"], tool.made) == (["Paris"], "sunny in Paris")
    assert embedding.given[0]["parts"][0]["content"] == "Is it warm?"
    assert (embedding.model, embedding.usageDetails) == ("text-embedding-3-small", EMBEDDING_USAGE)
    assert embedding.totalCost == EMBEDDING_USD


def test_a_refusal_is_an_error_with_the_providers_words(traces: Traces):
    check_refused(traces.roots[0].children[-1])
