"""Spans as exporters send them, and the observations they become."""

from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from sightline.server.tracing.mapping import SdkInfo, spans_to_observations
from sightline.server.tracing.records import Observation, ProjectId

START = 1_700_000_000_123_456_789
PYTHON_5 = SdkInfo(name="python", version="5.0.4")
PYTHON_4 = SdkInfo(name="python", version="4.14.3")


def any_value(value: Any) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, bytes):
        return AnyValue(bytes_value=value)
    if isinstance(value, list):
        return AnyValue(array_value=ArrayValue(values=[any_value(item) for item in value]))
    if isinstance(value, dict):
        return AnyValue(kvlist_value=KeyValueList(values=pairs(value)))
    return AnyValue() if value is None else AnyValue(string_value=value)


def pairs(attributes: dict[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=any_value(value)) for key, value in attributes.items()]


def export(
    *spans: Span, resource: dict[str, Any] | None = None, scope: str = "some-library"
) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    resource_spans.resource.attributes.extend(pairs(resource or {}))
    scope_spans = resource_spans.scope_spans.add()
    scope_spans.scope.name = scope
    scope_spans.scope.version = "1.2"
    scope_spans.spans.extend(spans)
    return request


def span(attributes: dict[str, Any] | None = None, **fields: Any) -> Span:
    given: dict[str, Any] = {
        "trace_id": bytes.fromhex("0af7651916cd43dd8448eb211c80319c"),
        "span_id": bytes.fromhex("b7ad6b7169203331"),
        "name": "work",
        "start_time_unix_nano": START,
        "end_time_unix_nano": START + 1_500_000_000,
        "attributes": pairs(attributes or {}),
    }
    return Span(**(given | fields))


def observed(
    attributes: dict[str, Any] | None = None,
    *,
    sdk: SdkInfo = PYTHON_5,
    resource: dict[str, Any] | None = None,
    scope: str = "some-library",
    **fields: Any,
) -> Observation:
    [observation] = spans_to_observations(
        ProjectId("p"), export(span(attributes, **fields), resource=resource, scope=scope), sdk
    )
    return observation


def langfuse(attributes: dict[str, Any], *, sdk: SdkInfo = PYTHON_5) -> Observation:
    return observed(attributes, sdk=sdk, scope="langfuse-sdk")
