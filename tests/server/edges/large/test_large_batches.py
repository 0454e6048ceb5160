"""A large export cut into small ones says the same, in either form, wherever it is cut."""

import base64
import io
import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from server.edges.running_site import one_span
from sightline.server.edges.large.json_events import events, has_list, listed
from sightline.server.edges.large.json_exports import json_batches
from sightline.server.edges.large.protobuf import protobuf_batches
from sightline.server.edges.otlp_json import filled, parse_json
from sightline.server.edges.otlp_wire import PROTOBUF, parsed_export
from sightline.server.runtime.errors import InvalidRequest
from sightline.server.runtime.json_reading import loads


def protobuf_of(body: bytes) -> ExportTraceServiceRequest:
    return parsed_export(PROTOBUF, body, ExportTraceServiceRequest())


def export_of(document: dict[str, Any]) -> ExportTraceServiceRequest:
    return filled(document, ExportTraceServiceRequest())


def export(resources: int, scopes: int, spans: int) -> ExportTraceServiceRequest:
    whole = ExportTraceServiceRequest()
    for resource in range(resources):
        one = whole.resource_spans.add(schema_url=f"schema {resource}")
        one.resource.attributes.add(key="service.name").value.string_value = f"service {resource}"
        for scope in range(scopes):
            made = one.scope_spans.add()
            made.scope.name = f"scope {resource}.{scope}"
            for place in range(spans):
                span = (
                    one_span({"input": f"text {place}" * 20, "n": place})[0].resource_spans[0].scope_spans[0].spans[0]
                )
                made.spans.add().CopyFrom(span)
    return whole


def told(exports: Iterable[ExportTraceServiceRequest]) -> list[Any]:
    """Every span with what it is of."""
    return [
        (one.resource.SerializeToString(), one.schema_url, of.scope.name, span.SerializeToString())
        for each in exports
        for one in each.resource_spans
        for of in one.scope_spans
        for span in of.spans
    ]


def as_json(whole: ExportTraceServiceRequest, *, spans_first: bool = False) -> bytes:
    """As JavaScript's exporter writes it: ids in hexadecimal, numbers as text."""

    def attributes(pairs: Any) -> list[Any]:
        return [{"key": p.key, "value": _value(p.value)} for p in pairs]

    def span(one: Any) -> dict[str, Any]:
        times = {"startTimeUnixNano": str(one.start_time_unix_nano), "endTimeUnixNano": str(one.end_time_unix_nano)}
        ids = {"traceId": one.trace_id.hex(), "spanId": one.span_id.hex()}
        return {"name": one.name, **ids, **times, "attributes": attributes(one.attributes)}

    def scope(of: Any) -> dict[str, Any]:
        parts = {"scope": {"name": of.scope.name}, "spans": [span(one) for one in of.spans]}
        return dict(reversed(parts.items())) if spans_first else parts

    def resource(one: Any) -> dict[str, Any]:
        scopes = [scope(of) for of in one.scope_spans]
        parts = {"resource": {"attributes": attributes(one.resource.attributes)}, "scopeSpans": scopes}
        parts["schemaUrl"] = one.schema_url
        return dict(reversed(parts.items())) if spans_first else parts

    return json.dumps({"resourceSpans": [resource(one) for one in whole.resource_spans]}).encode()


def _value(value: Any) -> dict[str, Any]:
    text = value.WhichOneof("value") == "string_value"
    return {"stringValue": value.string_value} if text else {"intValue": str(value.int_value)}


