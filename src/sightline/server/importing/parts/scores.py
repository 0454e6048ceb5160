"""Scores, with the ids and times they have."""

from collections.abc import Sequence
from typing import Any

from sightline.server.importing.parts.events import Event, environment, given, send
from sightline.server.importing.parts.part import Part
from sightline.server.importing.reading import Cursors, Reader, Row, Windows

FIELDS = (
    "id",
    "traceId",
    "sessionId",
    "observationId",
    "name",
    "comment",
    "metadata",
    "dataType",
    "queueId",
    "timestamp",
)
"""Fields of a score that are carried."""
TEXTS = ("CATEGORICAL", "TEXT", "CORRECTION")
"""Types of scores whose value is a string."""


class Scores(Part):
    name = "scores"
    groups = frozenset(("scores",))

    async def reader(self) -> Reader | None:
        if await self.source.has("/v2/scores", limit=1):
            return Windows(
                api=self.source,
                path="/v2/scores",
                bounds=("fromTimestamp", "toTimestamp"),
                since=self.since,
                until=self.until,
            )
        if not await self.source.has("/v3/scores", limit=1):
            return None
        since, until = self.since, self.until
        params = {
            "fields": "details,subject,annotation",
            "fromTimestamp": since and since.isoformat(),
            "toTimestamp": until.isoformat(),
        }
        return Cursors(api=self.source, path="/v3/scores", params=params)

    async def carry(self, rows: Sequence[Row]) -> None:
        events = [self._event(row) for row in rows]
        rejected = await send(self.target, events)
        for each in rejected:
            if each.event.body.get("configId") is None:
                self.leave(each.event.body["id"], each.message)
        # A config may have changed since: then the score does not fit it any more, but it was given all the same.
        loose = [_without_config(each.event) for each in rejected if each.event.body.get("configId") is not None]
        refused = await send(self.target, loose)
        for again in refused:
            self.leave(again.event.body["id"], again.message)
        for event in loose:
            if event not in [again.event for again in refused]:
                self.change(event.body["id"], "does not fit its score config: carried without it")
        self.carried(len(events) - len(rejected) + len(loose) - len(refused))

    def _event(self, row: Row) -> Event:
        body = given(row, FIELDS) | _subject(row) | {"value": _value(row), "environment": environment(self, row)}
        run = body.get("datasetRunId") or row.get("datasetRunId")
        if body.get("traceId"):
            body.pop("sessionId", None)  # Of older sources: a score of a trace is on its session through the trace.
        elif run:
            body["datasetRunId"] = self.state.ids("dataset runs").get(run, run)
        self._mind_config(row, body)
        if row.get("authorUserId"):
            self.change(row["id"], "its author is not carried: people are not the same on both sides")
        return Event(type="score-create", timestamp=row["timestamp"], body=body)

    def _mind_config(self, row: Row, body: Row) -> None:
        config = row.get("configId")
        known = self.state.ids("score configs").get(config or "")
        if known:
            body["configId"] = known
        elif config:
            self.change(row["id"], "its score config is gone: carried without it")
        source = row.get("source")
        if source == "ANNOTATION" and (known or row.get("dataType") == "CORRECTION"):
            body["source"] = source
        elif source not in (None, "API"):
            self.change(row["id"], f"source {source} cannot be given by a client: carried as API")


def _without_config(event: Event) -> Event:
    body = {name: value for name, value in event.body.items() if name not in ("configId", "source")}
    return Event(type=event.type, timestamp=event.timestamp, body=body)


def _value(row: Row) -> Any:
    """A number, or a text; the older read writes both."""
    if row.get("dataType") in TEXTS and row.get("stringValue") is not None:
        return row["stringValue"]
    value = row.get("value")
    return int(value) if isinstance(value, bool) else value


def _subject(row: Row) -> Row:
    """What the newer read says in one object."""
    subject = row.get("subject") or {}
    match subject.get("kind"):
        case "trace":
            return {"traceId": subject["id"]}
        case "observation":
            return {"observationId": subject["id"], "traceId": subject["traceId"]}
        case "session":
            return {"sessionId": subject["id"]}
        case "experiment":
            return {"datasetRunId": subject["id"]}
    return {}
