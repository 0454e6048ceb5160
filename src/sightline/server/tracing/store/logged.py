# ruff: noqa: S608  (statements are composed of our own text; every value is a bound parameter)
"""Which log records that belong into spans are kept."""

from sightline.server.questions.where import Where
from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.tracing.records import ObservationId, ProjectId, TraceId


class LoggedStore:
    """Log records among the kept changes."""

    def __init__(self, engine: ObservationsEngine) -> None:
        self._engine = engine

    async def has_any(self, project_id: ProjectId) -> bool:
        where = Where(project_id)
        where.add("subject =", "String", "span")
        return bool(await self._engine.query(f"SELECT 1 AS one FROM changes WHERE {where} LIMIT 1", where.params))

    async def since(self, version: int) -> list[tuple[ProjectId, TraceId, ObservationId]]:
        """The spans that records stored since then belong to: a process that starts does not know who waited."""
        sql = (
            "SELECT DISTINCT project_id, trace_id, subject_id FROM changes "
            "WHERE subject = 'span' AND row_version >= {version:UInt64}"
        )
        rows = await self._engine.query(sql, {"version": version})
        return [(ProjectId(r["project_id"]), TraceId(r["trace_id"]), ObservationId(r["subject_id"])) for r in rows]
