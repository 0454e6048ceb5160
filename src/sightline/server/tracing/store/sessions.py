# ruff: noqa: S608  (statements are composed of our own text; every value is a bound parameter)
"""Sessions: a GROUP BY of traces on their session id; they have no table."""

from sightline.server.questions.where import Where
from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.tracing.records import Page, ProjectId, Session, TraceId, Window
from sightline.server.tracing.store.rows import moment
from sightline.server.tracing.store.traces import TraceSource
from sightline.server.tracing.store.windows import add_window


class SessionStore:
    """Sessions of the index of traces."""

    def __init__(self, engine: ObservationsEngine, source: TraceSource) -> None:
        self._engine = engine
        self._source = source

    async def one(self, project_id: ProjectId, session_id: str) -> Session | None:
        where = Where(project_id)
        where.add("session_id =", "String", session_id)
        found = await self._sessions(project_id, where, "LIMIT 1")
        return found[0] if found else None

    async def trace_ids(self, project_id: ProjectId, session_id: str, limit: int) -> list[TraceId]:
        """Traces of a session, at most so many."""
        where = Where(project_id)
        where.add("session_id =", "String", session_id)
        sql = f"SELECT trace_id FROM {self._source.of(where)} LIMIT {int(limit)}"
        return [TraceId(row["trace_id"]) for row in await self._engine.query(sql, where.params)]

    async def page(self, project_id: ProjectId, window: Window, limit: int, offset: int) -> Page[Session]:
        """Newest first. The window is over the sessions' beginnings, so all are grouped before it is checked."""
        where = Where(project_id)
        where.add_clause("session_id != ''")
        began = where.fork()
        add_window(began, window, "started", "first_environment")
        grouped = f"SELECT count() AS total FROM ({self._grouped(where)}) WHERE {began}"
        total = int((await self._engine.query(grouped, where.params))[0]["total"])
        matching = f"WHERE {began} ORDER BY started DESC, session_id DESC"
        items = await self._sessions(project_id, where, f"{matching} LIMIT {int(limit)} OFFSET {int(offset)}")
        return Page(items, total=total, more=offset + len(items) < total)

    async def _sessions(self, project_id: ProjectId, where: Where, rest: str) -> list[Session]:
        rows = await self._engine.query(f"SELECT * FROM ({self._grouped(where)}) {rest}", where.params)
        return [
            Session(
                id=row["session_id"],
                project_id=project_id,
                created_at=moment(row["started"]),
                environment=row["first_environment"],
            )
            for row in rows
        ]

    def _grouped(self, where: Where) -> str:
        return (
            "SELECT project_id, session_id, min(timestamp) AS started, "
            f"argMin(environment, timestamp) AS first_environment FROM {self._source.of(where)} "
            "GROUP BY project_id, session_id"
        )
