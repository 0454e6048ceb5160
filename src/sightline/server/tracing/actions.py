"""What can be done with traces: record, read, score, delete, and the media they refer to. One verb a method."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from sightline.server.runtime.blobs import Blobs
from sightline.server.runtime.database import Database
from sightline.server.runtime.hub import LiveHub
from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.runtime.writer import SpanWriter
from sightline.server.tracing.records import (
    Bucket,
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
    Trace,
    TraceId,
    TraceQuery,
)


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
        self._hub = hub

    async def record(self, project_id: ProjectId, observations: Sequence[Observation]) -> None:
        raise NotImplementedError

    async def record_scores(self, project_id: ProjectId, scores: Sequence[Score]) -> None:
        raise NotImplementedError

    async def delete_score(self, project_id: ProjectId, score_id: ScoreId) -> None:
        raise NotImplementedError

    async def delete_traces(self, project_id: ProjectId, trace_ids: Sequence[TraceId]) -> None:
        raise NotImplementedError

    async def traces(self, project_id: ProjectId, query: TraceQuery) -> Page[Trace]:
        raise NotImplementedError

    async def trace(self, project_id: ProjectId, trace_id: TraceId) -> tuple[Trace, list[Observation]]:
        raise NotImplementedError

    async def outline(self, project_id: ProjectId, trace_id: TraceId) -> tuple[Trace, list[Observation]]:
        raise NotImplementedError

    async def observations(self, project_id: ProjectId, query: ObservationQuery) -> Page[Observation]:
        raise NotImplementedError

    async def observation(
        self, project_id: ProjectId, observation_id: ObservationId, trace_id: TraceId | None = None
    ) -> Observation:
        raise NotImplementedError

    async def scores(self, project_id: ProjectId, query: ScoreQuery) -> Page[Score]:
        raise NotImplementedError

    async def score(self, project_id: ProjectId, score_id: ScoreId) -> Score:
        raise NotImplementedError

    async def series(self, project_id: ProjectId, query: TraceQuery, buckets: int = 60) -> list[Bucket]:
        raise NotImplementedError

    async def register_media(self, project_id: ProjectId, upload: MediaUpload) -> tuple[Media, bool]:
        raise NotImplementedError

    async def upload_media(self, project_id: ProjectId, media_id: MediaId, body: bytes) -> None:
        raise NotImplementedError

    async def finish_media(self, project_id: ProjectId, media_id: MediaId, status: int, error: str | None) -> None:
        raise NotImplementedError

    async def media(self, project_id: ProjectId, media_id: MediaId) -> Media:
        raise NotImplementedError

    async def media_bytes(self, project_id: ProjectId, media_id: MediaId) -> tuple[bytes, str]:
        raise NotImplementedError

    async def thumbnail(self, project_id: ProjectId, media_id: MediaId, side: int = 96) -> bytes:
        raise NotImplementedError

    def sign(self, project_id: ProjectId, media_id: MediaId, verb: Literal["GET", "PUT"], expires: datetime) -> str:
        """Signature of a media URL, hexadecimal."""
        raise NotImplementedError

    def check_signature(
        self, project_id: ProjectId, media_id: MediaId, verb: Literal["GET", "PUT"], expires: datetime, signature: str
    ) -> None:
        """Forbidden when the signature is another one or `expires` is past."""
        raise NotImplementedError
