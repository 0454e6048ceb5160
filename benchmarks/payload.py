"""OTLP requests as a busy agent sends them: 50 spans of 2.5 kB, in traces of 5 to 12, OpenInference attributes.

All spans of a trace name its session and its user, as OpenInference's instrumentations do.
"""

import random
import time
from collections.abc import Iterator

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

SPANS_A_REQUEST = 50
_WORDS = (
    "the model looked at a red three left of blue seven and answered with care while retrieval found documents about "
    "invoices orders shipping customs weather pictures captions bridges encoders queries tokens latency budget"
).split()
_KINDS = ("LLM", "CHAIN", "RETRIEVER", "TOOL", "AGENT")
_MODELS = ("gpt-4o-mini", "sightline-tiny", "claude-sonnet-4", "llama-3.1-8b")


def requests(count: int, seed: int) -> Iterator[bytes]:
    """`count` serialised requests, every id new, start times spread over the last hour."""
    rng = random.Random(seed)
    now_ns = time.time_ns()
    for _ in range(count):
        yield _request(rng, now_ns - rng.randrange(3_600_000_000_000)).SerializeToString()


def _request(rng: random.Random, start_ns: int) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.extend([_text("service.name", "bench"), _text("openinference.project.name", "bench")])
    scope = resource.scope_spans.add()
    scope.scope.name = "openinference.instrumentation.bench"
    left = SPANS_A_REQUEST
    while left:
        size = min(left, rng.randint(5, 12))
        scope.spans.extend(_trace(rng, start_ns, size))
        left -= size
    return request


def _trace(rng: random.Random, start_ns: int, size: int) -> list[Span]:
    trace_id, root_id = rng.randbytes(16), rng.randbytes(8)
    whose = [_text("session.id", f"session-{rng.randrange(500)}"), _text("user.id", f"user-{rng.randrange(200)}")]
    spans = []
    for place in range(size):
        kind = "AGENT" if place == 0 else rng.choice(_KINDS)
        span = Span(
            trace_id=trace_id,
            span_id=root_id if place == 0 else rng.randbytes(8),
            parent_span_id=b"" if place == 0 else root_id,
            name=f"{kind.lower()} step {place}",
            kind=Span.SPAN_KIND_INTERNAL,
            start_time_unix_nano=start_ns + place * 20_000_000,
            end_time_unix_nano=start_ns + place * 20_000_000 + rng.randrange(5_000_000, 900_000_000),
            attributes=[*_attributes(rng, kind), *whose],
        )
        if rng.random() < 0.03:
            span.status.code = 2
            span.status.message = "upstream timed out"
        spans.append(span)
    return spans


def _attributes(rng: random.Random, kind: str) -> list[KeyValue]:
    attributes = [
        _text("openinference.span.kind", kind),
        _text("input.value", _prose(rng, 1_250)),
        _text("output.value", _prose(rng, 1_000)),
    ]
    if kind == "LLM":
        attributes += [
            _text("llm.model_name", rng.choice(_MODELS)),
            _number("llm.token_count.prompt", rng.randrange(50, 900)),
            _number("llm.token_count.completion", rng.randrange(5, 300)),
        ]
    return attributes


def _prose(rng: random.Random, characters: int) -> str:
    """Text that deflates about 3:1."""
    words: list[str] = []
    length = 0
    while length < characters:
        word = rng.choice(_WORDS) if rng.random() < 0.72 else f"{rng.randrange(100_000)}"
        words.append(word)
        length += len(word) + 1
    return " ".join(words)[:characters]


def _text(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


def _number(key: str, value: int) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(int_value=value))
