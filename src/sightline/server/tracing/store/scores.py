# ruff: noqa: S608  (statements are composed of our own text; every value is a bound parameter)
"""Scores: upserted like observations, the row with the highest version wins."""

from collections.abc import Collection, Sequence
from typing import Any

import orjson

from sightline.server.questions.clickhouse import add_conditions
from sightline.server.questions.where import TIME, Where
from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.runtime.writer import Row
from sightline.server.tracing.fields import SCORE_FIELDS, asked
from sightline.server.tracing.records import (
    ObservationId,
    Page,
    ProjectId,
    Score,
    ScoreId,
    ScoreQuery,
    TraceId,
)
from sightline.server.tracing.store.rows import moment, partition_of
from sightline.server.tracing.store.windows import add_window

OPERATORS = {"=": "=", "!=": "!=", "<": "<", ">": ">", "<=": "<=", ">=": ">="}
"""Allow-list of comparison operators, against SQL injection."""

_OPTIONAL = ("trace_id", "observation_id", "session_id", "dataset_run_id", "comment", "config_id", "queue_id")
"""Columns whose empty text stands for None."""


def score_row(score: Score, row_version: int) -> Row:
    """Serialise one score to a row."""
    line = {
        "project_id": score.project_id,
        "id": score.id,
        "row_version": row_version,
        "timestamp": score.timestamp,
        "created_at": score.created_at,
        "updated_at": score.updated_at,
        "name": score.name,
        "data_type": score.data_type,
        "value": score.value,
        "string_value": score.string_value,
        "source": score.source,
        "environment": score.environment,
        "metadata": orjson.dumps(dict(score.metadata)).decode(),
        "author_user_id": score.author_user_id or "",
        **{name: getattr(score, name) or "" for name in _OPTIONAL},
    }
    return Row("scores", partition_of(score.timestamp), orjson.dumps(line))


class ScoreStore:
    """Scores of the analytics engine."""

    def __init__(self, engine: ObservationsEngine) -> None:
        self._engine = engine

    async def one(self, project_id: ProjectId, score_id: ScoreId) -> Score | None:
        page = await self.page(project_id, ScoreQuery(ids=(score_id,), limit=1))
        return page.items[0] if page.items else None

    async def newest(self, project_id: ProjectId, score_ids: Collection[ScoreId]) -> dict[ScoreId, Score]:
        """Existing scores by id. Most are new: a query of ids alone first takes half as long."""
        where = Where(project_id)
        where.add("id IN", "Array(String)", list(score_ids))
        existing = await self._engine.query(f"SELECT DISTINCT id FROM scores WHERE {where}", where.params)
        if not existing:
            return {}
        rows = await self._engine.query(_newest(where), where.params)
        return {ScoreId(row["id"]): score_of(row) for row in rows}

    async def of_traces(self, project_id: ProjectId, trace_ids: Sequence[TraceId]) -> list[Score]:
        """All scores on these traces and their observations, oldest first."""
        if not trace_ids:
            return []
        where = Where(project_id)
        where.add("trace_id IN", "Array(String)", list(trace_ids))
        sql = f"SELECT * FROM ({_newest(where)}) ORDER BY timestamp, id"
        return [score_of(row) for row in await self._engine.query(sql, where.params)]

    async def of_experiments(self, project_id: ProjectId, experiment_ids: Sequence[str]) -> list[Score]:
        """All scores on these experiments as a whole, newest first."""
        if not experiment_ids:
            return []
        where = Where(project_id)
        where.add("dataset_run_id IN", "Array(String)", list(experiment_ids))
        sql = f"SELECT * FROM ({_newest(where)}) ORDER BY timestamp DESC, id DESC"
        return [score_of(row) for row in await self._engine.query(sql, where.params)]

    async def page(self, project_id: ProjectId, query: ScoreQuery) -> Page[Score]:
        """A page, newest first. Filters apply to the newest row of each score (after dedup)."""
        where = Where(project_id)
        found = f"SELECT * FROM ({_newest_touched(where, query)}) WHERE {_matching(where, query)}"
        wanted = query.limit + 1
        sql = f"{found} ORDER BY timestamp DESC, id DESC LIMIT {wanted} OFFSET {query.offset}"
        rows = await self._engine.query(sql, where.params)
        total = None
        if query.counted:
            total = (await self._engine.query(f"SELECT count() AS total FROM ({found})", where.params))[0]["total"]
        return Page([score_of(row) for row in rows[: query.limit]], total=total, more=len(rows) == wanted)

    async def delete(self, project_id: ProjectId, score_id: ScoreId) -> None:
        where = Where(project_id)
        where.add("id =", "String", score_id)
        await self._engine.execute(f"DELETE FROM scores WHERE {where}", where.params)

    async def delete_of_traces(self, project_id: ProjectId, trace_ids: Sequence[TraceId]) -> None:
        where = Where(project_id)
        where.add("trace_id IN", "Array(String)", list(trace_ids))
        await self._engine.execute(f"DELETE FROM scores WHERE {where}", where.params)

    async def delete_of_session(self, project_id: ProjectId, session_id: str) -> None:
        where = Where(project_id)
        where.add("session_id =", "String", session_id)
        await self._engine.execute(f"DELETE FROM scores WHERE {where}", where.params)


