"""The actions on traces, one verb a method. What is recorded is stored and readable when the method returns."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal

from sightline.server.accounts.actions import Audit
from sightline.server.accounts.audit import of_project
from sightline.server.pricing.actions import Prices
from sightline.server.runtime.blobs import Blobs
from sightline.server.runtime.database import Database
from sightline.server.runtime.errors import InvalidRequest, NotFound
from sightline.server.runtime.hub import LiveHub
from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.runtime.versions import Versions
from sightline.server.runtime.writer import SpanWriter
from sightline.server.tables.versions import row_versions
from sightline.server.tracing.actions.costs import with_costs
from sightline.server.tracing.actions.counting import TokenCounting
from sightline.server.tracing.actions.indexing import TraceIndex
from sightline.server.tracing.actions.inline import holds_files, image_ids, take_out
from sightline.server.tracing.actions.legacy import LegacyIngestion
from sightline.server.tracing.actions.logs import Rows, SpanLogs
from sightline.server.tracing.actions.media import MediaShelf
from sightline.server.tracing.actions.turns import Turns
from sightline.server.tracing.merging import Change, merged_score, would_change
from sightline.server.tracing.records import (
    Media,
    MediaId,
    MediaUpload,
    Observation,
    ObservationId,
    ObservationQuery,
    Page,
    ProjectId,
    Score,
    ScoreId,
    ScoreQuery,
    Series,
    Session,
    Trace,
    TraceId,
    TraceQuery,
    Window,
)
from sightline.server.tracing.store import (
    ChangeStore,
    ObservationStore,
    ScoreStore,
    SeriesStore,
    SessionStore,
    TraceStore,
)
from sightline.server.tracing.store.changes import change_row
from sightline.server.tracing.store.logged import LoggedStore
from sightline.server.tracing.store.rows import observation_row
from sightline.server.tracing.store.scores import score_row
from sightline.server.tracing.store.versions import VersionStore

MAX_BUCKETS = 1_000
SESSION_STEP = 500
"""Traces of a session read at once."""


class Tracing:
    """Everything about traces of one installation; every method is confined to the project it is given."""

    def __init__(
        self,
        *,
        engine: ObservationsEngine,
        writer: SpanWriter,
        database: Database,
        blobs: Blobs,
        hub: LiveHub,
        signing_secret: bytes,
    ) -> None:
        self.prices = Prices(database)
        self._audit = Audit(database)
        self._writer = writer
        self._stored_versions = VersionStore(engine)
        self._versions = Versions(row_versions, database if engine.is_shared else None)
        self._hub = hub
        self.index = TraceIndex(engine, writer)
        self._observations = ObservationStore(engine, self.index.source)
        self._traces = TraceStore(engine, self.index.source)
        self._scores = ScoreStore(engine)
        self._series = SeriesStore(engine, self.index.source)
        self._sessions = SessionStore(engine, self.index.source)
        self._changes = ChangeStore(engine)
        self._legacy = LegacyIngestion(
            self._changes, self._observations, self._keep_changes, self.record, self._versions
        )
        self.counting = TokenCounting(self.prices, self._observations, self._legacy, self.record)
        logged = Rows(
            logged=LoggedStore(engine),
            changes=self._changes,
            observations=self._observations,
            keep=self._keep_changes,
            store=self._store,
        )
        self.logs = SpanLogs(logged, self._legacy.turn)
        self._media = MediaShelf(database, blobs, signing_secret)
        self._score_turns = Turns()

    async def open(self) -> None:
        """Pick up where the last process ended: versions, the index, and log records that waited for their spans."""
        newest = await self._stored_versions.highest()
        await self._versions.open(newest)
        await self.index.open()
        await self.logs.open(newest)

    async def record(self, project_id: ProjectId, observations: Sequence[Observation]) -> None:
        """Store observations; a repeated one replaces its earlier self. TooBusy or Unavailable mean: send again.

        Files inside their texts become media first, so that no stored span refers to a file that is not there.
        """
        if any(observation.project_id != project_id for observation in observations):
            raise InvalidRequest(f"an observation names another project than {project_id!r}: send each to its own")
        await self._store(project_id, observations)
        await self.logs.complete(project_id, observations)

    async def record_logs(
        self, project_id: ProjectId, observations: Sequence[Observation], messages: Sequence[Change]
    ) -> None:
        """Store what log records say: events, and messages that belong into spans, here or yet to come."""
        await self.record(project_id, observations)
        await self.logs.take(project_id, messages)

    async def _store(self, project_id: ProjectId, observations: Sequence[Observation]) -> None:
        if any(map(holds_files, observations)):
            found = await asyncio.to_thread(take_out, observations)
            await self._media.keep(project_id, found.files.values())
            observations = found.observations
        observations = await with_costs(self.prices, project_id, observations)
        first = await self._versions.take(len(observations))
        rows = [
            observation_row(observation, image_ids(observation), first + index)
            for index, observation in enumerate(observations)
        ]
        await self._writer.write(rows)
        await self.index.note(project_id, observations)
        self.counting.offer(project_id, observations)
        if rows:
            self._hub.publish(project_id, "traces", len({observation.trace_id for observation in observations}))

    async def apply(self, project_id: ProjectId, changes: Sequence[Change]) -> None:
        """Merge events of the older ingestion field by field over what is stored."""
        await self._legacy.apply(project_id, changes)

    async def record_scores(
        self, project_id: ProjectId, scores: Sequence[Score], *, only_new: bool = False
    ) -> frozenset[ScoreId]:
        """Store scores; several of one id, and those that exist already, are merged by when they were said.

        With `only_new`, the ids are answered that exist and would change: nothing of them is stored. A repeated
        score changes nothing, so a retry is accepted.
        """
        if any(score.project_id != project_id for score in scores):
            raise InvalidRequest(f"a score names another project than {project_id!r}: send each to its own")
        if not scores:
            return frozenset()
        said: dict[ScoreId, list[Score]] = defaultdict(list)
        for score in scores:
            said[score.id].append(score)
        async with self._score_turns.of(project_id, said):
            stored = await self._scores.newest(project_id, said)
            merged = [merged_score(stored.get(key), each) for key, each in said.items()]
            if only_new:
                merged = [score for score in merged if score.id not in stored]
            first = await self._versions.take(len(merged))
            await self._writer.write([score_row(score, first + index) for index, score in enumerate(merged)])
        self._hub.publish(project_id, "scores", len(merged))
        return frozenset(key for key, old in stored.items() if only_new and would_change(old, said[key]))

    async def delete_score(self, project_id: ProjectId, score_id: ScoreId) -> None:
        """Delete a score; one that is not there is deleted already."""
        await self._audit.record(of_project("score.delete", project_id, "score", score_id))
        await self._scores.delete(project_id, score_id)
        self._hub.publish(project_id, "scores", 1)

    async def delete_traces(self, project_id: ProjectId, trace_ids: Sequence[TraceId]) -> None:
        """Delete traces with their observations, scores and links to media."""
        if not trace_ids:
            return
        await self._audit.record(*(of_project("trace.delete", project_id, "trace", each) for each in trace_ids))

        async def delete() -> None:
            await self._observations.delete_traces(project_id, trace_ids)

        await self.index.forget(project_id, trace_ids, delete)
        await self._scores.delete_of_traces(project_id, trace_ids)
        await self._changes.delete_of_traces(project_id, trace_ids)
        await self._media.unlink_traces(project_id, trace_ids)
        self._hub.publish(project_id, "traces", len(trace_ids))

    async def traces(self, project_id: ProjectId, query: TraceQuery) -> Page[Trace]:
        """A page of traces with their scores; inputs and outputs are previews unless the query wants them whole."""
        await self.index.settled(project_id)
        page = await self._traces.page(project_id, query)
        return replace(page, items=await self._with_scores(project_id, page.items))

    async def trace(self, project_id: ProjectId, trace_id: TraceId) -> tuple[Trace, list[Observation]]:
        """A whole trace and its observations by start."""
        return await self._one_trace(project_id, trace_id, whole=True)

    async def outline(self, project_id: ProjectId, trace_id: TraceId) -> tuple[Trace, list[Observation]]:
        """As `trace`, with previews and without the observations' inputs, outputs and metadata: what a tree needs."""
        return await self._one_trace(project_id, trace_id, whole=False)

    async def observations(self, project_id: ProjectId, query: ObservationQuery) -> Page[Observation]:
        await self.index.settled(project_id)
        return await self._observations.page(project_id, query)

    async def observation_ids(
        self, project_id: ProjectId, trace_ids: Sequence[TraceId]
    ) -> dict[TraceId, list[ObservationId]]:
        """The ids of these traces' observations, each trace's by start."""
        await self.index.settled(project_id)
        return await self._observations.ids_by_trace(project_id, trace_ids)

    async def observation(
        self, project_id: ProjectId, observation_id: ObservationId, trace_id: TraceId | None = None
    ) -> Observation:
        await self.index.settled(project_id)
        found = await self._observations.one(project_id, observation_id, trace_id)
        if found is None:
            place = f" in trace {trace_id}" if trace_id else ""
            raise NotFound(f"observation {observation_id} does not exist{place}: it was not sent here, or was deleted")
        return found

    async def scores(self, project_id: ProjectId, query: ScoreQuery) -> Page[Score]:
        await self.index.settled(project_id)
        return await self._scores.page(project_id, query)

    async def score(self, project_id: ProjectId, score_id: ScoreId) -> Score:
        found = await self._scores.one(project_id, score_id)
        if found is None:
            raise NotFound(f"score {score_id} does not exist: it was not sent here, or was deleted")
        return found

    async def scores_of_traces(self, project_id: ProjectId, trace_ids: Sequence[TraceId]) -> dict[str, list[Score]]:
        """By trace: the scores on these traces and their observations, oldest first."""
        by_trace: dict[str, list[Score]] = defaultdict(list)
        for score in await self._scores.of_traces(project_id, trace_ids):
            by_trace[score.trace_id or ""].append(score)
        return by_trace

    async def scores_of_experiments(
        self, project_id: ProjectId, experiment_ids: Sequence[str]
    ) -> dict[str, list[Score]]:
        """By experiment: the scores on these experiments as a whole, newest first."""
        by_experiment: dict[str, list[Score]] = defaultdict(list)
        for score in await self._scores.of_experiments(project_id, experiment_ids):
            by_experiment[score.dataset_run_id or ""].append(score)
        return by_experiment

    async def sessions(self, project_id: ProjectId, window: Window, limit: int, offset: int) -> Page[Session]:
        """Newest first, counted."""
        await self.index.settled(project_id)
        return await self._sessions.page(project_id, window, limit, offset)

    async def session(self, project_id: ProjectId, session_id: str) -> tuple[Session, list[Trace]]:
        """A session and all its traces, oldest first."""
        await self.index.settled(project_id)
        found = await self._sessions.one(project_id, session_id)
        if found is None:
            raise NotFound(f"session {session_id} does not exist: no trace names it")
        traces: list[Trace] = []
        query = TraceQuery(session_id=session_id, ascending=True, limit=SESSION_STEP, whole=True)
        while True:
            page = await self._traces.page(project_id, replace(query, offset=len(traces)))
            traces += page.items
            if not page.more:
                return found, traces

    async def series(self, project_id: ProjectId, query: TraceQuery, buckets: int = 60) -> Series:
        """The charts over the traces a query matches, in so many equal steps of time."""
        if not 1 <= buckets <= MAX_BUCKETS:
            raise InvalidRequest(f"buckets is {buckets}, allowed are 1 to {MAX_BUCKETS}")
        await self.index.settled(project_id)
        return await self._series.of_traces(project_id, query, buckets)

    async def register_media(self, project_id: ProjectId, upload: MediaUpload) -> tuple[Media, bool]:
        return await self._media.register(project_id, upload)

    async def upload_media(self, project_id: ProjectId, media_id: MediaId, body: bytes) -> None:
        await self._media.upload(project_id, media_id, body)

    async def finish_media(self, project_id: ProjectId, media_id: MediaId, status: int, error: str | None) -> None:
        await self._media.finish(project_id, media_id, status, error)

    async def media(self, project_id: ProjectId, media_id: MediaId) -> Media:
        return await self._media.one(project_id, media_id)

    async def media_bytes(self, project_id: ProjectId, media_id: MediaId) -> tuple[bytes, str]:
        """A file's content and its content type."""
        return await self._media.content(project_id, media_id)

    async def thumbnail(self, project_id: ProjectId, media_id: MediaId, side: int = 96) -> bytes:
        """A WebP of at most `side` pixels each way."""
        return await self._media.thumbnail(project_id, media_id, side)

    def sign(self, project_id: ProjectId, media_id: MediaId, verb: Literal["GET", "PUT"], expires: datetime) -> str:
        """Signature of a media URL, hexadecimal."""
        return self._media.sign(project_id, media_id, verb, expires)

    def check_signature(
        self, project_id: ProjectId, media_id: MediaId, verb: Literal["GET", "PUT"], expires: datetime, signature: str
    ) -> None:
        """Forbidden when the signature is another one or `expires` is past."""
        self._media.check_signature(project_id, media_id, verb, expires, signature)

    async def _keep_changes(self, project_id: ProjectId, changes: Sequence[Change]) -> None:
        first = await self._versions.take(len(changes))
        await self._writer.write(
            [change_row(project_id, change, first + index) for index, change in enumerate(changes)]
        )

    async def _one_trace(
        self, project_id: ProjectId, trace_id: TraceId, *, whole: bool
    ) -> tuple[Trace, list[Observation]]:
        await self.index.settled(project_id)
        found, observations, scores = await asyncio.gather(
            self._traces.one(project_id, trace_id, whole=whole),
            self._traces.observations(project_id, trace_id, whole=whole),
            self._scores.of_traces(project_id, [trace_id]),
        )
        if found is None:
            raise NotFound(f"trace {trace_id} does not exist: it was not sent here, or was deleted")
        return replace(found, scores=tuple(scores)), observations

    async def _with_scores(self, project_id: ProjectId, traces: Sequence[Trace]) -> list[Trace]:
        by_trace = await self.scores_of_traces(project_id, [trace.id for trace in traces])
        return [replace(trace, scores=tuple(by_trace.get(trace.id, ()))) for trace in traces]
