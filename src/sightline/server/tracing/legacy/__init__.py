"""The older JSON ingestion: events that each say a part of a trace or observation, merged field by field."""

from sightline.server.tracing.legacy.changes import Change, Subject, in_order
from sightline.server.tracing.legacy.merging import (
    merged_observation,
    merged_trace,
    stored_before,
    trace_of_changes,
    trace_row_id,
)
from sightline.server.tracing.legacy.scores import merged_score

__all__ = [
    "Change",
    "Subject",
    "in_order",
    "merged_observation",
    "merged_score",
    "merged_trace",
    "stored_before",
    "trace_of_changes",
    "trace_row_id",
]
