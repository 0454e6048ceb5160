"""Splits a large OTLP/JSON trace export into a stream of small ones, in bounded memory."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import IO, Any, Literal

from ijson.common import ObjectBuilder

from sightline.server.edges.large.json_events import VALUE_BYTES, events
from sightline.server.edges.large.spool import BATCH_BYTES
from sightline.server.runtime.errors import InvalidRequest

Level = Literal["export", "resource", "scope", "span"]
Part = tuple[Level, dict[str, Any], int]
Heads = tuple[list[dict[str, Any]], list[dict[str, Any]]]
"""The resources and scopes of an export in order, without their spans."""

PLACE = re.compile(
    r"(?P<resource>resource(?:Spans|_spans)\.item)(?:(?P<scope>\.scope(?:Spans|_spans)\.item)(?P<span>\.spans\.item)?)?"
    r"(?:\.(?P<inside>.*))?"
)
"""Path of a parse event: resource, scope and span index, and the rest inside."""
LISTS: dict[Level, tuple[str, ...]] = {
    "export": ("resourceSpans", "resource_spans"),
    "resource": ("scopeSpans", "scope_spans"),
    "scope": ("spans",),
    "span": (),
}
"""Lists that are streamed at each level instead of held."""


def json_batches(file: IO[bytes], batch_bytes: int = BATCH_BYTES) -> Iterator[dict[str, Any]]:
    """Exports of about `batch_bytes` that together equal the file. Two passes: in JSON, spans may come before the
    resource and scope they belong to."""
    resources, scopes = _heads(file)
    place = {"resource": 0, "scope": 0}
    spans: list[tuple[int, int, dict[str, Any]]] = []
    held = 0
    for level, part, size in _parts(file):
        if level != "span":
            place[level] += 1
            continue
        spans.append((place["resource"], place["scope"], part))
        held += size
        if held >= batch_bytes:
            yield _export(spans, (resources, scopes))
            spans, held = [], 0
    yield _export(spans, (resources, scopes))


def _heads(file: IO[bytes]) -> Heads:
    heads: dict[str, list[dict[str, Any]]] = {"resource": [], "scope": [], "span": []}
    for level, part, _ in _parts(file):
        if level != "span":
            heads[level].append(part)
    return heads["resource"], heads["scope"]


def _export(spans: list[tuple[int, int, dict[str, Any]]], heads: Heads) -> dict[str, Any]:
    resources: dict[int, dict[str, Any]] = {}
    scopes: dict[int, dict[str, Any]] = {}
    for resource, scope, span in spans:
        if resource not in resources:
            resources[resource] = {**heads[0][resource], "scopeSpans": []}
        if scope not in scopes:
            scopes[scope] = {**heads[1][scope], "spans": []}
            resources[resource]["scopeSpans"].append(scopes[scope])
        scopes[scope]["spans"].append(span)
    return {"resourceSpans": list(resources.values())}


def _parts(file: IO[bytes]) -> Iterator[Part]:
    """Every span, and after them every scope and resource without them, with about what it costs to hold."""
    builders = {level: ObjectBuilder() for level in LISTS}
    sizes: dict[Level, int] = dict.fromkeys(LISTS, 0)
    for prefix, event, value in events(file):
        level, inside = _place(prefix)
        if _is_frame(level, inside, event, value):
            continue
        builders[level].event(event, value)
        sizes[level] += VALUE_BYTES + (len(value) if isinstance(value, str) else 0)
        if not inside and event == "end_map":
            yield level, builders[level].value, sizes[level]
            builders[level], sizes[level] = ObjectBuilder(), 0


def _is_frame(level: Level, inside: str, event: str, value: Any) -> bool:
    """Whether this is of the lists that are walked, or of nothing that is known; InvalidRequest where they are none."""
    if not inside:
        if event not in ("start_map", "map_key", "end_map"):
            raise InvalidRequest(f"the body is not an OTLP trace export: the {level} is no object")
        return level == "export" or (event == "map_key" and value in LISTS[level])
    name = inside.partition(".")[0]
    if name not in LISTS[level]:
        return level == "export"
    if event not in ("start_array", "end_array", "null"):
        raise InvalidRequest(f"the body is not an OTLP trace export: {name} is no list of objects")
    return True


@lru_cache(4096)
def _place(prefix: str) -> tuple[Level, str]:
    """Whose part of the export this is, and where inside it."""
    found = PLACE.fullmatch(prefix)
    if found is None:
        return "export", prefix
    level: Level = "span" if found["span"] else "scope" if found["scope"] else "resource"
    return level, found["inside"] or ""
