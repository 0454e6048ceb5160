# ruff: noqa: S608  (statements are composed of our own text; every value is a bound parameter)
"""Deletions in the analytics engine, compiled from `belongings`."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sightline.server.accounts.records import ProjectId
from sightline.server.questions.where import TIME
from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.upkeep.belongings import ANALYTICS
from sightline.server.upkeep.records import ERASED, Thing, Tie, steps

TABLES = tuple(place.name for place in ANALYTICS if place.ties)
DELETING = "max_execution_time = 0, lightweight_deletes_sync = 2, mutations_sync = 1"
"""A deletion is waited for: the limit of time for queries would end the waiting, not the deletion."""


class EngineRemovalStore:
    """Deletions in the analytics engine."""

    def __init__(self, engine: ObservationsEngine) -> None:
        self._engine = engine

    async def require_room(self) -> None:
        """Unavailable when the disk has no room for a deletion, before anything is deleted."""
        for table in TABLES:
            await self._engine.require_room(table)

    async def delete_project(self, project_id: ProjectId) -> None:
        """Delete a project's rows in every table that has any."""
        for table, tie in _analytics(Thing.PROJECT):
            await self._delete(table, f"{tie.by} = {{project:String}}", {"project": project_id})

    async def delete_before(self, project_id: ProjectId, moment: datetime) -> None:
        """Delete rows older than `moment`, but for the index of traces, which is made of them."""
        for table, tie in _analytics(Thing.AGE):
            if table != "traces":
                old = f"project_id = {{project:String}} AND {tie.by} < {{moment:{TIME}}}"
                await self._delete(table, old, {"project": project_id, "moment": moment})

    async def ending_before(self, project_id: ProjectId, moment: datetime, trace_ids: Sequence[str]) -> list[str]:
        """Those of the traces that end before a time."""
        found: list[str] = []
        for step in steps(trace_ids):
            sql = (
                "SELECT trace_id FROM traces FINAL WHERE project_id = {project:String} AND gone = 0 "
                f"AND timestamp < {{moment:{TIME}}} AND last_start < {{moment:{TIME}}} "
                "AND trace_id IN {ids:Array(String)}"
            )
            rows = await self._engine.query(sql, {"project": project_id, "moment": moment, "ids": step})
            found += [row["trace_id"] for row in rows]
        return found

    async def scored(self, project_id: ProjectId, moment: datetime) -> list[str]:
        """Traces with a score that is younger than `moment`."""
        sql = (
            "SELECT DISTINCT trace_id FROM scores WHERE project_id = {project:String} AND trace_id != '' "
            f"AND timestamp >= {{moment:{TIME}}}"
        )
        return [row["trace_id"] for row in await self._engine.query(sql, {"project": project_id, "moment": moment})]

    async def erase(self, names: Sequence[str], project_id: ProjectId) -> None:
        """Name an erased person as the author, in a project, or in all of them where it is empty."""
        params = {"names": list(names), "project": project_id}
        for table, tie in _analytics(Thing.PERSON):
            theirs = f"{tie.by} IN {{names:Array(String)}} AND {{project:String}} IN ('', project_id)"
            if await self._has(table, theirs, params):
                change = f"ALTER TABLE {table} UPDATE {tie.by} = '{ERASED}' WHERE {theirs} SETTINGS {DELETING}"
                await self._engine.execute(change, params)

    async def any_since(self, moment: datetime) -> bool:
        """Whether an observation began, or a score was given, then or later, in any project."""
        since = f"{{since:{TIME}}}"
        sql = (
            f"SELECT (SELECT count() FROM observations WHERE start_time >= {since}) + "
            f"(SELECT count() FROM scores WHERE timestamp >= {since}) AS events"
        )
        return bool((await self._engine.query(sql, {"since": moment}))[0]["events"])

    async def _delete(self, table: str, where: str, params: dict[str, Any]) -> None:
        """Tables without any are skipped: a mutation rewrites parts."""
        if await self._has(table, where, params):
            await self._engine.execute(f"DELETE FROM {table} WHERE {where} SETTINGS {DELETING}", params)

    async def _has(self, table: str, where: str, params: dict[str, Any]) -> bool:
        return bool(await self._engine.query(f"SELECT 1 AS one FROM {table} WHERE {where} LIMIT 1", params))


def _analytics(thing: Thing) -> Iterator[tuple[str, Tie]]:
    for place in ANALYTICS:
        for tie in place.ties:
            if tie.thing is thing:
                yield place.name, tie
