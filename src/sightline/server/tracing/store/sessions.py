# ruff: noqa: S608  (statements are composed of our own text; every value travels as a parameter)
"""Sessions: nobody writes them, they are what spans with the same session id add up to."""

from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.tracing.records import Page, ProjectId, Session, Window
from sightline.server.tracing.store.conditions import Conditions
from sightline.server.tracing.store.rows import moment


class SessionStore:
    """Sessions of the analytics engine."""

    def __init__(self, engine: ObservationsEngine) -> None:
        self._engine = engine

    async def one(self, project_id: ProjectId, session_id: str) -> Session | None:
        where = Conditions(project_id)
        where.add("session_id =", "String", session_id)
        found = await self._sessions(project_id, where, "LIMIT 1")
        return found[0] if found else None

    async def page(self, project_id: ProjectId, window: Window, limit: int, offset: int) -> Page[Session]:
        """Newest first. The window is over the sessions' beginnings, so all rows are grouped before it is checked."""
        where = Conditions(project_id)
        where.add_clause("session_id != ''")
        began = where.fork()
        began.add_window(window, "started", "first_environment")
        grouped = f"SELECT count() AS total FROM ({_grouped(where)}) WHERE {began}"
        total = int((await self._engine.query(grouped, where.params))[0]["total"])
        matching = f"WHERE {began} ORDER BY started DESC, session_id DESC"
        items = await self._sessions(project_id, where, f"{matching} LIMIT {int(limit)} OFFSET {int(offset)}")
        return Page(items, total=total, more=offset + len(items) < total)

    async def _sessions(self, project_id: ProjectId, where: Conditions, rest: str) -> list[Session]:
        rows = await self._engine.query(f"SELECT * FROM ({_grouped(where)}) {rest}", where.params)
        return [
            Session(
                id=row["session_id"],
                project_id=project_id,
                created_at=moment(row["started"]),
                environment=row["first_environment"],
            )
            for row in rows
        ]


def _grouped(where: Conditions) -> str:
    return (
        "SELECT project_id, session_id, min(start_time) AS started, "
        f"argMin(environment, start_time) AS first_environment FROM observations WHERE {where} "
        "GROUP BY project_id, session_id"
    )
