# ruff: noqa: S608  (statements are composed of our own text; every value is a bound parameter)
"""All SQL of upkeep: over whole tables of the analytics engine, whatever their rows say."""

from datetime import datetime

from sightline.server.accounts.records import ProjectId
from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.upkeep.records import AGING


class UpkeepStore:
    """Every deletion names the project it is scoped to."""

    def __init__(self, engine: ObservationsEngine) -> None:
        self._engine = engine

    async def delete_project(self, project_id: ProjectId) -> None:
        """Delete a project's rows in every table that has any."""
        tables = await self._engine.query(
            "SELECT DISTINCT table FROM system.columns WHERE database = currentDatabase() AND name = 'project_id'"
        )
        for row in tables:
            statement = f"DELETE FROM {row['table']} WHERE project_id = {{project:String}}"
            await self._engine.execute(statement, {"project": project_id})

    async def delete_before(self, project_id: ProjectId, moment: datetime) -> None:
        """Delete rows older than `moment`. Tables without any are skipped: a mutation rewrites parts."""
        params = {"project": project_id, "moment": moment}
        for aging in AGING:
            old = f"project_id = {{project:String}} AND {aging.time} < {{moment:DateTime64(6, 'UTC')}}"
            if await self._engine.query(f"SELECT 1 FROM {aging.table} WHERE {old} LIMIT 1", params):
                await self._engine.execute(f"DELETE FROM {aging.table} WHERE {old}", params)

    async def any_since(self, moment: datetime) -> bool:
        """Whether an observation began, or a score was given, then or later, in any project."""
        since = "{since:DateTime64(6, 'UTC')}"
        sql = (
            f"SELECT (SELECT count() FROM observations WHERE start_time >= {since}) + "
            f"(SELECT count() FROM scores WHERE timestamp >= {since}) AS events"
        )
        return bool((await self._engine.query(sql, {"since": moment}))[0]["events"])
