"""Log records as senders write them, cut down from what the packages named here sent."""

from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from server.edges.running_site import Sent
from server.tracing.spans import any_value, pairs

START = 1_796_130_036_020_000_000
MILLISECOND = 1_000_000


def record(body: Any = None, *, at_ms: int = 0, sent: Sent | None = None, **fields: Any) -> LogRecord:
    attributes = pairs(fields.pop("attributes", {}))
    ids = {"trace_id": bytes.fromhex(sent.trace_id), "span_id": bytes.fromhex(sent.span_id)} if sent else {}
    time = {"time_unix_nano": START + at_ms * MILLISECOND} | fields
    return LogRecord(body=any_value(body), attributes=attributes, **(ids | time))


def export(*records: LogRecord, scope: str = "a-library", service: str = "shop") -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    resource_logs = request.resource_logs.add()
    resource_logs.resource.attributes.extend(pairs({"service.name": service}))
    scope_logs = resource_logs.scope_logs.add()
    scope_logs.scope.name = scope
    scope_logs.log_records.extend(records)
    return request


def semantic_kernel(sent: Sent) -> list[LogRecord]:
    """1.45: the name in an attribute, the body JSON."""
    said = (
        ("gen_ai.system.message", '{"role": "system", "content": "Be brief."}'),
        ("gen_ai.user.message", '{"role": "user", "content": "Which digits?"}'),
        ("gen_ai.choice", '{"message": {"role": "assistant", "content": "Ten."}, "finish_reason": "stop"}'),
    )
    more = {"gen_ai.system": "openai", "CHAT_MESSAGE_INDEX": 0, "code.function.name": "_set_completion_input"}
    return [
        record(body, at_ms=place, sent=sent, attributes={"event.name": name, **more})
        for place, (name, body) in enumerate(said)
    ]


def agent_framework(sent: Sent) -> list[LogRecord]:
    """1.23: the name in its field, the body a map, without a role where the name says it."""
    said: tuple[tuple[str, Any], ...] = (
        ("gen_ai.system.message", {"content": "Be brief."}),
        ("gen_ai.user.message", {"content": "Which digits?"}),
        ("gen_ai.choice", {"index": 0, "finish_reason": "stop", "message": {"content": "Ten."}}),
    )
    return [
        record(body, at_ms=place, sent=sent, event_name=name, attributes={"gen_ai.system": "openai"})
        for place, (name, body) in enumerate(said)
    ]


def genai_details(sent: Sent | None, session: str = "visit-3") -> list[LogRecord]:
    """opentelemetry-instrumentation-genai-openai 1.3b0 and google-adk 2.13: all in the attributes of one record, which
    has no time but that of its observation."""
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 4,
        "gen_ai.system_instructions": [{"content": "Be brief.", "type": "text"}],
        "gen_ai.input.messages": [{"role": "user", "parts": [{"content": "Which digits?", "type": "text"}]}],
        "gen_ai.output.messages": [
            {"role": "assistant", "parts": [{"content": "Ten.", "type": "text"}], "finish_reason": "stop"}
        ],
        "user.id": "ada",
        "gen_ai.conversation.id": session,
    }
    name = "gen_ai.client.inference.operation.details"
    when = {"time_unix_nano": 0, "observed_time_unix_nano": START}
    return [record(sent=sent, event_name=name, attributes=attributes, **when)]


CLAUDE_CODE = "com.anthropic.claude_code.events"


def claude_code(session: str, prompt: str = "p-1") -> list[LogRecord]:
    """2.1.197: no span; a prompt is a turn. Times are whole milliseconds, and equal."""
    shared = {"user.id": "cc51fe9c", "session.id": session, "prompt.id": prompt, "terminal.type": "non-interactive"}
    call = {"model": "claude-sonnet-4-5", "input_tokens": 10, "output_tokens": 4, "cache_read_tokens": 3}
    bash = {"tool_name": "Bash", "tool_input": '{"command":"ls"}'}
    events: tuple[tuple[str, int, dict[str, Any]], ...] = (
        ("user_prompt", 0, {"prompt_length": "13", "prompt": "Which digits?"}),
        ("api_request", 60, {**call, "cache_creation_tokens": 2, "cost_usd": 0.000164, "duration_ms": 19}),
        ("tool_result", 70, {**bash, "success": "false", "error": "no such file", "duration_ms": "5"}),
        ("api_error", 80, {"model": "claude-sonnet-4-5", "error": "overloaded", "status_code": 529, "duration_ms": 6}),
        ("assistant_response", 90, {"response": "Ten.", "model": "claude-sonnet-4-5"}),
    )
    return [
        record(f"claude_code.{name}", at_ms=at_ms, attributes={"event.name": name, **shared, **more})
        for name, at_ms, more in events
    ]


def codex(conversation: str) -> list[LogRecord]:
    """0.171: `event_name` is a place in its source, numbers are texts, cached tokens are within the input."""
    shared = {"conversation.id": conversation, "model": "gpt-5-mini", "slug": "gpt-5-mini"}
    counted = {"input_token_count": "10", "output_token_count": "4", "cached_token_count": 2}
    events: tuple[tuple[str, dict[str, Any]], ...] = (
        ("codex.conversation_starts", {"provider_name": "openai"}),
        ("codex.user_prompt", {"prompt": "Which digits?"}),
        ("codex.sse_event", {"event.kind": "response.created", "duration_ms": "0"}),
        ("codex.sse_event", {"event.kind": "response.completed", "duration_ms": "0", **counted}),
        (
            "codex.tool_result",
            {"tool_name": "shell", "arguments": '{"command":["ls"]}', "output": "a", "success": "true"},
        ),
    )
    when = {"time_unix_nano": 0, "event_name": "event otel/src/events/session_telemetry.rs:1187"}
    return [
        record(
            attributes={"event.name": name, **shared, **more}, observed_time_unix_nano=START + place * 1_000_000, **when
        )
        for place, (name, more) in enumerate(events, 1)
    ]
