"""OpenTelemetry spans with the standard gen_ai names: what was asked, what was answered, how long each step took.

Only the OpenTelemetry API is imported here; without a tracer provider everything is a no-op. One answer is one
generation span. Work that a batch shares (one image, many questions) runs once, so its steps are timed first and
recorded as child spans of every answer afterwards, with the times they really had.

Names: https://opentelemetry.io/docs/specs/semconv/gen-ai/ ; what it has no name for starts with `sightline.`
"""

import base64
import io
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from opentelemetry import context, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from PIL import Image

Value = str | bool | int | float | list[str]
SCOPE = "sightline.vlm"
"""Instrumentation scope of all spans."""
LONGEST_SIDE_PX = 1024
"""Images are scaled down to this before they go into a span."""
MOST_BYTES = 300_000
"""Target size of an encoded image, before base64."""
JPEG_QUALITIES = (90, 80, 65, 50, 35)
"""Tried in turn until an image is small enough."""


@dataclass
class Step:
    """One timed part of an answer."""

    name: str
    start_ns: int
    end_ns: int = 0
    attributes: dict[str, Value] = field(default_factory=dict)


@dataclass
class Timeline:
    """The steps of one pass through the model, in wall-clock nanoseconds since 1970."""

    start_ns: int = field(default_factory=time.time_ns)
    steps: list[Step] = field(default_factory=list)

    @contextmanager
    def step(self, name: str, **attributes: Value) -> Iterator[dict[str, Value]]:
        """Times a block; what is put into the yielded dict becomes `sightline.` attributes of its span."""
        step = Step(name, time.time_ns(), attributes=dict(attributes))
        self.steps.append(step)
        try:
            yield step.attributes
        finally:
            step.end_ns = time.time_ns()

    def timings_ms(self) -> dict[str, float]:
        """Milliseconds by step name."""
        sums: dict[str, float] = {}
        for step in self.steps:
            sums[step.name] = round(sums.get(step.name, 0.0) + (step.end_ns - step.start_ns) / 1e6, 3)
        return sums

    def first_token_s(self) -> float | None:
        """Time to first token (TTFT): seconds from the start to the end of prefill."""
        ends = [step.end_ns for step in self.steps if step.name == "prefill"]
        return (ends[0] - self.start_ns) / 1e9 if ends else None


@dataclass
class Generation:
    """One answer's span: what goes in is known when it opens, what comes out is added before it closes."""

    model: str
    image: Image.Image | None
    text: str
    """The user's words as the user wrote them; empty for a plain caption."""
    request: Mapping[str, Value]
    """Decoding options as attributes."""
    answer: str = ""
    finish: str = "stop"
    input_tokens: int = 0
    output_tokens: int = 0
    looked: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class SpanIds:
    """Hexadecimal ids of a recorded span, none without a provider."""

    trace_id: str | None
    span_id: str | None


@contextmanager
def continued(headers: Mapping[str, str]) -> Iterator[None]:
    """Context propagation: the caller's span (W3C `traceparent` in the headers) is the current one inside."""
    token = context.attach(TraceContextTextMapPropagator().extract(headers))
    try:
        yield
    finally:
        context.detach(token)


def record(generation: Generation, timeline: Timeline) -> SpanIds:
    """Writes the generation span and its steps under the current span, ended; returns its ids."""
    span = _open(generation, timeline)
    if span.is_recording():
        span.set_attributes(_response(generation, timeline))
        _steps(span, timeline)
    span.end()
    return _ids(span)


def record_failure(generation: Generation, timeline: Timeline, error: Exception) -> None:
    """Writes the span of a generation that raised, with its status and as much as had happened."""
    span = _open(generation, timeline)
    if span.is_recording():
        span.set_attribute("error.type", type(error).__name__)
        span.record_exception(error)
        span.set_status(Status(StatusCode.ERROR, str(error)))
        _steps(span, timeline)
    span.end()


