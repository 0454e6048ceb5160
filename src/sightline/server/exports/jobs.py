"""Incremental export: for every project that is due, one time window after another, each as a few files."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import structlog

from sightline.server.exports.actions import lease_of, place_of
from sightline.server.exports.columns import OBSERVATIONS, SCORES, TRACES, Column, Item, chosen, row_of
from sightline.server.exports.destinations import opened
from sightline.server.exports.files import ending, row_file
from sightline.server.exports.records import EVERY, BlobExport, Progress
from sightline.server.exports.store import ExportStore
from sightline.server.runtime.clock import now
from sightline.server.runtime.database import Database
from sightline.server.runtime.leases import Leases
from sightline.server.runtime.seal import Seal
from sightline.server.tracing.actions import Tracing
from sightline.server.tracing.records import ObservationQuery, ProjectId, ScoreQuery, TraceQuery, Window

log = structlog.get_logger()

LAG = timedelta(minutes=20)
"""Lag behind now: younger rows may still change, or arrive late."""
WINDOW = timedelta(days=1)
"""Longest time window of one file."""
RETRY = timedelta(minutes=20)
"""Retry interval after a failure."""
STEP = 500
"""Page size of reads."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """One kind of file."""

    name: str
    columns: Sequence[Column]
    rows: Callable[[Tracing, ProjectId, Window], AsyncIterator[Sequence[Item]]]


class ExportRound:
    """Runs all exports that are due. Idempotent: a failed window is retried and overwrites its files (same keys)."""

    every_s = 60.0

    def __init__(
        self,
        database: Database,
        tracing: Tracing,
        leases: Leases,
        seal: Seal,
        open_store: Callable[[BlobExport, str | None], Any] = opened,
    ) -> None:
        self._database = database
        self._tracing = tracing
        self._leases = leases
        self._seal = seal
        self._open_store = open_store

    async def run(self) -> None:
        async with self._database.reading() as connection:
            due = await ExportStore(connection).due(now())
        for export, sealed in due:
            async with self._leases.held(lease_of(export)) as ours:
                if ours:
                    await self._export(export, sealed)

    async def _export(self, export: BlobExport, sealed: str | None) -> None:
        end = now() - LAG
        if export.last_sync_at and export.last_sync_at > end:
            # A clock that was ahead reached it: what arrives until then would never be exported.
            export = replace(export, last_sync_at=end)
        reached = export.last_sync_at
        try:
            secret = self._seal.open(sealed, place_of(export)) if sealed else None
            store = await asyncio.to_thread(self._open_store, export, secret)
            async for window in _windows(export, await self._beginning(export), end):
                for table in TABLES[export.source]:
                    await self._export_table(export, store, table, window)
                reached = window.end
                await self._reach(export, Progress(last_sync_at=reached, next_sync_at=now()))
        except Exception as problem:
            # Any driver error: it is stored in `last_error` for whoever configured the export.
            log.warning("an export failed", export=export.id, project=export.project_id, problem=str(problem))
            failed = Progress(
                last_sync_at=reached, next_sync_at=now() + RETRY, last_error=str(problem)[:2_000], last_error_at=now()
            )
            await self._reach(export, failed)
        else:
            next_sync_at = now() + EVERY[export.frequency]
            await self._reach(export, Progress(last_sync_at=reached, next_sync_at=next_sync_at))

    async def _beginning(self, export: BlobExport) -> datetime | None:
        """End of the first window, which holds everything older. None for an empty project."""
        oldest = TraceQuery(ascending=True, limit=1)
        traces = await self._tracing.traces(export.project_id, oldest)
        return _midnight(traces.items[0].timestamp) + WINDOW if traces.items else None

    async def _export_table(self, export: BlobExport, store: Any, table: Table, window: Window) -> None:
        import obstore  # late: 40 ms, and few servers export

        columns = chosen(table.columns, export.field_groups)
        with tempfile.TemporaryDirectory(prefix="sightline-export-") as folder:
            path = Path(folder) / "rows"
            count = await self._write(export, path, columns, table.rows(self._tracing, export.project_id, window))
            if count:
                await obstore.put_async(store, _key(export, table, window), path)

    async def _write(
        self, export: BlobExport, path: Path, columns: Sequence[Column], pages: AsyncIterator[Sequence[Item]]
    ) -> int:
        file = row_file(path, columns, export.file_type, compressed=export.compressed)
        count = 0
        async for items in pages:
            await asyncio.to_thread(file.write, [row_of(columns, item) for item in items])
            count += len(items)
        await asyncio.to_thread(file.close)
        return count

    async def _reach(self, export: BlobExport, progress: Progress) -> None:
        async with self._database.work() as work:
            await ExportStore(work.connection).reach(export, progress)


async def _windows(export: BlobExport, first_end: datetime | None, end: datetime) -> AsyncIterator[Window]:
    """Windows after the watermark; with the full history the first one has no start."""
    start = export.last_sync_at or _start(export)
    if start is None and first_end is None:
        return
    while start is None or start < end:
        whole_day = first_end if start is None else _midnight(start) + WINDOW
        ends = min(whole_day or end, end)
        yield Window(start=start, end=ends)
        start = ends


def _start(export: BlobExport) -> datetime | None:
    if export.mode == "FULL_HISTORY":
        return None
    return export.start_date if export.mode == "FROM_CUSTOM_DATE" else _midnight(export.created_at)


def _midnight(moment: datetime) -> datetime:
    return datetime.combine(moment.astimezone(UTC).date(), time(), UTC)


def _key(export: BlobExport, table: Table, window: Window) -> str:
    """Object key by project, table and end of the window: deterministic, so a retry overwrites."""
    end = (window.end or now()).astimezone(UTC)
    name = f"{end:%Y-%m-%dT%H-%M-%S}-{end.microsecond // 1000:03d}Z"
    kind = ending(export.file_type, compressed=export.compressed)
    return f"{export.prefix}{export.project_id}/{table.name}/{name}{kind}"


async def _traces(tracing: Tracing, project_id: ProjectId, window: Window) -> AsyncIterator[Sequence[Item]]:
    before = None
    while True:
        page = await tracing.traces(project_id, TraceQuery(window=window, limit=STEP, before=before, whole=True))
        yield page.items
        if not page.more:
            return
        before = page.items[-1].timestamp, page.items[-1].id


async def _observations(tracing: Tracing, project_id: ProjectId, window: Window) -> AsyncIterator[Sequence[Item]]:
    before = None
    while True:
        page = await tracing.observations(project_id, ObservationQuery(window=window, limit=STEP, before=before))
        yield page.items
        if not page.more:
            return
        last = page.items[-1]
        before = last.start_time, last.trace_id, last.id


async def _scores(tracing: Tracing, project_id: ProjectId, window: Window) -> AsyncIterator[Sequence[Item]]:
    before = None
    while True:
        page = await tracing.scores(project_id, ScoreQuery(window=window, limit=STEP, before=before))
        yield page.items
        if not page.more:
            return
        before = page.items[-1].timestamp, page.items[-1].id


_TRACE_FILES = Table(name="traces", columns=TRACES, rows=_traces)
_SCORE_FILES = Table(name="scores", columns=SCORES, rows=_scores)
_ENRICHED_FILES = Table(name="observations_v2", columns=OBSERVATIONS, rows=_observations)
_OBSERVATION_FILES = Table(
    name="observations",
    columns=[column for column in OBSERVATIONS if column.group != "trace_context"],
    rows=_observations,
)
TABLES = {
    "LEGACY_TRACES_OBSERVATIONS": (_TRACE_FILES, _OBSERVATION_FILES, _SCORE_FILES),
    "OBSERVATIONS_V2": (_ENRICHED_FILES, _SCORE_FILES),
    "LEGACY_TRACES_AND_ENRICHED_OBSERVATIONS": (_TRACE_FILES, _OBSERVATION_FILES, _ENRICHED_FILES, _SCORE_FILES),
}
"""Source of an export to its tables of files."""
