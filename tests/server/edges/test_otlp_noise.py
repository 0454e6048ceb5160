"""Bytes that are almost an export."""

from hypothesis import given, settings
from hypothesis import strategies as st

from server.edges.running_site import one_span
from sightline.server.edges.otlp import decode
from sightline.server.edges.otlp_wire import Envelope
from sightline.server.edges.services import Limits
from sightline.server.runtime.errors import InvalidRequest
from sightline.server.tracing.mapping import SdkInfo
from sightline.server.tracing.records import ProjectId


@given(st.binary(max_size=200), st.integers(0, 400), st.booleans())
@settings(max_examples=150, deadline=None)
def test_whatever_bytes_arrive_they_are_spans_or_a_refusal(noise: bytes, place: int, as_json: bool):
    body = one_span({"gen_ai.request.model": "m", "input.value": "hello"})[0].SerializeToString()
    mixed = noise if as_json else body[:place] + noise + body[place + len(noise) :]
    limits = Limits(body_bytes=10_000, export_bytes=10_000, inflated_bytes=10_000, media_bytes=1)
    media_type = "application/json" if as_json else "application/x-protobuf"
    envelope = Envelope(body=mixed, media_type=media_type, encoding="", sdk=SdkInfo())
    try:
        decoded = decode(envelope, ProjectId("here"), limits)
    except InvalidRequest:
        return
    assert all(observation.project_id == "here" for observation in decoded.observations)
