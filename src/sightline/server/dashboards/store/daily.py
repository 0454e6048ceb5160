# ruff: noqa: S608  (statements are composed of our own text; every value travels as a parameter)
"""Totals per day, and per day and model."""

from datetime import UTC, date, datetime
from typing import Any

from sightline.server.accounts.records import ProjectId
from sightline.server.dashboards.records import DailyQuery, DailyUsage, Day
from sightline.server.dashboards.store.sources import OBSERVED
from sightline.server.dashboards.store.views import INPUT, OUTPUT
from sightline.server.runtime.observations import ObservationsEngine


class DailyStore:
    """Totals over the analytics engine."""

    def __init__(self, engine: ObservationsEngine) -> None:
        self._engine = engine

    async def page(self, project_id: ProjectId, query: DailyQuery) -> tuple[list[Day], int]:
        """Days on which something happened, the latest first, and how many there are in all."""
        rows, params = _matching(project_id, query)
        count = await self._engine.query(f"SELECT uniqExact(toDate(start_time)) AS days FROM {rows}", params)
        sql = (
            "SELECT toDate(start_time) AS day, uniqExact(trace_id) AS traces, "
            f"countIf({OBSERVED}) AS observations, "
            f"sum(cost_usd['total']) AS cost FROM {rows} GROUP BY day ORDER BY day DESC "
            f"LIMIT {int(query.limit)} OFFSET {int(query.offset)}"
        )
        days = await self._engine.query(sql, params)
        usage = await self._usage(rows, params, [row["day"] for row in days])
        return [_day(row, usage.get(row["day"], [])) for row in days], int(count[0]["days"])

    async def _usage(self, rows: str, params: dict[str, Any], days: list[str]) -> dict[str, list[DailyUsage]]:
        if not days:
            return {}
        sql = (
            "SELECT toDate(start_time) AS day, model, sum(usage['total']) AS total_units, "
            f"sum({INPUT.sql}) AS input_units, sum({OUTPUT.sql}) AS output_units, "
            "sum(cost_usd['total']) AS cost_usd, count() AS observations, uniqExact(trace_id) AS traces "
            f"FROM {rows} WHERE day IN {{days:Array(Date)}} AND (model != '' OR notEmpty(usage)) "
            "GROUP BY day, model ORDER BY cost_usd DESC, model"
        )
        found: dict[str, list[DailyUsage]] = {}
        for row in await self._engine.query(sql, params | {"days": days}):
            day = row.pop("day")
            found.setdefault(day, []).append(DailyUsage(**row | {"model": row["model"] or None}))
        return found


def _matching(project_id: ProjectId, query: DailyQuery) -> tuple[str, dict[str, Any]]:
    """The observations of the traces that count. A trace counts whole, whichever of its observations says so."""
    params: dict[str, Any] = {
        "project": project_id,
        "start": query.start or datetime(1970, 1, 1, tzinfo=UTC),
        "end": query.end or datetime(2200, 1, 1, tzinfo=UTC),
    }
    window = (
        "project_id = {project:String} AND start_time >= {start:DateTime64(6, 'UTC')} "
        "AND start_time < {end:DateTime64(6, 'UTC')}"
    )
    traces = []
    if query.trace_name is not None:
        traces.append("countIf(trace_name = {name:String} OR (is_root AND name = {name:String})) > 0")
        params["name"] = query.trace_name
    if query.user_id is not None:
        traces.append("countIf(user_id = {user:String}) > 0")
        params["user"] = query.user_id
    if query.tags:
        traces.append("hasAll(groupUniqArrayArray(tags), {tags:Array(String)})")
        params["tags"] = list(query.tags)
    clauses = window
    if query.environments:
        clauses += " AND environment IN {environments:Array(String)}"
        params["environments"] = list(query.environments)
    if traces:
        having = " AND ".join(traces)
        clauses += (
            f" AND trace_id IN (SELECT trace_id FROM observations WHERE {window} GROUP BY trace_id HAVING {having})"
        )
    return f"(SELECT * FROM observations FINAL WHERE {clauses})", params


def _day(row: dict[str, Any], usage: list[DailyUsage]) -> Day:
    return Day(
        date=date.fromisoformat(row["day"]),
        traces=row["traces"],
        observations=row["observations"],
        cost_usd=row["cost"],
        usage=usage,
    )
