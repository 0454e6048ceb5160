"""What can be done with traces: record, read, score, delete, and the media they refer to."""

from sightline.server.tracing.actions.tracing import Tracing

__all__ = ["Tracing"]
