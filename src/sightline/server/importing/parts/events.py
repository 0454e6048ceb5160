"""Writing traces, observations and scores as ingestion events: the only endpoint that takes any id and time."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from sightline.server.importing.parts.part import Part
from sightline.server.importing.reading import Row
from sightline.server.importing.wire import Api, Refused, Unsettled, again
from sightline.server.tracing.environments import RESERVED, environment_name

BATCH_BYTES = 2_000_000
"""Target size of a batch."""
TOO_LARGE = (413, 422)
"""Statuses after which a batch is split in halves."""


@dataclass(frozen=True, kw_only=True)
class Event:
    type: str
    timestamp: str
    body: Row

    def document(self) -> Row:
        """The event's id is a content hash, so a retry is idempotent."""
        content = orjson.dumps([self.type, self.body], option=orjson.OPT_SORT_KEYS)
        identity = f"import-{hashlib.sha256(content).hexdigest()[:32]}"
        return {"id": identity, "type": self.type, "timestamp": self.timestamp, "body": self.body}


@dataclass(frozen=True, kw_only=True)
class Rejected:
    event: Event
    message: str


async def send(api: Api, events: Sequence[Event]) -> list[Rejected]:
    """Send in batches. Answers the events that the target rejected, and why; the others are durable and readable."""
    rejected: list[Rejected] = []
    for batch in _batches(events):
        rejected += await _send(api, batch)
    return rejected


async def _send(api: Api, events: Sequence[Event]) -> list[Rejected]:
    by_id = {document["id"]: (event, document) for event in events for document in [event.document()]}
    body = {"batch": [document for _, document in by_id.values()]}

    async def act() -> list[Row]:
        answer = await api.write_once("POST", "/ingestion", body)
        busy = next((each for each in answer["errors"] if each["status"] >= 500 or each["status"] == 429), None)
        if busy:
            raise Unsettled(f"POST /ingestion: {busy['status']} {busy.get('message')}")
        return list(answer["errors"])

    try:
        errors = await again(act)
    except Refused as problem:
        return await _halved(api, events, problem)
    return [Rejected(event=by_id[each["id"]][0], message=_why(each)) for each in errors if each["id"] in by_id]


async def _halved(api: Api, events: Sequence[Event], problem: Refused) -> list[Rejected]:
    """Bisect a batch that is too large."""
    if problem.status not in TOO_LARGE or len(events) == 1:
        return [Rejected(event=event, message=problem.message) for event in events]
    middle = len(events) // 2
    return await _send(api, events[:middle]) + await _send(api, events[middle:])


def _batches(events: Sequence[Event]) -> Iterable[list[Event]]:
    batch: list[Event] = []
    size = 0
    for event in events:
        length = len(orjson.dumps(event.body))
        if batch and size + length > BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(event)
        size += length
    if batch:
        yield batch


def _why(error: Row) -> str:
    issues = error.get("error")
    if isinstance(issues, list) and issues:
        said = "; ".join(f"{'.'.join(map(str, each.get('path', ())))}: {each.get('message')}" for each in issues)
        return f"{error['status']} {said}"[:300]
    return f"{error['status']} {error.get('message')}"[:300]


def given(row: Row, names: Iterable[str]) -> Row:
    """The fields of these names that say something."""
    return {name: row[name] for name in names if row.get(name) not in (None, "", [], {})}


def environment(part: Part, row: Row) -> Any:
    """The environment's name, as one that clients may send: those of the platform itself are reserved."""
    name = row.get("environment")
    if not isinstance(name, str) or not name.startswith(RESERVED):
        return name
    renamed = environment_name(name)
    part.change(row["id"], f"environment {name} is the platform's own: carried as {renamed}")
    return renamed
