"""OTLP log records: messages of a span that travel apart from it, and events of what has no spans."""

from sightline.server.tracing.logs.merging import StandIn, span_changes, with_messages
from sightline.server.tracing.logs.reading import Heard, heard

__all__ = ["Heard", "StandIn", "heard", "span_changes", "with_messages"]
