# ruff: noqa: S608  (statements are composed of our own text; every value is a bound parameter)
"""Whether a project keeps log records that belong into spans."""

from sightline.server.questions.where import Where
from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.tracing.records import ProjectId


class LoggedStore:
    """Log records among the kept changes."""

    def __init__(self, engine: ObservationsEngine) -> None:
        self._engine = engine

    async def has_any(self, project_id: ProjectId) -> bool:
        where = Where(project_id)
        where.add("subject =", "String", "span")
        return bool(await self._engine.query(f"SELECT 1 AS one FROM changes WHERE {where} LIMIT 1", where.params))
