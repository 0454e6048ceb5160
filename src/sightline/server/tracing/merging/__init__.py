"""Merges events about one observation, trace or score field by field: last write wins."""

from sightline.server.tracing.merging.changes import Change, Subject, after_the_future, in_order
from sightline.server.tracing.merging.observations import (
    merged_observation,
    merged_trace,
    stored_before,
    trace_of_changes,
    trace_row_id,
)
from sightline.server.tracing.merging.scores import merged_score, would_change

__all__ = [
    "Change",
    "Subject",
    "after_the_future",
    "in_order",
    "merged_observation",
    "merged_score",
    "merged_trace",
    "stored_before",
    "trace_of_changes",
    "trace_row_id",
    "would_change",
]
