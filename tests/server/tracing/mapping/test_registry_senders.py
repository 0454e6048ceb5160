"""What instrumentations found on the registries write that no convention says, and what a person sees of it."""

import json
from typing import Any

import pytest

from server.tracing.spans import observed
from sightline.server.tracing.records import Kind

TRACE_AI = {
    "gen_ai.span.kind": "LLM",
    "input.value": '{"model": "m"}',
    "output.value": '{"choices": []}',
    "gen_ai.input.messages.0.message.role": "user",
    "gen_ai.input.messages.0.message.content": "Which digits?",
    "gen_ai.output.messages.0.message.role": "assistant",
    "gen_ai.output.messages.0.message.content": "A red three.",
}


def test_a_call_of_trace_ai_shows_its_messages_and_not_the_raw_request():
    call = observed(TRACE_AI)
    assert call.kind is Kind.GENERATION
    assert json.loads(call.input or "") == [{"role": "user", "content": "Which digits?"}]
    assert json.loads(call.output or "") == [{"role": "assistant", "content": "A red three."}]
    assert "attributes" not in call.metadata


def test_a_chain_of_trace_ai_shows_its_own_value():
    assert observed(TRACE_AI | {"gen_ai.span.kind": "CHAIN"}).input == '{"model": "m"}'


@pytest.mark.parametrize(
    ("key", "spelt", "kind"),
    [
        ("gen_ai.span.kind", "TOOL", Kind.TOOL),
        ("gen_ai.span.kind", "VECTOR_DB", Kind.RETRIEVER),
        ("gen_ai.span.kind", "ENTRY", Kind.CHAIN),
        ("gen_ai.span.kind", "STEP", Kind.SPAN),
        ("lmnr.span.type", "LLM", Kind.GENERATION),
        ("lmnr.span.type", "DEFAULT", Kind.SPAN),
        ("netra.span.type", "EMBEDDING", Kind.EMBEDDING),
        ("agentops.span.kind", "workflow", Kind.CHAIN),
    ],
)
def test_a_span_has_the_kind_its_package_gave_it(key: str, spelt: str, kind: Kind):
    assert observed({key: spelt}).kind is kind


@pytest.mark.parametrize(
    ("user", "session"),
    [
        ("gen_ai.user.id", "gen_ai.session.id"),
        ("lmnr.association.properties.user_id", "lmnr.association.properties.session_id"),
        ("respan.customer_params.customer_identifier", "respan.threads.thread_identifier"),
    ],
)
def test_users_and_sessions_are_read_under_the_names_of_their_packages(user: str, session: str):
    told = observed({user: "ada", session: "visit"}).trace
    assert (told.user_id, told.session_id) == ("ada", "visit")


@pytest.mark.parametrize("package", ["lmnr.span", "agentops.entity", "traceroot.span"])
def test_inputs_and_outputs_are_read_under_the_names_of_their_packages(package: str):
    step = observed({f"{package}.input": "asked", f"{package}.output": "answered"})
    assert (step.input, step.output) == ("asked", "answered")


def test_trace_ai_tells_its_own_costs():
    cost = {"gen_ai.cost.input": 0.1, "gen_ai.cost.output": 0.2, "gen_ai.cost.total": 0.3}
    assert observed(cost).cost_usd == {"input": 0.1, "output": 0.2, "total": 0.3}


@pytest.mark.parametrize(
    ("answer", "call_id"),
    [
        ('{"id":"msg_13","content":[]}', "msg_13"),
        ('{"id":"chatcmpl-9"}', "chatcmpl-9"),
        ('{"id":"item-9"}', None),
        ('{"id":9}', None),
        ('{"id":', None),
        ("msg_13", None),
    ],
)
def test_openinference_keeps_the_id_of_a_call_in_its_answer(answer: str, call_id: str | None):
    attributes: dict[str, Any] = {"openinference.span.kind": "LLM", "output.value": answer}
    assert observed(attributes, scope="openinference.instrumentation.anthropic").call_id == call_id
    assert observed(attributes).call_id is None
    chain = attributes | {"openinference.span.kind": "CHAIN"}
    assert observed(chain, scope="openinference.instrumentation.anthropic").call_id is None


@pytest.mark.parametrize("name", ["llm_node", "llm_request_run"])
def test_what_wraps_livekits_call_is_a_span_although_it_names_the_model(name: str):
    named = {"gen_ai.request.model": "gpt-4o-mini"}
    assert observed(named, name=name, scope="livekit-agents").kind is Kind.SPAN
    assert observed(named, name=name).kind is Kind.GENERATION
    assert observed(named, name="llm_request", scope="livekit-agents").kind is Kind.GENERATION


def test_a_cost_of_zero_from_openlit_is_no_price():
    assert observed({"gen_ai.usage.cost": 0.0}).cost_usd == {}
    assert observed({"gen_ai.usage.cost": 0.5}).cost_usd == {"total": 0.5}


def test_a_stream_of_trace_ai_names_its_model_among_the_parameters():
    stream = observed({"gen_ai.span.kind": "LLM", "gen_ai.request.parameters": '{"model": "m", "stream": true}'})
    assert (stream.model, stream.model_parameters) == ("m", {"model": "m", "stream": "true"})
