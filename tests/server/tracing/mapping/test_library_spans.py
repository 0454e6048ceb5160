"""What pydantic-ai, OpenInference, Traceloop, MLflow, Genkit and others write, and what a person sees of it."""

import json
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from server.tracing.spans import START, observed, pairs
from sightline.server.tracing.records import Kind

CONVERSATION = [
    {"role": "user", "parts": [{"type": "text", "content": "warm?"}]},
    {"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "weather"}]},
    {"role": "user", "parts": [{"type": "tool_call_response", "id": "c1", "result": "sunny"}]},
    {"role": "assistant", "parts": [{"type": "text", "content": "yes"}]},
]


def event(name: str, after_ms: int = 0, **attributes: Any) -> Span.Event:
    return Span.Event(name=name, time_unix_nano=START + after_ms * 1_000_000, attributes=pairs(attributes))


def agent(**more: Any) -> Any:
    given = {"gen_ai.operation.name": "invoke_agent", "pydantic_ai.all_messages": json.dumps(CONVERSATION)}
    return observed(given | more, scope="pydantic-ai")


def test_a_pydantic_ai_agent_was_asked_what_came_before_its_first_reply_and_made_its_final_result():
    run = agent(final_result="yes", **{"gen_ai.system_instructions": '[{"type":"text","content":"Be brief."}]'})
    assert [message["role"] for message in json.loads(run.input)] == ["system", "user"]
    assert (run.kind, run.output) == (Kind.AGENT, "yes")


def test_a_pydantic_ai_agent_that_goes_on_with_a_conversation_was_asked_all_of_it():
    assert json.loads(agent(**{"pydantic_ai.new_message_index": 2}).input) == CONVERSATION[:3]


def test_a_pydantic_ai_agent_keeps_its_usage_and_calls_split_off_reasoning():
    usage = {"gen_ai.usage.input_tokens": 40, "gen_ai.usage.output_tokens": 12}
    assert agent(**usage).usage == {"input": 40, "output": 12, "total": 52}
    chat = observed(
        {"gen_ai.operation.name": "chat", "gen_ai.usage.details.reasoning_tokens": 5, **usage}, scope="pydantic-ai"
    )
    assert chat.usage == {"input": 40, "output": 7, "output_reasoning_tokens": 5, "total": 52}


OPENINFERENCE = {
    "openinference.span.kind": "LLM",
    "input.value": '{"messages": ["ChatMessage(role=user)"]}',
    "output.value": "assistant: None",
    "llm.input_messages.0.message.role": "user",
    "llm.input_messages.0.message.content": "warm?",
    "llm.output_messages.0.message.role": "assistant",
    "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "weather",
    "metadata": '{"tier": "gold", "depth": {"of": 2}, "nothing": null}',
}


def test_an_openinference_call_shows_messages_and_not_the_text_of_objects():
    call = observed(OPENINFERENCE)
    assert json.loads(call.input or "") == [{"role": "user", "content": "warm?"}]
    assert json.loads(call.output or "") == [{"role": "assistant", "tool_calls": [{"function": {"name": "weather"}}]}]
    assert (call.metadata["tier"], call.metadata["depth"]) == ('"gold"', '{"of":2}')
    assert "nothing" not in call.metadata


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("llm.input_messages.0.message.role", Kind.GENERATION),
        ("llm.prompts", Kind.GENERATION),
        ("llm.prompt_template.template", Kind.CHAIN),
    ],
)
def test_of_llama_indexes_spans_only_the_call_itself_is_a_generation(key: str, kind: Kind):
    attributes = {"openinference.span.kind": "LLM", "llm.model_name": "gpt-4o-mini", key: "user"}
    span = observed(attributes, scope="openinference.instrumentation.llama_index")
    assert (span.kind, span.model) == (kind, "gpt-4o-mini")
    assert observed(attributes, scope="openinference.instrumentation.openai").kind is Kind.GENERATION


def test_an_openinference_chain_shows_its_own_value():
    assert observed(OPENINFERENCE | {"openinference.span.kind": "CHAIN"}).output == "assistant: None"


def test_a_call_that_failed_is_named_by_the_model_it_asked_for():
    asked = {"openinference.span.kind": "LLM", "llm.invocation_parameters": '{"model": "gpt-4o-mini"}'}
    assert observed(asked).model == "gpt-4o-mini"
    assert observed(asked | {"llm.model_name": "gpt-4o-mini-2024-07-18"}).model == "gpt-4o-mini-2024-07-18"