def send_from_environment(service: str) -> Callable[[], None]:
    """Sends spans where the standard `OTEL_EXPORTER_OTLP_*` variables say, if they are set; returns what flushes them.

    The SDK is imported only then. A provider that the program has installed already is left in place.
    """
    names = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
    if not any(os.environ.get(name) for name in names):
        return _nothing
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # late: only when asked for
    from opentelemetry.sdk.resources import Resource  # late: as above
    from opentelemetry.sdk.trace import TracerProvider  # late: as above
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # late: as above

    if isinstance(trace.get_tracer_provider(), TracerProvider):
        return _nothing
    service = os.environ.get("OTEL_SERVICE_NAME") or service
    provider = TracerProvider(resource=Resource.create({"service.name": service}), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(), schedule_delay_millis=250))
    trace.set_tracer_provider(provider)
    return provider.shutdown


def _nothing() -> None:
    """What there is to flush without an exporter."""


def _open(generation: Generation, timeline: Timeline) -> Span:
    tracer = trace.get_tracer(SCOPE)
    span = tracer.start_span(f"chat {generation.model}", kind=SpanKind.INTERNAL, start_time=timeline.start_ns)
    if span.is_recording():  # encoding the image is work nobody needs without a listener
        span.set_attributes(_request(generation))
    return span


def _request(generation: Generation) -> dict[str, Value]:
    parts: list[dict[str, str]] = [] if generation.image is None else [image_part(generation.image)]
    if generation.text:
        parts.append({"type": "text", "content": generation.text})
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "sightline",
        "gen_ai.request.model": generation.model,
        "gen_ai.output.type": "text",
        "gen_ai.input.messages": _json([{"role": "user", "parts": parts}]),
        **generation.request,
    }


def _response(generation: Generation, timeline: Timeline) -> dict[str, Value]:
    part = {"type": "text", "content": generation.answer}
    message = {"role": "assistant", "parts": [part], "finish_reason": generation.finish}
    attributes: dict[str, Value] = {
        "gen_ai.response.model": generation.model,
        "gen_ai.response.finish_reasons": [generation.finish],
        "gen_ai.usage.input_tokens": generation.input_tokens,
        "gen_ai.usage.output_tokens": generation.output_tokens,
        "gen_ai.output.messages": _json([message]),
    }
    if (first := timeline.first_token_s()) is not None:
        attributes["gen_ai.response.time_to_first_chunk"] = first
    if generation.looked is not None:
        attributes["sightline.looked"] = _json(generation.looked)
    return attributes


def _steps(parent: Span, timeline: Timeline) -> None:
    tracer, under = trace.get_tracer(SCOPE), trace.set_span_in_context(parent)
    for step in timeline.steps:
        attributes = {f"sightline.{name}": value for name, value in step.attributes.items()}
        child = tracer.start_span(step.name, under, attributes=attributes, start_time=step.start_ns)
        child.end(step.end_ns)


def _ids(span: Span) -> SpanIds:
    found = span.get_span_context()
    if not found.is_valid:
        return SpanIds(None, None)
    return SpanIds(trace.format_trace_id(found.trace_id), trace.format_span_id(found.span_id))


def image_part(image: Image.Image) -> dict[str, str]:
    """The image as a message part: PNG if it stays small, else JPEG, at most 1024 px a side and about 300 KB."""
    image = image.convert("RGB")
    image.thumbnail((LONGEST_SIDE_PX, LONGEST_SIDE_PX))
    kind, body = "image/png", _encoded(image, "PNG", optimize=False)
    for quality in JPEG_QUALITIES:
        if len(body) <= MOST_BYTES:
            break
        kind, body = "image/jpeg", _encoded(image, "JPEG", quality=quality)
    return {"type": "blob", "modality": "image", "mime_type": kind, "content": base64.b64encode(body).decode()}


def _encoded(image: Image.Image, kind: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _json(value: Sequence[Any] | Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
