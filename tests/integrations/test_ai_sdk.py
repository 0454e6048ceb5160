"""Vercel's AI SDK, versions 6 and 7: with Langfuse's span processor, and with a plain OTLP exporter."""

import pytest

from integrations.conftest import Runner
from integrations.expected import (
    EMBEDDING_USAGE,
    EMBEDDING_USD,
    REFUSAL,
    USAGE_WITHOUT_REASONING,
    check_call,
    check_context,
    check_refused,
    check_streamed,
    cost_usd,
)
from integrations.reading import Traces
from integrations.replies import TEXT

ANSWER = "In Paris: sunny in Paris"


@pytest.fixture(scope="module")
def six(runner: Runner) -> Traces:
    return runner.run("ai-6/langfuse_processor.mjs")


@pytest.fixture(scope="module")
def seven(runner: Runner) -> Traces:
    return runner.run("ai-7/langfuse_processor.mjs")


def test_version_sixes_calls_are_inside_what_asked_for_them(six: Traces):
    [request] = six.roots
    generate, stream, structured = "ai.generateText", "ai.streamText", "ai.generateObject"
    call = f"GENERATION {generate}.doGenerate"
    assert request.shape() == (
        "SPAN request",
        [
            (f"AGENT {generate}", [call, "TOOL weather", call]),
            (f"AGENT {stream}", [f"GENERATION {stream}.doStream"]),
            (f"SPAN {structured}", [f"GENERATION {structured}.doGenerate"]),
            ("SPAN ai.embed", ["EMBEDDING ai.embed.doEmbed"]),
            (f"AGENT {generate}", [call]),
        ],
    )
    check_context(six.all(), session="visit-8")
    assert {each.metadata["tier"] for each in request.children} == {"gold"}


def test_version_sixes_calls_show_messages_tool_calls_usage_and_price(six: Traces):
    agent = six.roots[0].children[0]
    first, tool, last = agent.children
    check_call(first)
    check_call(last)
    assert [message["role"] for message in first.given] == ["system", "user"]
    [wanted] = first.made["tool_calls"]
    assert (wanted["toolName"], wanted["input"]) == ("weather", {"city": "Paris"})
    assert first.modelParameters == {"temperature": "0.2"}
    assert (tool.given, tool.made, last.made) == ({"city": "Paris"}, "sunny in Paris", ANSWER)
    assert (agent.given, agent.made) == ({"system": "Be brief.", "prompt": "Is it warm?"}, ANSWER)


def test_what_wraps_version_sixes_calls_is_not_counted_again(six: Traces, runner: Runner):
    agents = [each for each in six.roots[0].children if each.usageDetails]
    assert agents, "version six repeats what its calls report"
    assert {each.type for each in agents} & {"GENERATION", "EMBEDDING"} == set()
    cached_usd = 16 * 0.075e-6  # of generateObject, whose spans leave cached tokens out
    total_usd = runner.reader.trace_cost_usd(six.roots[0])
    assert total_usd - cached_usd == cost_usd(calls=4, embeddings=1)


def test_version_sixes_streams_objects_and_embeddings_are_read(six: Traces):
    stream = six.one("ai.streamText.doStream")
    check_call(stream)
    check_streamed(stream)
    assert stream.made == TEXT
    structured = six.one("ai.generateObject.doGenerate")
    assert (structured.made, structured.usageDetails["total"]) == ({"city": "Paris", "digits": 3}, 52)
    embed = six.one("ai.embed.doEmbed")
    assert (embed.given, embed.made) == (["Is it warm?"], {"dimensions": 8, "count": 1})
    assert (embed.usageDetails, embed.totalCost) == (EMBEDDING_USAGE, EMBEDDING_USD)


def test_version_sixes_refusal_is_an_error_of_the_call_and_of_what_asked_for_it(six: Traces):
    refused = six.roots[0].children[-1]
    assert (refused.level, REFUSAL in refused.statusMessage) == ("ERROR", True)
    check_refused(refused.children[0])


def test_version_sixes_metadata_names_user_and_session_for_a_plain_exporter(runner: Runner):
    traces = runner.run("ai-6/plain_otlp.mjs", otlp="/api/public/otel")
    call = "GENERATION ai.generateText.doGenerate"
    assert [root.shape() for root in traces.roots] == [
        ("AGENT ai.generateText", [call, "TOOL weather", call]),
        ("AGENT ai.streamText", ["GENERATION ai.streamText.doStream"]),
    ]
    for generation in traces.of_type("GENERATION"):
        check_call(generation)
    check_context(traces.all(), session="visit-9")
    assert {each.metadata["tier"] for each in traces.all()} == {"gold"}


def test_version_sevens_agents_hold_steps_and_steps_hold_calls(seven: Traces):
    [request] = seven.roots
    call = "GENERATION chat gpt-4o-mini"
    one_step = ("AGENT invoke_agent gpt-4o-mini", [("SPAN step 1", [call])])
    embedding = "EMBEDDING embeddings text-embedding-3-small"
    assert request.shape() == (
        "SPAN request",
        [
            (
                "AGENT invoke_agent gpt-4o-mini",
                [("SPAN step 1", [call, "TOOL weather"]), ("SPAN step 2", [call])],
            ),
            one_step,
            one_step,
            (embedding, [embedding]),
            ("AGENT invoke_agent gpt-missing", [("SPAN step 1", ["GENERATION chat gpt-missing"])]),
        ],
    )
    check_context(seven.all(), session="visit-8")


def test_version_sevens_calls_show_messages_tool_calls_usage_and_price(seven: Traces):
    agent, stream, structured, embedding, _ = seven.roots[0].children
    for call in seven.named("chat gpt-4o-mini"):
        check_call(call, usage=USAGE_WITHOUT_REASONING)
    first, tool = agent.children[0].children
    assert [message["role"] for message in first.given] == ["system", "user"]
    assert first.made[0]["parts"][0]["arguments"] == {"city": "Paris"}
    assert first.modelParameters == {"temperature": "0.2"}
    assert (tool.given, tool.made) == ({"city": "Paris"}, "sunny in Paris")
    assert stream.made[0]["parts"][0]["content"] == TEXT
    check_streamed(stream.children[0].children[0])
    assert structured.made[0]["parts"][0]["content"] == '{"city": "Paris", "digits": 3}'
    assert embedding.children[0].usageDetails == EMBEDDING_USAGE


def test_version_sevens_agents_are_not_counted_again(seven: Traces, runner: Runner):
    agents = [each for each in seven.roots[0].children if each.usageDetails]
    assert agents, "version seven repeats what its calls report"
    assert {each.type for each in agents} & {"GENERATION", "EMBEDDING"} == set()
    assert runner.reader.trace_cost_usd(seven.roots[0]) == cost_usd(calls=4, embeddings=1)


def test_version_sevens_refusal_is_an_error_of_the_call_and_of_the_agent(seven: Traces):
    agent = seven.one("invoke_agent gpt-missing")
    assert (agent.level, REFUSAL in agent.statusMessage) == ("ERROR", True)
    check_refused(seven.one("chat gpt-missing"))


def test_version_seven_is_read_from_a_plain_exporter(runner: Runner):
    traces = runner.run("ai-7/plain_otlp.mjs", otlp="")
    calls = traces.of_type("GENERATION")
    assert [root.type for root in traces.roots] == ["AGENT", "AGENT"]
    assert len(calls) == 3
    for call in calls:
        check_call(call, usage=USAGE_WITHOUT_REASONING)
    assert traces.one("weather").made == "sunny in Paris"
