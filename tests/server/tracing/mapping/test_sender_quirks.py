"""What single senders do that no convention asks for, and what a person sees of it."""

from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from server.tracing.spans import observed
from sightline.server.tracing.records import Kind


def test_mlflows_words_lose_the_quotes_that_json_puts_around_them():
    call = observed(
        {
            "mlflow.spanType": '"CHAT_MODEL"',
            "model": '"gpt-5-mini"',
            "mlflow.spanInputs": '{"messages":[]}',
            "mlflow.chat.tokenUsage": '{"input_tokens":100,"output_tokens":40,"total_tokens":140,'
            '"cache_read_input_tokens":64}',
        }
    )
    assert (call.kind, call.model, call.input) == (Kind.GENERATION, "gpt-5-mini", '{"messages":[]}')
    assert call.usage == {"input": 36, "input_cached_tokens": 64, "output": 40, "total": 140}


@pytest.mark.parametrize(("told", "seconds"), [(250, 0.25), (0.25, 0.25), (1, 1.0), (1.6, 1.5), (1200.5, 1.2005)])
def test_a_first_token_after_the_end_was_told_in_milliseconds(told: float, seconds: float):
    call = observed({"gen_ai.server.time_to_first_token": told})
    assert call.completion_start_time is not None
    assert (call.completion_start_time - call.start_time).total_seconds() == pytest.approx(seconds, abs=1e-5)


@pytest.mark.parametrize("nothing", ["{}", "[]", "null"])
def test_an_empty_object_is_nothing_where_another_key_says_something(nothing: str):
    tool = observed(
        {
            "gen_ai.operation.name": "execute_tool",
            "gcp.vertex.agent.llm_request": nothing,
            "gcp.vertex.agent.llm_response": nothing,
            "gcp.vertex.agent.tool_call_args": '{"city":"Paris"}',
            "gen_ai.tool.call.result": "sunny",
        }
    )
    assert (tool.input, tool.output) == ('{"city":"Paris"}', "sunny")
    assert observed({"gcp.vertex.agent.llm_request": nothing}).input == nothing


def test_a_retrieval_shows_its_query_and_its_documents():
    found = observed(
        {
            "gen_ai.operation.name": "retrieval",
            "gen_ai.request.model": "m",
            "gen_ai.retrieval.query.text": "warm?",
            "gen_ai.retrieval.documents": '[{"id":"d1"}]',
        }
    )
    assert (found.kind, found.input, found.output) == (Kind.RETRIEVER, "warm?", '[{"id":"d1"}]')
    listed = observed({"openinference.span.kind": "RETRIEVER", "retrieval.documents.0.document.content": "sunny"})
    assert listed.output == '[{"content":"sunny"}]'


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        ({"gen_ai.operation.name": "invoke_workflow"}, Kind.CHAIN),
        ({"openinference.span.kind": "RERANKER"}, Kind.RETRIEVER),
        ({"llm.request.type": "rerank", "gen_ai.request.model": "m"}, Kind.RETRIEVER),
        ({"tool.name": "weather"}, Kind.TOOL),
        ({"ag2.span.type": "usage", "gen_ai.request.model": "m"}, Kind.SPAN),
    ],
)
def test_kinds_beside_those_of_a_call(attributes: dict[str, Any], kind: Kind):
    assert observed(attributes).kind is kind


def test_ag2s_record_of_a_usage_keeps_its_model_and_its_usage():
    record = observed({"ag2.span.type": "usage", "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 5})
    assert (record.model, record.usage) == ("m", {"input": 5, "total": 5})


def test_a_tool_is_named_by_its_name_and_a_failure_by_its_type():
    failed = observed(
        {"tool.name": "weather", "error.type": "TimeoutError"}, status=Status(code=Status.STATUS_CODE_ERROR)
    )
    assert (failed.name, failed.status_message) == ("weather", "TimeoutError")
    assert observed({"error.type": "TimeoutError"}).status_message is None


@pytest.mark.parametrize("key", ["gen_ai.response.id", "ai.response.id", "llm.response.id"])
def test_a_call_keeps_the_providers_id_of_its_response_and_an_agent_does_not(key: str):
    assert observed({"gen_ai.operation.name": "chat", key: "resp_1"}).call_id == "resp_1"
    assert observed({"gen_ai.operation.name": "invoke_agent", key: "resp_1"}).call_id is None
