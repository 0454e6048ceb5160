"""All SQL of tracing. Every statement names the project it is scoped to."""

from sightline.server.tracing.store.changes import ChangeStore
from sightline.server.tracing.store.experiments import ExperimentStore
from sightline.server.tracing.store.media import MediaStore
from sightline.server.tracing.store.observations import ObservationStore
from sightline.server.tracing.store.scores import ScoreStore
from sightline.server.tracing.store.series import SeriesStore
from sightline.server.tracing.store.sessions import SessionStore
from sightline.server.tracing.store.traces import TraceStore

__all__ = [
    "ChangeStore",
    "ExperimentStore",
    "MediaStore",
    "ObservationStore",
    "ScoreStore",
    "SeriesStore",
    "SessionStore",
    "TraceStore",
]
