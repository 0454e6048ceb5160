# ruff: noqa: S608  (statements are composed of our own text; every value is a bound parameter)
"""The aggregation of a trace's observations: the one definition of a trace's fields, as SQL over its rows.

The index of traces is made of it, and every list, chart and detail read shows what the index says.
"""

from collections.abc import Mapping
from typing import Any

from sightline.server.questions.where import Where
from sightline.server.tables.observations import GONE
from sightline.server.tracing.fields import OBSERVED
from sightline.server.tracing.records import MediaId, ProjectId, Trace, TraceId
from sightline.server.tracing.store.rows import moment, optional_moment

NO_METADATA = "CAST(map(), 'Map(String, String)')"
"""The empty map."""
ROOT_METADATA = f"if(is_root AND mapContains(metadata, 'resourceAttributes'), metadata, {NO_METADATA})"
"""What a root that came by OTLP says of its trace: Langfuse writes its metadata on the trace as well. What an event of
the older ingestion says of a root is the root's alone; it has no resource."""
SAID_METADATA = (
    "arrayMap(pair -> pair.2, arraySort(groupArrayIf((row_version, trace_metadata), notEmpty(trace_metadata))))"
)
"""Metadata that was set on the trace itself."""


def text_of_trace(column: str) -> str:
    """Input or output of a trace: what a client set for the trace, else the root observation's."""
    own, roots = f"trace_{column}", column
    return (
        f"if(countIf({own} != '') > 0, argMaxIf({own}, row_version, {own} != ''), "
        f"argMinIf({roots}, start_time, is_root))"
    )


SUMMARY: Mapping[str, str] = {
    "timestamp": "min(start_time)",
    "row_version": "max(row_version)",
    "began": f"minIfOrNull(start_time, {OBSERVED})",
    "ended": f"maxIfOrNull(ifNull(end_time, start_time), {OBSERVED})",
    "last_start": "max(start_time)",
    "name": (
        "multiIf(countIf(trace_name != '') > 0, argMaxIf(trace_name, row_version, trace_name != ''), "
        "countIf(is_root) > 0, argMinIf(name, start_time, is_root), argMin(name, start_time))"
    ),
    "user_id": "argMaxIf(user_id, row_version, user_id != '')",
    "session_id": "argMaxIf(session_id, row_version, session_id != '')",
    "environment": (
        "if(countIf(is_root) > 0, argMinIf(environment, start_time, is_root), argMin(environment, start_time))"
    ),
    "tags": "arraySort(groupUniqArrayArray(tags))",
    "public": "ifNull(argMaxIf(public, row_version, isNotNull(public)), 0)",
    "version": (
        "if(countIf(trace_version != '') > 0, argMaxIf(trace_version, row_version, trace_version != ''), "
        "argMinIf(version, start_time, is_root))"
    ),
    "release": "argMaxIf(release, row_version, release != '')",
    "level": (
        "multiIf(countIf(level = 'ERROR') > 0, 'ERROR', countIf(level = 'WARNING') > 0, 'WARNING', "
        "countIf(level = 'DEFAULT') > 0, 'DEFAULT', 'DEBUG')"
    ),
    "observation_count": f"countIf({OBSERVED})",
    "error_count": "countIf(level = 'ERROR')",
    "warning_count": "countIf(level = 'WARNING')",
    "default_count": f"countIf(level = 'DEFAULT' AND {OBSERVED})",
    "debug_count": "countIf(level = 'DEBUG')",
    "usage": "mapFilter((kind, units) -> units != 0, mapSubtract(sumMap(usage), sumMap(repeated_usage)))",
    "cost_usd": (
        "mapFilter((kind, cost) -> abs(cost) > 1e-15, mapSubtract(sumMap(cost_usd), sumMap(repeated_cost_usd)))"
    ),
    "models": "arraySort(groupUniqArrayIf(model, model != ''))",
    "media_id": "argMinIf(image_ids[1], start_time, notEmpty(image_ids))",
    "metadata": (
        f"arrayFold((merged, later) -> mapUpdate(merged, later), {SAID_METADATA}, "
        f"argMinIf({ROOT_METADATA}, start_time, is_root))"
    ),
    "input_preview": text_of_trace("input_preview"),
    "output_preview": text_of_trace("output_preview"),
}
"""A column of the index to its value. The last attribute set wins; what none sets comes from the root.

`began` and `ended` are of its observations alone, and null where it has none: what was said of the trace itself has
a time, but takes none. Usage and cost leave out what is repeated.
"""

LISTED = (
    "trace_id, timestamp, began, ended, last_start, name, user_id, session_id, environment, tags, public, version, "
    "release, observation_count, error_count, usage, cost_usd, media_id, input_preview, output_preview"
)
"""Columns of the index that a list reads; metadata comes with those who want it."""


def rows_of_traces(where: Where) -> str:
    """FROM clause of the rows that a summary is made of; more can be added to its WHERE.

    `where` speaks of columns of the primary key only: all versions of a row share them, so they are asked before FINAL
    merges the versions, and the other columns are read for these rows alone.
    """
    return f"observations FINAL PREWHERE {where} WHERE kind != '{GONE}'"


def summary_columns(prefix: str = "f_") -> str:
    """The columns of a summary, with a prefix so that an alias does not shadow the column of the same name."""
    return ", ".join(f"{sql} AS {prefix}{name}" for name, sql in SUMMARY.items())


def index_from_rows(where: Where) -> str:
    """The index of traces computed on the fly: a fallback during the backfill."""
    columns = ", ".join(f"f_{name} AS {name}" for name in SUMMARY)
    return (
        f"(SELECT project_id, trace_id, {columns}, 0 AS gone FROM (SELECT project_id, trace_id, {summary_columns()} "
        f"FROM {rows_of_traces(where)} GROUP BY project_id, trace_id))"
    )


def trace_of(row: Mapping[str, Any], project_id: ProjectId) -> Trace:
    """A row of the index as a trace; `input` and `output` where they were asked for, else the previews."""
    began, ended = optional_moment(row["began"]), optional_moment(row["ended"])
    return Trace(
        project_id=project_id,
        id=TraceId(row["trace_id"]),
        timestamp=moment(row["timestamp"]),
        end_time=ended,
        name=row["name"] or None,
        user_id=row["user_id"] or None,
        session_id=row["session_id"] or None,
        environment=row["environment"],
        tags=tuple(row["tags"]),
        public=bool(row["public"]),
        version=row["version"] or None,
        release=row["release"] or None,
        metadata=row.get("metadata", {}),
        input=row["input_preview"] or None,
        output=row["output_preview"] or None,
        latency_s=max((ended - began).total_seconds(), 0.0) if began and ended else 0.0,
        observation_count=row["observation_count"],
        error_count=row["error_count"],
        usage=row["usage"],
        cost_usd=row["cost_usd"].get("total", 0.0),
        media_id=MediaId(row["media_id"]) if row["media_id"] else None,
    )
