"""LiteLLM: its OpenTelemetry callback, and its older callback with the SDK that it asks for."""

import pytest

from integrations.conftest import HOME, Runner
from integrations.expected import (
    CALL_USD,
    EMBEDDING_USAGE,
    EMBEDDING_USD,
    check_call,
    check_context,
    check_refused,
    check_streamed,
)
from integrations.reading import Observation, Traces
from integrations.replies import TEXT

MESSAGES = [{"role": "user", "content": "Which digits?"}]


@pytest.fixture(scope="module")
def traces(runner: Runner) -> Traces:
    return runner.run("litellm_otel.py")


def generation(traces: Traces, name: str) -> Observation:
    """LiteLLM gives the raw request inside a call the same name."""
    [found] = [each for each in traces.named(name) if each.type == "GENERATION"]
    return found


def test_each_call_is_a_trace_named_by_its_metadata(traces: Traces):
    assert [root.name for root in traces.roots] == ["answer", "tool call", "stream", "embed", "refused"]
    assert {root.traceName for root in traces.roots} == {"reading"}
    check_context(traces.roots, session="visit-3")
    assert {root.metadata["tier"] for root in traces.roots} == {"gold"}


def test_a_call_shows_messages_parameters_usage_and_price(traces: Traces):
    answer = generation(traces, "answer")
    check_call(answer)
    assert (answer.given, answer.made) == (MESSAGES, {"role": "assistant", "content": TEXT})
    assert answer.modelParameters == {"temperature": "0.2", "max_tokens": "50"}


def test_a_tool_call_shows_the_tool_and_its_arguments(traces: Traces):
    call = generation(traces, "tool call")
    check_call(call)
    assert [(each["name"], each["arguments"]) for each in call.made] == [("weather", {"city": "Paris"})]


def test_a_stream_is_put_together_and_tells_when_its_first_token_came(traces: Traces):
    stream = generation(traces, "stream")
    check_call(stream)
    assert stream.made == {"role": "assistant", "content": TEXT}
    check_streamed(stream)


def test_an_embedding_is_counted_by_its_input(traces: Traces):
    embed = generation(traces, "embed")
    assert (embed.model, embed.usageDetails) == ("text-embedding-3-small", EMBEDDING_USAGE)
    assert embed.totalCost == EMBEDDING_USD


def test_a_refusal_is_an_error_with_the_providers_words(traces: Traces):
    check_refused(generation(traces, "refused"))


def test_the_older_callback_works_with_the_older_sdk(runner: Runner):
    [call] = runner.run("litellm_callback.py", PYTHONPATH=str(HOME / "langfuse-4")).roots
    counted = {kind: count for kind, count in call.usageDetails.items() if count}
    assert counted == {"input": 24, "cache_read_input_tokens": 16, "output": 12, "total": 52}
    assert (call.type, call.model, call.totalCost) == ("GENERATION", "gpt-4o-mini", CALL_USD)
    assert (call.name, call.given["messages"], call.made["content"]) == ("answer", MESSAGES, TEXT)
    check_context([call], session="visit-3")
