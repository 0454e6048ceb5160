"""Langfuse's drop-in OpenAI client."""

import json

import pytest

from integrations.conftest import Runner
from integrations.expected import (
    EMBEDDING_USAGE,
    EMBEDDING_USD,
    check_call,
    check_context,
    check_refused,
    check_streamed,
)
from integrations.reading import Traces
from integrations.replies import TEXT

MESSAGES = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Which digits?"}]


@pytest.fixture(scope="module")
def traces(runner: Runner) -> Traces:
    return runner.run("openai_wrapper.py")


def test_every_call_is_inside_the_request_that_made_it(traces: Traces):
    [request] = traces.roots
    names = ["answer", "stream", "tool call", "structured", "response"]
    assert request.shape() == (
        "SPAN request",
        [*(f"GENERATION {name}" for name in names), "EMBEDDING embed", "GENERATION refused"],
    )
    assert (request.given, request.made) == ({"args": ["Which digits?"], "kwargs": {}}, TEXT)
    check_context(traces.all(), session="visit-1")
    assert request.metadata["tier"] == "gold"


def test_a_call_shows_its_messages_parameters_usage_and_price(traces: Traces):
    answer = traces.one("answer")
    check_call(answer)
    assert (answer.given, answer.made) == (MESSAGES, {"role": "assistant", "content": TEXT})
    assert answer.modelParameters["temperature"] == "0.2"
    assert answer.modelParameters["max_tokens"] == "50"
    assert answer.timeToFirstToken is None


def test_a_stream_is_put_together_and_tells_when_its_first_token_came(traces: Traces):
    stream = traces.one("stream")
    check_call(stream)
    assert (stream.given, stream.made) == (MESSAGES, TEXT)
    check_streamed(stream)


def test_a_tool_call_shows_the_tools_offered_and_the_one_chosen(traces: Traces):
    call = traces.one("tool call")
    check_call(call)
    assert call.given["messages"] == MESSAGES
    assert call.given["tools"][0]["function"]["name"] == "weather"
    [chosen] = call.made["tool_calls"]
    assert (chosen["function"]["name"], json.loads(chosen["function"]["arguments"])) == ("weather", {"city": "Paris"})


def test_structured_output_and_the_responses_interface_are_calls_like_others(traces: Traces):
    structured, response = traces.one("structured"), traces.one("response")
    check_call(structured)
    check_call(response)
    assert json.loads(structured.made["content"]) == {"city": "Paris", "digits": 3}
    assert response.given == MESSAGES
    assert response.made["content"][0]["text"] == TEXT


def test_an_embedding_is_counted_by_its_input(traces: Traces):
    embed = traces.one("embed")
    assert (embed.type, embed.model, embed.usageDetails) == ("EMBEDDING", "text-embedding-3-small", EMBEDDING_USAGE)
    assert embed.totalCost == EMBEDDING_USD
    assert (embed.given, embed.made) == (["Which digits?", "a map"], {"dimensions": 8, "count": 2})


def test_a_refusal_is_an_error_with_the_providers_words(traces: Traces):
    check_refused(traces.one("refused"))
    assert traces.one("refused").given == MESSAGES
