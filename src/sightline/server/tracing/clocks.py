"""Clock skew: implausible timestamps are replaced by the time of arrival, and the original is kept in metadata.

One clock in 2200 would be the first row of every list for ever, and one at 0 would stretch every chart to 1970.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sightline.server.runtime.clock import now
from sightline.server.tracing.mapping.values import json_text, time_from
from sightline.server.tracing.records import Observation

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""Lower bound: clocks that were never set, and milliseconds taken for nanoseconds, say 1970 or 1980."""
FARTHEST_AHEAD = timedelta(days=1)
"""Upper bound, ahead of the server's clock: local time sent as UTC stays within it."""
TOLD = "sightline.told_"
"""Metadata that keeps the original time: `sightline.told_start_time`, `…end_time`, `…completion_start_time`."""
TIMES = ("start_time", "end_time", "completion_start_time")
"""Fields that hold a time."""


def believable(moment: datetime, arrived: datetime | None = None) -> bool:
    """Whether a timestamp is plausible for something that arrived at `arrived`, by default now."""
    return EARLIEST <= moment <= (arrived or now()) + FARTHEST_AHEAD


def believable_ns() -> tuple[int, int]:
    """The first and the last time somebody can mean now, in nanoseconds since 1970."""
    return int(EARLIEST.timestamp()) * 1_000_000_000, int((now() + FARTHEST_AHEAD).timestamp() * 1e9)


def believed(observation: Observation, told_end: datetime | None) -> Observation:
    """The observation itself, or one at a time that can be meant; `told_end` is its end before any comparison.

    An implausible start becomes the end where that is plausible, so that a retry is idempotent, else the time of
    arrival. An implausible end or first token is unknown.
    """
    arrived = now()
    told = {"start_time": observation.start_time, "end_time": told_end}
    told["completion_start_time"] = observation.completion_start_time
    absurd = {name: moment for name, moment in told.items() if moment and not believable(moment, arrived)}
    if not absurd:
        return observation
    times: dict[str, Any] = {name: None for name in absurd if name != "start_time"}
    if "start_time" in absurd:
        known_end = None if "end_time" in absurd else told_end
        times |= {"start_time": known_end or arrived, "end_time": known_end}
    return replace(observation, **times, metadata={**observation.metadata, **_told(absurd)})


def believed_fields(fields: Mapping[str, Any], said_at: datetime | None) -> Mapping[str, Any]:
    """The fields of an event of the older ingestion, without implausible times; `said_at` is the time of an event
    that creates, which is the start where none is said.

    An observation or trace without a start has the time of its first event, which is that of its arrival here.
    """
    told = {name: moment for name in TIMES if (moment := time_from(fields.get(name)))}
    if said_at and not fields.get("start_time"):
        told["start_time"] = said_at
    absurd = {name: moment for name, moment in told.items() if not believable(moment)}
    if not absurd:
        return fields
    kept = {name: value for name, value in fields.items() if name not in absurd}
    return kept | {"metadata": {**(fields.get("metadata") or {}), **_told(absurd)}}


def _told(times: Mapping[str, datetime]) -> dict[str, str]:
    return {f"{TOLD}{name}": json_text(moment.isoformat()) for name, moment in times.items()}
