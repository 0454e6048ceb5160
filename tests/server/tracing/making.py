"""Observations and scores for tests, by what matters in them."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from sightline.server.accounts.records import ProjectId
from sightline.server.tracing.actions import Tracing
from sightline.server.tracing.records import (
    Kind,
    MediaId,
    Observation,
    ObservationId,
    Score,
    ScoreId,
    TraceFields,
    TraceId,
)

HERE = ProjectId("here")
ELSEWHERE = ProjectId("elsewhere")
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
_numbers = count(1)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def observation(in_trace: str = "t1", identity: str | None = None, **fields: Any) -> Observation:
    """A span of one second at `start` seconds after noon; keywords of TraceFields start with `trace_`."""
    start = fields.pop("start", 0.0)
    about_trace = {key.removeprefix("trace_"): fields.pop(key) for key in list(fields) if key.startswith("trace_")}
    defaults: dict[str, Any] = {
        "project_id": HERE,
        "trace_id": TraceId(in_trace),
        "id": ObservationId(identity or f"o{next(_numbers)}"),
        "start_time": at(start),
        "end_time": at(start + 1),
        "kind": Kind.SPAN,
        "trace": TraceFields(**about_trace),
    }
    return Observation(**defaults | fields)


def score(identity: str = "s1", **fields: Any) -> Score:
    defaults: dict[str, Any] = {
        "project_id": HERE,
        "id": ScoreId(identity),
        "name": "correct",
        "data_type": "NUMERIC",
        "value": 1.0,
        "trace_id": TraceId("t1"),
        "timestamp": NOON,
        "created_at": NOON,
        "updated_at": NOON,
    }
    return Score(**defaults | fields)


async def media_bytes(tracing: Tracing, project_id: ProjectId, media_id: MediaId) -> tuple[bytes, str]:
    """A file's content, joined again, and its content type."""
    item = await tracing.media(project_id, media_id)
    blocks = await tracing.media_blocks(project_id, media_id, range(item.content_length))
    return b"".join([block async for block in blocks]), item.content_type
