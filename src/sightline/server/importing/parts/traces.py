"""Traces and observations, from whichever reads the source offers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sightline.server.importing.parts.events import Event, environment, given, send
from sightline.server.importing.parts.experiments import Experiments
from sightline.server.importing.parts.files import Files
from sightline.server.importing.parts.part import Part
from sightline.server.importing.reading import Cursors, Reader, Row, Windows

TRACE_FIELDS = (
    *("id", "timestamp", "name", "userId", "sessionId", "input", "output", "metadata", "tags"),
    *("release", "version", "public"),
)
"""Fields of a trace that are carried."""
OBSERVATION_FIELDS = (
    *("id", "traceId", "name", "startTime", "endTime", "completionStartTime", "parentObservationId", "level"),
    *("statusMessage", "version", "input", "output", "metadata", "model", "modelParameters", "usageDetails"),
    *("costDetails", "promptName", "promptVersion"),
)
"""Fields of an observation that are carried."""
TEXTS = ("input", "output", "metadata")
"""Fields that may refer to media."""
CURRENT_GROUPS = "core,basic,time,io,metadata,model,usage,prompt,metrics,trace_context"
"""Field groups of the v2 read."""
CUT = 200
"""Length at which the v2 read truncates a metadata value, unless its key is expanded."""


class Traces(Part):
    """What was said of traces themselves. A source without that read says it on every observation."""

    name = "traces"
    groups = frozenset(("traces", "media"))

    async def reader(self) -> Reader | None:
        self._files = Files(self)
        if not await self.source.has("/traces", limit=1):
            return None
        return Windows(
            api=self.source,
            path="/traces",
            bounds=("fromTimestamp", "toTimestamp"),
            since=self.since,
            until=self.until,
            params={"fields": "core,io"},
        )

    async def carry(self, rows: Sequence[Row]) -> None:
        if "traces" in self.wanted:
            await _carry(self, [self._event(row) for row in rows])
        if "media" in self.wanted:
            for row in rows:
                await self._files.carry(row, TEXTS, {"traceId": row["id"]})

    def _event(self, row: Row) -> Event:
        if row.get("bookmarked"):
            self.change(row["id"], "the bookmark is not carried")
        body = given(row, TRACE_FIELDS) | {"environment": environment(self, row)}
        return Event(type="trace-create", timestamp=row["timestamp"], body=body)


class Observations(Part):
    """From the legacy read, whose rows are whole; from the current one where a source has turned that off."""

    name = "observations"
    groups = frozenset(("traces", "media"))

    async def reader(self) -> Reader | None:
        self._files = Files(self)
        self._experiments = Experiments(self)
        if "traces" in self.wanted:
            await self._experiments.read()
        self._traceless = not await self.source.has("/traces", limit=1)
        if await self.source.has("/observations", limit=1):
            return Windows(
                api=self.source,
                path="/observations",
                bounds=("fromStartTime", "toStartTime"),
                since=self.since,
                until=self.until,
            )
        if not await self.source.has("/v2/observations", limit=1):
            return None
        since, until = self.since, self.until
        bounds = {"fromStartTime": since and since.isoformat(), "toStartTime": until.isoformat()}
        return WholeCursors(
            api=self.source, path="/v2/observations", params={"fields": CURRENT_GROUPS, **bounds}, limit=500
        )

    async def carry(self, rows: Sequence[Row]) -> None:
        if "traces" in self.wanted:
            if self._traceless:
                # What is refused of a trace is refused of its observations too, and said there.
                await send(self.target, _traces_of(self, rows))
            await _carry(self, [self._event(row) for row in rows])
        if "media" in self.wanted:
            for row in rows:
                await self._files.carry(row, TEXTS, {"traceId": row["traceId"], "observationId": row["id"]})

    def _event(self, row: Row) -> Event:
        body = given(row, OBSERVATION_FIELDS) | {"environment": environment(self, row)}
        body.setdefault("model", row.get("providedModelName"))
        if not row.get("usageDetails"):
            body["usage"] = _older_usage(row)
        body |= self._experiments.of(row)
        return Event(type=f"{str(row['type']).lower()}-create", timestamp=row["startTime"], body=body)


def _older_usage(row: Row) -> Row:
    """What a source says that knows three counts and three costs only."""
    usage = given(row.get("usage") or {}, ("input", "output", "total"))
    costs = {
        name: row.get(f"calculated{name[0].upper()}{name[1:]}") for name in ("inputCost", "outputCost", "totalCost")
    }
    return {name: value for name, value in (usage | costs).items() if value}


async def _carry(part: Part, events: Sequence[Event]) -> None:
    rejected = await send(part.target, events)
    part.carried(len(events) - len(rejected))
    for each in rejected:
        part.leave(each.event.body["id"], each.message)


def _traces_of(part: Part, rows: Sequence[Row]) -> list[Event]:
    """What observations say of their traces, of each once; a root knows best."""
    best: dict[str, Row] = {}
    for row in rows:
        if row["traceId"] not in best or row.get("isRootObservation"):
            best[row["traceId"]] = row
    return [_trace_of(part, row) for row in best.values()]


def _trace_of(part: Part, row: Row) -> Event:
    body = given(row, ("userId", "sessionId", "tags", "release", "version"))
    body |= {"id": row["traceId"], "name": row.get("traceName"), "environment": environment(part, row)}
    if row.get("public"):
        body["public"] = True
    return Event(type="trace-create", timestamp=row["startTime"], body=body)


@dataclass(frozen=True, kw_only=True)
class WholeCursors(Cursors):
    """The v2 read of observations; truncated metadata is fetched again in full."""

    async def read(self, cursor: str | None) -> Any:
        answer = await Cursors.read(self, cursor)
        cut = {
            key for row in answer["data"] for key, value in (row.get("metadata") or {}).items() if _may_be_cut(value)
        }
        if not cut:
            return answer
        return await self.api.read(
            self.path, **self.params, cursor=cursor, limit=self.limit, expandMetadata=",".join(sorted(cut))
        )


def _may_be_cut(value: Any) -> bool:
    return isinstance(value, str) and len(value) == CUT
