"""What a span's attributes become: what other libraries write, and what is broken."""

import json

import pytest

from server.tracing.spans import START, langfuse, observed
from sightline.server.tracing.mapping import InvalidSpan
from sightline.server.tracing.mapping.shape import MOST_KEYS
from sightline.server.tracing.records import Kind


def test_gen_ai_messages_parameters_and_usage_are_understood():
    chat = observed(
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "tiny",
            "gen_ai.response.model": "tiny-1",
            "gen_ai.request.temperature": 0.5,
            "gen_ai.request.max_tokens": 30,
            "gen_ai.usage.input_tokens": 40,
            "gen_ai.usage.output_tokens": 2,
            "gen_ai.usage.cache_read.input_tokens": 10,
            "gen_ai.system_instructions": '[{"type":"text","content":"be brief"}]',
            "gen_ai.input.messages": '[{"role":"user","parts":[{"type":"text","content":"hi"}]}]',
            "gen_ai.output.messages": '[{"role":"assistant","parts":[{"type":"text","content":"yo"}]}]',
            "gen_ai.server.time_to_first_token": 0.25,
        }
    )
    assert chat.model == "tiny-1"
    assert chat.model_parameters == {"temperature": "0.5", "max_tokens": "30"}
    assert chat.usage == {"input": 30, "input_cached_tokens": 10, "output": 2, "total": 42}
    assert [message["role"] for message in json.loads(chat.input or "")] == ["system", "user"]
    assert json.loads(chat.output or "")[0]["parts"][0]["content"] == "yo"
    assert chat.completion_start_time is not None
    assert (chat.completion_start_time - chat.start_time).total_seconds() == 0.25


def test_structured_messages_become_json_too():
    chat = observed({"gen_ai.input.messages": [{"role": "user", "parts": [{"type": "text", "content": "hi"}]}]})
    assert json.loads(chat.input or "")[0]["role"] == "user"


def test_openinference_messages_are_gathered_in_order():
    llm = observed(
        {
            "openinference.span.kind": "LLM",
            "llm.model_name": "m",
            "llm.invocation_parameters": '{"top_p": 0.9}',
            "llm.input_messages.10.message.content": "last",
            "llm.input_messages.0.message.role": "user",
            "llm.input_messages.0.message.contents.0.message_content.type": "text",
            "llm.input_messages.0.message.contents.0.message_content.text": "what is it?",
            "llm.token_count.prompt": 3,
            "llm.token_count.completion": 4,
        }
    )
    assert json.loads(llm.input or "") == [
        {"role": "user", "contents": [{"type": "text", "text": "what is it?"}]},
        {"content": "last"},
    ]
    assert llm.model_parameters == {"top_p": "0.9"}
    assert llm.usage == {"input": 3, "output": 4, "total": 7}


def test_input_value_goes_before_messages():
    assert observed({"input.value": "first", "llm.input_messages.0.message.role": "user"}).input == "first"


def test_a_conversation_with_more_keys_than_are_remembered_is_read_like_a_short_one():
    turns = 2 * MOST_KEYS
    said = {f"llm.input_messages.{turn}.message.content": f"turn {turn}" for turn in range(turns)}
    observation = observed({"openinference.span.kind": "LLM", "llm.model_name": "m", "user.id": "ada", **said})
    messages = json.loads(observation.input or "")
    assert [message["content"] for message in messages] == [f"turn {turn}" for turn in range(turns)]
    assert (observation.kind, observation.model, observation.trace.user_id) == (Kind.GENERATION, "m", "ada")
    assert "attributes" not in observation.metadata


def test_what_is_remembered_of_a_span_s_keys_does_not_depend_on_their_values():
    assert observed({"deployment.environment": "test", "input": "one", "shade": 1}).input == "one"
    again = observed({"deployment.environment": "", "input": "", "shade": 2}, resource={"langfuse.environment": "prod"})
    assert (again.environment, again.input, again.metadata["attributes"]) == ("prod", None, '{"shade":2}')


def test_a_tool_call_shows_its_arguments_and_result():
    tool = observed({"gen_ai.tool.name": "clock", "gen_ai.tool.call.arguments": "{}", "gen_ai.tool.call.result": "9"})
    assert (tool.name, tool.input, tool.output) == ("clock", "{}", "9")


@pytest.mark.parametrize("field", ["trace_id", "span_id"])
@pytest.mark.parametrize("raw", [b"", b"\x01\x02", bytes(16), bytes(8)])
def test_an_invalid_id_is_named_with_its_span(field: str, raw: bytes):
    with pytest.raises(InvalidSpan, match=r"span 'work' has an invalid .* id"):
        observed(**{field: raw})


def test_a_span_that_ends_before_it_starts_is_clamped():
    assert observed(end_time_unix_nano=START - 5).end_time == observed().start_time


def test_a_span_still_running_has_no_end():
    assert observed(end_time_unix_nano=0).end_time is None


def test_broken_json_in_a_langfuse_field_is_not_an_error():
    odd = langfuse({"langfuse.observation.usage_details": "{", "langfuse.observation.model.parameters": "[1]"})
    assert (odd.usage, odd.model_parameters) == ({}, {})
