"""All SQL of tracing. Every statement names the project it is confined to."""

from sightline.server.tracing.store.media import MediaStore
from sightline.server.tracing.store.observations import ObservationStore
from sightline.server.tracing.store.scores import ScoreStore
from sightline.server.tracing.store.series import SeriesStore
from sightline.server.tracing.store.traces import TraceStore

__all__ = ["MediaStore", "ObservationStore", "ScoreStore", "SeriesStore", "TraceStore"]
