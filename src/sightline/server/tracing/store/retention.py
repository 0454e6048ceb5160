# ruff: noqa: S608  (statements are composed of our own text; every value travels as a parameter)
"""Deleting what is older than its project keeps things."""

from datetime import datetime

from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.tracing.records import ProjectId

TIMES = {"observations": "start_time", "traces": "timestamp", "scores": "timestamp", "changes": "occurred_at"}
"""Tables of the analytics engine, and the time by which their rows age."""


class RetentionStore:
    def __init__(self, engine: ObservationsEngine) -> None:
        self._engine = engine

    async def delete_before(self, project_id: ProjectId, moment: datetime) -> None:
        """A table without such rows is not touched: a deletion rewrites parts."""
        params = {"project": project_id, "moment": moment}
        for table, column in TIMES.items():
            old = f"project_id = {{project:String}} AND {column} < {{moment:DateTime64(6, 'UTC')}}"
            if await self._engine.query(f"SELECT 1 FROM {table} WHERE {old} LIMIT 1", params):
                await self._engine.execute(f"DELETE FROM {table} WHERE {old}", params)
