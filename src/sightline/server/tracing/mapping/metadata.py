"""Metadata as top-level keys to JSON text, including the attributes that no other field consumed."""

from collections.abc import Sequence
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from sightline.server.runtime.json_reading import NotJson, loads
from sightline.server.tracing.mapping.dialects import Event
from sightline.server.tracing.mapping.shape import Shape
from sightline.server.tracing.mapping.tables import OWN_METADATA
from sightline.server.tracing.mapping.values import Attributes, json_text, python_attributes, time_of


def metadata_under(attributes: Attributes, prefix: str, *, encoded: bool) -> dict[str, str]:
    """Keys under `prefix.` plus an object at `prefix` itself; `encoded` values are JSON already."""
    dotted = f"{prefix}."
    metadata: dict[str, str] = {}
    if (whole := attributes.get(prefix)) is not None:
        decoded = loads(json_value(whole, encoded=encoded))
        spread = decoded if isinstance(decoded, dict) else {"metadata": decoded}
        metadata |= {str(key): json_text(value) for key, value in spread.items()}
    start = len(dotted)
    for key, value in attributes.items():
        if key.startswith(dotted):
            metadata[key[start:]] = json_value(value, encoded=encoded)
    return metadata


def json_value(value: Any, *, encoded: bool) -> str:
    """One metadata value as JSON text.

    SDKs that encode every value are taken at their word, so "3" and 3 stay apart. Older ones send a bare string both
    for a string and for JSON: text that is JSON and not a string is taken for JSON.
    """
    if not isinstance(value, str):
        return json_text(value)
    try:
        decoded = loads(value)
    except NotJson:
        return json_text(value)
    return json_text(decoded) if encoded or not isinstance(decoded, str) else json_text(value)


def scope_text(scope: InstrumentationScope) -> str:
    return json_text({"name": scope.name, "version": scope.version, "attributes": python_attributes(scope.attributes)})


def other_metadata(attributes: Attributes, shape: Shape) -> dict[str, str]:
    """What users of other libraries called metadata, and under `attributes` what has no field of its own."""
    metadata = _own(attributes[OWN_METADATA]) if shape.own_metadata else {}
    for key, name in shape.foreign_metadata:
        metadata[name] = json_value(attributes[key], encoded=False)
    if shape.rest:
        metadata["attributes"] = json_text({key: attributes[key] for key in shape.rest})
    return metadata


def _own(metadata: Any) -> dict[str, str]:
    """OpenInference's one object, without the many keys that LiteLLM leaves empty in it."""
    spread = metadata_under({OWN_METADATA: metadata}, OWN_METADATA, encoded=False)
    return {key: value for key, value in spread.items() if value != "null"}


def events_text(span: Span, events: Sequence[Event]) -> str:
    """A span's events (exceptions, log lines) as JSON."""
    return json_text(
        [
            {"name": name, "time": time_of(event.time_unix_nano), "attributes": attributes}
            for event, (name, attributes) in zip(span.events, events, strict=True)
        ]
    )
