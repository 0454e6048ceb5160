"""OpenInference's instrumentations of OpenAI and LangChain, exported by a plain OTLP exporter."""

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

MESSAGES = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Is it warm?"}]


@pytest.fixture(scope="module")
def openai(runner: Runner) -> Traces:
    return runner.run("openinference_openai.py", otlp="/api/public/otel")


@pytest.fixture(scope="module")
def langchain(runner: Runner) -> Traces:
    return runner.run("openinference_langchain.py", otlp="")


def test_openai_calls_are_inside_the_span_that_made_them(openai: Traces):
    [request] = openai.roots
    chat = "GENERATION ChatCompletion"
    assert request.shape() == (
        "SPAN request",
        [chat, chat, "GENERATION Response", "EMBEDDING CreateEmbeddings", chat],
    )
    check_context(request.children, session="visit-5")
    assert {each.metadata["tier"] for each in request.children} == {"gold"}


def test_an_openai_call_shows_messages_parameters_usage_and_price(openai: Traces):
    call = openai.roots[0].children[0]
    check_call(call)
    assert call.given == MESSAGES
    [wanted] = call.made[0]["tool_calls"]
    assert (wanted["function"]["name"], json.loads(wanted["function"]["arguments"])) == ("weather", {"city": "Paris"})
    assert call.modelParameters["temperature"] == "0.2"


def test_an_openai_stream_tells_when_its_first_token_came(openai: Traces):
    stream = openai.roots[0].children[1]
    check_call(stream)
    assert stream.made == [{"role": "assistant", "content": TEXT}]
    check_streamed(stream)


def test_the_responses_interface_is_a_call_like_others(openai: Traces):
    response = openai.one("Response")
    check_call(response)
    assert response.given == MESSAGES
    assert response.made == [{"role": "assistant", "contents": [{"type": "text", "text": TEXT}]}]


def test_an_openai_embedding_is_counted_by_its_input(openai: Traces):
    embed = openai.one("CreateEmbeddings")
    assert (embed.model, embed.usageDetails) == ("text-embedding-3-small", EMBEDDING_USAGE)
    assert embed.totalCost == EMBEDDING_USD
    assert embed.given["input"] == "Is it warm?"


def test_a_refused_openai_call_is_an_error_with_the_providers_words(openai: Traces):
    check_refused(openai.roots[0].children[-1])
    assert openai.roots[0].children[-1].given == MESSAGES


def test_a_langchain_agent_shows_its_turns_and_the_tool_between_them(langchain: Traces):
    retriever, agent = langchain.roots
    turn = ("CHAIN model", ["GENERATION ChatOpenAI"])
    assert agent.shape() == ("CHAIN forecaster", [turn, ("CHAIN tools", ["TOOL weather"]), turn])
    assert (retriever.type, retriever.given) == ("RETRIEVER", "Which digits?")
    assert retriever.made["documents"][0]["page_content"] == "Sevens are blue."
    check_context(langchain.all(), session="visit-6")
    assert agent.metadata["tier"] == "gold"


def test_a_langchain_model_shows_messages_and_not_the_text_of_objects(langchain: Traces):
    first, last = langchain.named("ChatOpenAI")
    check_call(first)
    check_call(last)
    assert first.given == [{"role": "user", "content": "Is it warm?"}]
    [wanted] = first.made[0]["tool_calls"]
    assert wanted["function"]["name"] == "weather"
    assert [message["role"] for message in last.given] == ["user", "assistant", "tool"]
    assert last.made[0]["content"] == "In Paris: sunny in Paris"
    [tool] = langchain.of_type("TOOL")
    assert tool.made["data"]["content"] == "sunny in Paris"
