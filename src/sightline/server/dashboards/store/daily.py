# ruff: noqa: S608  (statements are composed of our own text; every value is a bound parameter)
"""Totals per day, and per day and model."""

from collections.abc import Callable
from datetime import date
from typing import Any

from sightline.server.accounts.records import ProjectId
from sightline.server.dashboards.records import DailyQuery, DailyUsage, Day
from sightline.server.questions.clickhouse import add_conditions
from sightline.server.questions.where import TIME, Where
from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.tables.observations import GONE
from sightline.server.tracing.fields import OBSERVED, TRACE_FIELDS, asked, counted_sum

INPUT, OUTPUT = counted_sum("usage", "input"), counted_sum("usage", "output")
"""Deduplicated tokens of an observation."""
TOTAL, COST = counted_sum("usage"), counted_sum("cost_usd")
"""Deduplicated tokens, and cost in US dollars, of an observation."""


class DailyStore:
    """Totals over the analytics engine."""

    def __init__(self, engine: ObservationsEngine, traces: Callable[[Where], str]) -> None:
        """`traces` makes the FROM clause of the index of traces."""
        self._engine = engine
        self._traces = traces

    async def page(self, project_id: ProjectId, query: DailyQuery) -> tuple[list[Day], int]:
        """A page of days with any observation, latest first, and the total count of such days."""
        rows, params = self._matching(project_id, query)
        count = await self._engine.query(f"SELECT uniqExact(toDate(start_time)) AS days FROM {rows}", params)
        sql = (
            "SELECT toDate(start_time) AS day, uniqExact(trace_id) AS traces, "
            f"countIf({OBSERVED}) AS observations, "
            f"sum({COST}) AS cost FROM {rows} GROUP BY day ORDER BY day DESC "
            f"LIMIT {int(query.limit)} OFFSET {int(query.offset)}"
        )
        days = await self._engine.query(sql, params)
        usage = await self._usage(rows, params, [row["day"] for row in days])
        return [_day(row, usage.get(row["day"], [])) for row in days], int(count[0]["days"])

    async def _usage(self, rows: str, params: dict[str, Any], days: list[str]) -> dict[str, list[DailyUsage]]:
        if not days:
            return {}
        sql = (
            f"SELECT toDate(start_time) AS day, model, sum({TOTAL}) AS total_units, "
            f"sum({INPUT}) AS input_units, sum({OUTPUT}) AS output_units, "
            f"sum({COST}) AS cost_usd, count() AS observations, uniqExact(trace_id) AS traces "
            f"FROM {rows} WHERE day IN {{days:Array(Date)}} AND (model != '' OR notEmpty(usage)) "
            "GROUP BY day, model ORDER BY cost_usd DESC, model"
        )
        found: dict[str, list[DailyUsage]] = {}
        for row in await self._engine.query(sql, params | {"days": days}):
            day = row.pop("day")
            found.setdefault(day, []).append(DailyUsage(**row | {"model": row["model"] or None}))
        return found

    def _matching(self, project_id: ProjectId, query: DailyQuery) -> tuple[str, dict[str, Any]]:
        """The observations of the window whose traces are asked for."""
        where = Where(project_id)
        where.add("start_time >=", TIME, query.start)
        where.add("start_time <", TIME, query.end)
        where.add("environment IN", "Array(String)", query.environments)
        if conditions := asked({"name": query.trace_name, "userId": query.user_id}, query.tags):
            traces = where.fork()
            add_conditions(traces, conditions, TRACE_FIELDS)
            where.add_clause(f"trace_id IN (SELECT trace_id FROM {self._traces(traces)})")
        return f"(SELECT * FROM observations FINAL WHERE {where} AND kind != '{GONE}')", where.params


def _day(row: dict[str, Any], usage: list[DailyUsage]) -> Day:
    return Day(
        date=date.fromisoformat(row["day"]),
        traces=row["traces"],
        observations=row["observations"],
        cost_usd=row["cost"],
        usage=usage,
    )
