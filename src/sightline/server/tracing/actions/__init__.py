"""Actions on traces: record, read, score, delete, and the media they refer to."""

from sightline.server.tracing.actions.experiments import TracedExperiments
from sightline.server.tracing.actions.tracing import Tracing

__all__ = ["TracedExperiments", "Tracing"]