SHAPES = [(1, 1, 50), (1, 10, 3), (5, 2, 2), (3, 0, 0), (2, 2, 0), (0, 0, 0)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("batch_bytes", [1, 3_000, 10**9])
def test_batches_of_protobuf_say_what_the_whole_says(shape: tuple[int, int, int], batch_bytes: int):
    whole = export(*shape)
    batches = [protobuf_of(each) for each in protobuf_batches(io.BytesIO(whole.SerializeToString()), batch_bytes)]
    assert told(batches) == told([whole])
    if batch_bytes == 1:
        assert all(len(told([each])) <= 1 for each in batches)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("batch_bytes", [1, 3_000, 10**9])
@pytest.mark.parametrize("spans_first", [False, True])
def test_batches_of_json_say_what_the_whole_says(shape: tuple[int, int, int], batch_bytes: int, spans_first: bool):
    body = as_json(export(*shape), spans_first=spans_first)
    batches = [export_of(each) for each in json_batches(io.BytesIO(body), batch_bytes)]
    assert told(batches) == told([parse_json(body, ExportTraceServiceRequest())])


def test_the_names_that_protobuf_has_for_fields_are_read_too():
    body = as_json(export(2, 2, 2))
    for name, other in (("resourceSpans", "resource_spans"), ("scopeSpans", "scope_spans"), ("traceId", "trace_id")):
        body = body.replace(f'"{name}"'.encode(), f'"{other}"'.encode())
    assert len(told(export_of(each) for each in json_batches(io.BytesIO(body), 1))) == 8


def test_a_protobuf_cut_anywhere_is_refused_or_says_its_beginning():
    body = export(1, 2, 2).SerializeToString()
    for end in range(1, len(body)):
        with pytest.raises(InvalidRequest):
            list(protobuf_batches(io.BytesIO(body[:end])))


@given(st.binary(max_size=300), st.integers(0, 600))
@settings(max_examples=200, deadline=None)
def test_noise_is_batches_or_a_refusal(noise: bytes, place: int):
    body = export(1, 2, 2).SerializeToString()
    mixed = io.BytesIO(body[:place] + noise + body[place + len(noise) :])
    try:
        exports = [protobuf_of(each) for each in protobuf_batches(mixed, 500)]
    except InvalidRequest:
        return
    assert all(isinstance(each, ExportTraceServiceRequest) for each in exports)


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b'"text"',
        b"{",
        b'{"resourceSpans": {}}',
        b'{"resourceSpans": [5]}',
        b'{"resourceSpans": [{"scopeSpans": {"a": 1}}]}',
        b'{"resourceSpans": [{"scopeSpans": [{"spans": "none"}]}]}',
        b'{"resourceSpans": [{"scopeSpans": [{"spans": [null]}]}]}',
        b'{"resourceSpans": []} more',
        b'{"resourceSpans": [NaN]}',
    ],
)
def test_json_that_is_no_export_is_refused(body: bytes):
    with pytest.raises(InvalidRequest, match=r"^the body is not"):
        list(map(export_of, json_batches(io.BytesIO(body))))


def test_a_text_that_is_not_utf8_costs_its_character_only():
    whole = export(1, 1, 3)
    body = whole.SerializeToString().replace(b"text 1", b"text \xff").replace(b"service 0", b"servic\xf0\x9f\x98")
    [resource] = protobuf_of(body).resource_spans
    assert resource.resource.attributes[0].value.string_value == "servic\ufffd"
    spans = resource.scope_spans[0].spans
    assert [span.attributes[0].value.string_value[:7] for span in spans] == ["text 0t", "text \ufffdt", "text 2t"]
    assert [span.span_id for span in spans] == [span.span_id for span in whole.resource_spans[0].scope_spans[0].spans]


def test_events_are_listed_some_at_a_time():
    file = io.BytesIO(
        json.dumps({"metadata": {"batch": [1]}, "batch": [{"id": n, "x": "y" * 500} for n in range(9)]}).encode()
    )
    assert has_list(file, "batch")
    groups = list(listed(file, "batch", 2_000))
    assert [event["id"] for group in groups for event in group] == list(range(9))
    assert max(map(len, groups)) < 5
    assert not has_list(io.BytesIO(b'{"batch": {}, "a": {"batch": []}}'), "batch")


@pytest.mark.parametrize("padding", range(24))
def test_half_a_character_is_mended_wherever_a_block_ends(padding: int):
    """ijson reads blocks of 64 KiB: each escape in turn lies across the end of the first."""
    text = r"\ud83d\ude00 \ud83d \\ud83d \\\ud83d " + "\U0001f600\u00e9"
    body = ('["' + "x" * (65_536 - 2 - padding) + text + '"]').encode()
    [said] = [value for _, event, value in events(io.BytesIO(body)) if event == "string"]
    assert said.lstrip("x") == "\U0001f600 \ufffd \\ud83d \\\ufffd \U0001f600\u00e9"


def test_numbers_are_those_of_small_bodies():
    body = b"[1, 1.5, 123456789012345678901234567890, 18446744073709551615]"
    said = [value for _, event, value in events(io.BytesIO(body)) if event == "number"]
    assert said == loads(body)
    assert [type(each) for each in said] == [int, float, float, int]


def test_ids_may_be_base64():
    body = as_json(export(1, 1, 1))
    span_id = told([parse_json(body, ExportTraceServiceRequest())])
    raw = json.loads(body)["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["spanId"]
    packed = body.replace(f'"{raw}"'.encode(), b'"' + base64.b64encode(bytes.fromhex(raw)) + b'"')
    assert told(map(export_of, json_batches(io.BytesIO(packed)))) == span_id
