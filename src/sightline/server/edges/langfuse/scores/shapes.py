"""Scores as Langfuse reads and writes them: v2's pair of value and stringValue, v3's one typed value."""

from collections.abc import Sequence
from typing import Any

from sightline.server.edges.answers import iso
from sightline.server.tracing.records import Score, Trace

V3_GROUPS = ("details", "subject", "annotation")
"""Groups of fields of a score, for `fields`."""


def listed(scores: Sequence[Score]) -> list[Score]:
    """The scores that a trace shows: a correction is another output, and clients' types of a trace know none."""
    return [score for score in scores if score.data_type != "CORRECTION"]


def score_v2(score: Score) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": score.id,
        "projectId": score.project_id,
        "traceId": score.trace_id,
        "sessionId": score.session_id,
        "observationId": score.observation_id,
        "datasetRunId": score.dataset_run_id,
        "name": score.name,
        "source": score.source,
        "timestamp": iso(score.timestamp),
        "createdAt": iso(score.created_at),
        "updatedAt": iso(score.updated_at),
        "authorUserId": score.author_user_id,
        "comment": score.comment,
        "metadata": dict(score.metadata),
        "configId": score.config_id,
        "queueId": score.queue_id,
        "environment": score.environment,
        "dataType": score.data_type,
    }
    if score.data_type != "TEXT":
        row["value"] = score.value or 0
    if score.data_type == "BOOLEAN":
        row["stringValue"] = "True" if score.value else "False"
    else:
        row["stringValue"] = score.string_value
    return row


def score_of_trace(trace: Trace | None) -> dict[str, Any] | None:
    """What v2's list says of a score's trace."""
    if trace is None:
        return None
    return {
        "userId": trace.user_id,
        "tags": list(trace.tags),
        "environment": trace.environment,
        "sessionId": trace.session_id,
    }


def score_v3(score: Score, groups: frozenset[str]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": score.id,
        "projectId": score.project_id,
        "name": score.name,
        "value": typed_value(score),
        "dataType": score.data_type,
        "source": score.source,
        "timestamp": iso(score.timestamp),
        "environment": score.environment,
        "createdAt": iso(score.created_at),
        "updatedAt": iso(score.updated_at),
    }
    if "details" in groups:
        row |= {"comment": score.comment, "configId": score.config_id, "metadata": dict(score.metadata)}
    if "annotation" in groups:
        row |= {"authorUserId": score.author_user_id, "queueId": score.queue_id}
    if "subject" in groups:
        row["subject"] = subject(score)
    return row


def typed_value(score: Score) -> bool | float | str:
    if score.data_type == "BOOLEAN":
        return bool(score.value)
    if score.data_type == "NUMERIC":
        return score.value or 0
    return score.string_value or ""


def subject(score: Score) -> dict[str, Any] | None:
    """What the score is about."""
    if score.observation_id:
        return {"kind": "observation", "id": score.observation_id, "traceId": score.trace_id}
    named = {"trace": score.trace_id, "session": score.session_id, "experiment": score.dataset_run_id}
    return next(({"kind": kind, "id": value} for kind, value in named.items() if value), None)
