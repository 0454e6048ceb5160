"""Vercel's AI SDK: attributes as version 6 writes them, and as version 7 writes them by the gen_ai conventions."""

import json
from typing import Any

import pytest

from server.tracing.spans import observed
from sightline.server.tracing.records import Kind

USAGE = {
    "gen_ai.usage.input_tokens": 40,
    "gen_ai.usage.output_tokens": 12,
    "ai.usage.inputTokens": 40,
    "ai.usage.inputTokenDetails.noCacheTokens": 24,
    "ai.usage.inputTokenDetails.cacheReadTokens": 16,
    "ai.usage.outputTokens": 12,
    "ai.usage.outputTokenDetails.textTokens": 7,
    "ai.usage.reasoningTokens": 5,
    "ai.usage.totalTokens": 52,
    "ai.usage.cachedInputTokens": 16,
}


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("ai.generateText", Kind.AGENT),
        ("ai.streamText", Kind.AGENT),
        ("ai.generateObject", Kind.SPAN),
        ("ai.streamObject.doStream", Kind.GENERATION),
        ("ai.generateText.doGenerate", Kind.GENERATION),
        ("ai.embed", Kind.SPAN),
        ("ai.embedMany.doEmbed", Kind.EMBEDDING),
        ("ai.toolCall", Kind.TOOL),
    ],
)
def test_the_calls_of_a_model_are_generations_and_what_wraps_them_is_not(operation: str, kind: Kind):
    assert observed({"ai.operationId": operation, "ai.model.id": "gpt-4o-mini"}).kind is kind


def test_a_call_shows_its_messages_its_tool_calls_and_its_usage_without_counting_parts_twice():
    call = observed(
        {
            "ai.operationId": "ai.generateText.doGenerate",
            "ai.model.id": "gpt-4o-mini",
            "ai.prompt.messages": '[{"role":"user","content":[{"type":"text","text":"warm?"}]}]',
            "ai.response.toolCalls": '[{"toolCallId":"c1","toolName":"weather","input":"{\\"city\\": \\"Paris\\"}"}]',
            "gen_ai.request.temperature": 0.2,
            **USAGE,
        }
    )
    assert json.loads(call.input or "")[0]["content"][0]["text"] == "warm?"
    wanted = {"toolCallId": "c1", "toolName": "weather", "input": {"city": "Paris"}}
    assert json.loads(call.output or "") == {"role": "assistant", "content": None, "tool_calls": [wanted]}
    assert call.usage == {
        "input": 24,
        "input_cached_tokens": 16,
        "output": 7,
        "output_reasoning_tokens": 5,
        "total": 52,
    }
    assert call.model_parameters == {"temperature": "0.2"}


@pytest.mark.parametrize("operation", ["ai.generateText", "ai.streamText", "ai.generateObject"])
def test_what_wraps_calls_keeps_what_it_sent_and_is_no_call(operation: str):
    wrapper = observed(
        {
            "ai.operationId": operation,
            "ai.prompt": '{"prompt":"warm?"}',
            "ai.response.text": "yes",
            "ai.model.id": "m",
            "ai.response.id": "of its last call",
            **USAGE,
        }
    )
    assert wrapper.kind is not Kind.GENERATION
    assert (wrapper.model, wrapper.usage["total"], wrapper.call_id) == ("m", 52, None)
    assert (wrapper.input, wrapper.output) == ('{"prompt":"warm?"}', "yes")


def test_an_object_a_tool_and_an_embedding_show_what_went_in_and_out():
    made = observed({"ai.operationId": "ai.generateObject.doGenerate", "ai.response.object": '{"city":"Paris"}'})
    assert made.output == '{"city":"Paris"}'
    tool = observed(
        {
            "ai.operationId": "ai.toolCall",
            "ai.toolCall.name": "weather",
            "ai.toolCall.args": '{"city":"Paris"}',
            "ai.toolCall.result": '"sunny"',
        }
    )
    assert (tool.name, tool.input, tool.output) == ("weather", '{"city":"Paris"}', '"sunny"')
    embedding = observed(
        {
            "ai.operationId": "ai.embedMany.doEmbed",
            "ai.values": ['"one"', '"two"'],
            "ai.embeddings": ["[0.5,1,2]", "[3,4,5]"],
            "ai.usage.tokens": 6,
        }
    )
    assert (embedding.input, embedding.output) == ('["one","two"]', '{"dimensions":3,"count":2}')
    assert embedding.usage == {"input": 6, "total": 6}


def test_telemetry_metadata_names_the_user_the_session_the_prompt_and_the_rest_is_metadata():
    call = observed(
        {
            "ai.operationId": "ai.streamText.doStream",
            "ai.telemetry.metadata.userId": "ada",
            "ai.telemetry.metadata.sessionId": "visit",
            "ai.telemetry.metadata.tags": ["blue"],
            "ai.telemetry.metadata.tier": "gold",
            "ai.telemetry.metadata.langfusePrompt": '{"name":"greeting","version":3,"isFallback":false}',
            "ai.response.msToFirstChunk": 250,
        }
    )
    assert (call.trace.user_id, call.trace.session_id, call.trace.tags) == ("ada", "visit", ("blue",))
    assert (call.prompt_name, call.prompt_version) == ("greeting", 3)
    assert (call.metadata["tier"], set(call.metadata)) == (
        '"gold"',
        {"tier", "attributes", "resourceAttributes", "scope"},
    )
    assert json.loads(call.metadata["attributes"]) == {"ai.response.msToFirstChunk": 250}
    assert call.completion_start_time is not None
    assert (call.completion_start_time - call.start_time).total_seconds() == 0.25


def test_version_sevens_agents_keep_the_sum_of_their_steps():
    attributes: dict[str, Any] = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.usage.input_tokens": 80,
        "gen_ai.usage.output_tokens": 24,
    }
    agent = observed(attributes, scope="gen_ai")
    assert (agent.kind, agent.usage) == (Kind.AGENT, {"input": 80, "output": 24, "total": 104})


def test_version_sevens_context_names_the_user_the_session_and_the_rest_is_metadata():
    chat = observed(
        {
            "gen_ai.operation.name": "chat",
            "ai.settings.context.userId": "ada",
            "ai.settings.context.sessionId": "visit",
            "ai.settings.context.tags": ["blue"],
            "ai.settings.context.tier": "gold",
        }
    )
    assert (chat.trace.user_id, chat.trace.session_id, chat.trace.tags) == ("ada", "visit", ("blue",))
    assert chat.metadata["tier"] == '"gold"'


def test_a_stream_of_version_seven_tells_when_its_first_chunk_came():
    chat = observed({"gen_ai.operation.name": "chat", "gen_ai.client.operation.time_to_first_chunk": 0.5})
    assert chat.completion_start_time is not None
    assert (chat.completion_start_time - chat.start_time).total_seconds() == 0.5