@pytest.mark.parametrize(
    "name", ["First Token Stream Event", "gen_ai.content.completion.chunk", "ai.stream.firstChunk"]
)
def test_the_first_event_of_a_stream_marks_the_first_token(name: str):
    stream = observed(events=[event("something else", 1), event(name, 40), event(name, 60)])
    assert stream.completion_start_time is not None
    assert (stream.completion_start_time - stream.start_time).total_seconds() == pytest.approx(0.04, abs=1e-5)


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        ({"traceloop.span.kind": "workflow"}, Kind.CHAIN),
        ({"traceloop.span.kind": "task"}, Kind.SPAN),
        ({"traceloop.span.kind": "agent"}, Kind.AGENT),
        ({"traceloop.span.kind": "tool"}, Kind.TOOL),
        ({"llm.request.type": "embedding", "gen_ai.request.model": "m"}, Kind.EMBEDDING),
        ({"mlflow.spanType": '"CHAT_MODEL"'}, Kind.GENERATION),
        ({"mlflow.spanType": '"RETRIEVER"'}, Kind.RETRIEVER),
        ({"genkit:metadata:subtype": "model"}, Kind.GENERATION),
        ({"genkit:metadata:subtype": "flow"}, Kind.CHAIN),
    ],
)
def test_kinds_of_traceloop_mlflow_and_genkit(attributes: dict[str, Any], kind: Kind):
    assert observed(attributes).kind is kind


def test_traceloops_association_properties_name_the_user_and_the_session():
    properties = "traceloop.association.properties"
    task = observed({f"{properties}.user_id": "ada", f"{properties}.session_id": "visit", f"{properties}.tier": "gold"})
    assert (task.trace.user_id, task.trace.session_id, task.metadata["tier"]) == ("ada", "visit", '"gold"')


def test_mlflows_inputs_outputs_and_usage_are_read():
    span = observed(
        {
            "mlflow.spanInputs": '{"question":"warm?"}',
            "mlflow.spanOutputs": '"yes"',
            "mlflow.chat.tokenUsage": '{"input_tokens":40,"output_tokens":12,"total_tokens":52}',
        }
    )
    assert (span.input, span.output) == ('{"question":"warm?"}', '"yes"')
    assert span.usage == {"input": 40, "output": 12, "total": 52}


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ("genkit:input", "genkit:output"),
        ("gcp.vertex.agent.llm_request", "gcp.vertex.agent.llm_response"),
        ("tool_arguments", "tool_response"),
        ("lk.user_input", "lk.response.text"),
    ],
)
def test_inputs_and_outputs_of_other_families_are_read(given: str, made: str):
    span = observed({given: "in", made: "out"})
    assert (span.input, span.output) == ("in", "out")
    assert "attributes" not in span.metadata


def test_logfires_messages_go_before_its_record_of_the_request_which_stays_in_the_metadata():
    record = {"request_data": '{"model":"gpt-4o-mini"}', "logfire.msg": "Chat Completion with 'gpt-4o-mini'"}
    messages = {"gen_ai.input.messages": '[{"role":"user"}]', "gen_ai.output.messages": '[{"role":"assistant"}]'}
    chat = observed(record | messages | {"gen_ai.operation.name": "chat"})
    assert (chat.name, chat.input, chat.output) == (
        "Chat Completion with 'gpt-4o-mini'",
        '[{"role":"user"}]',
        '[{"role":"assistant"}]',
    )
    assert json.loads(chat.metadata["attributes"])["request_data"] == '{"model":"gpt-4o-mini"}'
    assert observed(record | {"response_data": "{}"}).input == '{"model":"gpt-4o-mini"}'


def test_messages_written_as_events_are_messages():
    chat = observed(
        events=[
            event("gen_ai.system.message", content="Be brief."),
            event("gen_ai.user.message", content="warm?", **{"gen_ai.system": "openai"}),
            event("gen_ai.choice", index=0, message='{"content":"yes"}'),
        ]
    )
    asked = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "warm?"}]
    assert json.loads(chat.input or "") == asked
    assert json.loads(chat.output or "") == [{"role": "assistant", "index": 0, "message": {"content": "yes"}}]


def test_messages_of_the_details_event_are_read_as_if_they_were_on_the_span():
    details = {"gen_ai.input.messages": '[{"role":"user"}]', "gen_ai.output.messages": '[{"role":"assistant"}]'}
    chat = observed(events=[event("gen_ai.client.inference.operation.details", **details)])
    assert (chat.input, chat.output) == ('[{"role":"user"}]', '[{"role":"assistant"}]')
