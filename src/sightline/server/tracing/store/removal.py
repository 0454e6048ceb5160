# ruff: noqa: S608  (statements are composed of our own text; every value travels as a parameter)
"""Deleting a project's rows from every table of the analytics engine."""

from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.tracing.records import ProjectId


class RemovalStore:
    def __init__(self, engine: ObservationsEngine) -> None:
        self._engine = engine

    async def of_project(self, project_id: ProjectId) -> None:
        tables = await self._engine.query(
            "SELECT DISTINCT table FROM system.columns WHERE database = currentDatabase() AND name = 'project_id'"
        )
        for row in tables:
            statement = f"DELETE FROM {row['table']} WHERE project_id = {{project:String}}"
            await self._engine.execute(statement, {"project": project_id})
