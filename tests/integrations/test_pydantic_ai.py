"""pydantic-ai's own instrumentation, exported by a plain OTLP exporter."""

import json

import pytest

from integrations.conftest import Runner
from integrations.expected import REFUSAL, check_call, check_refused, cost_usd
from integrations.reading import Traces


@pytest.fixture(scope="module")
def traces(runner: Runner) -> Traces:
    return runner.run("agents/pydantic_ai_agent.py", otlp="")


def test_an_agent_holds_its_calls_and_the_tool_between_them(traces: Traces):
    call = "GENERATION chat gpt-4o-mini"
    assert traces.roots[0].shape() == ("AGENT forecaster run", [call, "TOOL weather", call])


def test_an_agent_shows_what_it_was_asked_and_its_result_and_counts_nothing_itself(traces: Traces):
    agent = traces.one("forecaster run")
    assert [message["role"] for message in agent.given] == ["system", "user"]
    assert agent.given[1]["parts"][0]["content"] == "Is it warm in Paris?"
    assert agent.made == {"city": "Paris", "degrees": 3}
    assert (agent.usageDetails, agent.costDetails) == ({}, {})


def test_calls_show_messages_parameters_usage_and_price(traces: Traces):
    first, last = traces.named("chat gpt-4o-mini")
    for call in (first, last):
        check_call(call)
        assert call.modelParameters == {"temperature": "0.2", "max_tokens": "50"}
    [wanted] = first.made[0]["parts"]
    assert (wanted["type"], wanted["name"], json.loads(wanted["arguments"])) == (
        "tool_call",
        "weather",
        {"city": "Paris"},
    )
    assert last.given[-1]["parts"][0]["result"] == "sunny in Paris"


def test_a_trace_costs_what_its_calls_cost(traces: Traces, runner: Runner):
    assert runner.reader.trace_cost_usd(traces.roots[0]) == cost_usd(calls=2)


def test_a_tool_shows_its_arguments_and_its_result(traces: Traces):
    tool = traces.one("weather")
    assert (tool.given, tool.made) == ({"city": "Paris"}, "sunny in Paris")


def test_a_refusal_is_an_error_of_the_call_and_of_the_agent(traces: Traces):
    check_refused(traces.one("chat gpt-missing"))
    agent = traces.one("refused run")
    assert (agent.level, REFUSAL in agent.statusMessage) == ("ERROR", True)
    assert agent.given[0]["parts"][0]["content"] == "Which digits?"


def test_a_conversation_is_a_session(traces: Traces):
    agent = traces.one("forecaster run")
    assert {each.sessionId for each in agent.walk()} == {agent.sessionId}
    assert agent.sessionId not in (None, traces.one("refused run").sessionId)
