# ruff: noqa: S608  (statements are composed of our own text; every value is a bound parameter)
"""Uses of files as the texts of observations tell them: for files whose uses were not counted when they came."""

from collections.abc import Collection

from sightline.server.questions.where import Where
from sightline.server.runtime.media_tokens import MARK
from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.tracing.records import MediaId, ProjectId, TraceId

TEXTS = (
    "concat(input, output, trace_input, trace_output, arrayStringConcat(mapValues(metadata)), "
    "arrayStringConcat(mapValues(trace_metadata)))"
)
"""Every text of an observation that may refer to a file."""
REFERENCES = f"arrayJoin(extractAll({TEXTS}, '[|]id=([a-zA-Z0-9_-]+)[|]source='))"
"""The ids in it."""


class MediaUseStore:
    """Scans the rows of a project."""

    def __init__(self, engine: ObservationsEngine) -> None:
        self._engine = engine

    async def of_traces(self, project_id: ProjectId, trace_ids: Collection[TraceId]) -> set[MediaId]:
        """What the texts of these traces refer to."""
        where = Where(project_id, by_id=True)
        where.add_clause(f"trace_id IN {where.place('Array(String)', sorted(trace_ids))}")
        return await self._found(where)

    async def still(self, project_id: ProjectId, media_ids: Collection[MediaId]) -> set[MediaId]:
        """Those of the files that some row refers to."""
        return await self._found(Where(project_id)) & set(media_ids) if media_ids else set()

    async def _found(self, where: Where) -> set[MediaId]:
        marked = f"{where} AND position({TEXTS}, '{MARK}') > 0"
        rows = await self._engine.query(
            f"SELECT DISTINCT {REFERENCES} AS id FROM observations WHERE {marked}", where.params
        )
        return {MediaId(row["id"]) for row in rows}
