# ruff: noqa: S608  (statements are composed of our own text; every value travels as a parameter)
"""Whether a project keeps log records that belong into spans."""

from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.tracing.records import ProjectId
from sightline.server.tracing.store.conditions import Conditions


class LoggedStore:
    """Log records among the kept changes."""

    def __init__(self, engine: ObservationsEngine) -> None:
        self._engine = engine

    async def has_any(self, project_id: ProjectId) -> bool:
        where = Conditions(project_id)
        where.add("subject =", "String", "span")
        return bool(await self._engine.query(f"SELECT 1 AS one FROM changes WHERE {where} LIMIT 1", where.params))
