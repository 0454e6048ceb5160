# ruff: noqa: S608  (statements are composed of our own text; every value is a bound parameter)
"""The event log of the older ingestion, with a TTL of a month: late events are merged as if they came in order."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import orjson

from sightline.server.questions.where import Where
from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.runtime.writer import Row
from sightline.server.tracing.merging.changes import Change, Subject
from sightline.server.tracing.records import ProjectId, TraceId
from sightline.server.tracing.store.rows import moment, partition_of


def change_row(project_id: ProjectId, change: Change, row_version: int) -> Row:
    """Serialise one change to a row."""
    line = {
        "project_id": project_id,
        "subject": change.subject,
        "subject_id": change.subject_id,
        "event_id": change.event_id,
        "row_version": row_version,
        "trace_id": change.trace_id or "",
        "occurred_at": change.occurred_at,
        "creates": int(change.creates),
        "fields": orjson.dumps(dict(change.fields)).decode(),
    }
    return Row("changes", partition_of(change.occurred_at), orjson.dumps(line))


class ChangeStore:
    """Changes of the analytics engine."""

    def __init__(self, engine: ObservationsEngine) -> None:
        self._engine = engine

    async def of(self, project_id: ProjectId, subject: Subject, ids: Collection[str]) -> dict[str, list[Change]]:
        """All changes kept of these traces or observations, by id, in order of arrival; a repeated one arrived last."""
        if not ids:
            return {}
        where = Where(project_id)
        where.add("subject =", "String", subject)
        where.add("subject_id IN", "Array(String)", sorted(ids))
        sql = f"SELECT * FROM changes FINAL WHERE {where} ORDER BY row_version"
        found: dict[str, list[Change]] = defaultdict(list)
        for row in await self._engine.query(sql, where.params):
            found[row["subject_id"]].append(_change(row))
        return found

    async def delete_of_traces(self, project_id: ProjectId, trace_ids: Sequence[TraceId]) -> None:
        where = Where(project_id)
        where.add("trace_id IN", "Array(String)", list(trace_ids))
        await self._engine.execute(f"DELETE FROM changes WHERE {where}", where.params)


def _change(row: Mapping[str, Any]) -> Change:
    return Change(
        event_id=row["event_id"],
        subject=row["subject"],
        subject_id=row["subject_id"],
        trace_id=TraceId(row["trace_id"]) if row["trace_id"] else None,
        occurred_at=moment(row["occurred_at"]),
        creates=bool(row["creates"]),
        fields=orjson.loads(row["fields"]),
    )
