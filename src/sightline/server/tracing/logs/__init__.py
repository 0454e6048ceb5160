"""OTLP log records: messages of a span that are sent apart from it, and events of programs without spans."""

from sightline.server.tracing.logs.merging import StandIn, span_changes, with_messages
from sightline.server.tracing.logs.reading import Heard, heard

__all__ = ["Heard", "StandIn", "heard", "span_changes", "with_messages"]