def score_of(row: dict[str, Any]) -> Score:
    return Score(
        project_id=ProjectId(row["project_id"]),
        id=ScoreId(row["id"]),
        name=row["name"],
        data_type=row["data_type"],
        value=row["value"],
        string_value=row["string_value"],
        trace_id=TraceId(row["trace_id"]) if row["trace_id"] else None,
        observation_id=ObservationId(row["observation_id"]) if row["observation_id"] else None,
        session_id=row["session_id"] or None,
        dataset_run_id=row["dataset_run_id"] or None,
        source=row["source"],
        environment=row["environment"],
        comment=row["comment"] or None,
        metadata=orjson.loads(row["metadata"] or "{}"),
        config_id=row["config_id"] or None,
        queue_id=row["queue_id"] or None,
        author_user_id=row["author_user_id"] or None,
        timestamp=moment(row["timestamp"]),
        created_at=moment(row["created_at"]),
        updated_at=moment(row["updated_at"]),
    )


def _newest(where: Where) -> str:
    return f"SELECT * FROM scores WHERE {where} ORDER BY row_version DESC LIMIT 1 BY id"


def _newest_touched(where: Where, query: ScoreQuery) -> str:
    """Newest rows of the scores that ever had the ids asked for: skip indexes prune by any version, then dedup."""
    newest = where.fork()
    for column, values in (("id", query.ids), ("trace_id", query.trace_ids), ("session_id", query.session_ids)):
        if values:
            touched = where.fork()
            touched.add(f"{column} IN", "Array(String)", list(values))
            newest.add_clause(f"id IN (SELECT id FROM scores WHERE {touched})")
    return _newest(newest)


def _matching(where: Where, query: ScoreQuery) -> Where:
    """The query's conditions, over newest rows."""
    matching = where.fork()
    add_window(matching, query.window, "timestamp")
    lists = {
        "id": query.ids,
        "name": query.names,
        "source": query.sources,
        "data_type": query.data_types,
        "trace_id": query.trace_ids,
        "observation_id": query.observation_ids,
        "session_id": query.session_ids,
        "config_id": query.config_ids,
        "queue_id": query.queue_ids,
        "dataset_run_id": query.dataset_run_ids,
        "author_user_id": query.author_user_ids,
        "string_value": query.values,
    }
    for column, values in lists.items():
        matching.add(f"{column} IN", "Array(String)", list(values))
    matching.add("value IN", "Array(Float64)", list(query.numbers))
    if query.value:
        operator, number = query.value
        matching.add(f"value {OPERATORS[operator]}", "Float64", number)
    matching.add("value >=", "Float64", query.value_min)
    matching.add("value <=", "Float64", query.value_max)
    add_conditions(
        matching, [*asked({"userId": query.trace_user_id}, query.trace_tags), *query.conditions], SCORE_FIELDS
    )
    if query.before:
        cursor = f"{where.place(TIME, query.before[0])}, {where.place('String', query.before[1])}"
        matching.add_clause(f"(timestamp, id) < ({cursor})")
    return matching
