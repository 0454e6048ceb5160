"""What the observations of a trace add up to, in SQL and in records."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sightline.server.tracing.records import Condition, MediaId, ProjectId, Trace, TraceId
from sightline.server.tracing.store.conditions import Conditions
from sightline.server.tracing.store.filters import holds, parts, scored
from sightline.server.tracing.store.rows import TRACE_ROW, moment, optional_moment

OBSERVED = f"kind != '{TRACE_ROW}'"
METERED = ("id", "parent_id", "kind", "usage", "cost_usd")
AGGREGATES: Mapping[str, str] = {
    "timestamp": "min(start_time)",
    "began": f"minIfOrNull(start_time, {OBSERVED})",
    "end_time": f"maxIfOrNull(ifNull(end_time, start_time), {OBSERVED})",
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
    "public": "argMaxIf(public, row_version, isNotNull(public))",
    "version": (
        "if(countIf(trace_version != '') > 0, argMaxIf(trace_version, row_version, trace_version != ''), "
        "argMinIf(version, start_time, is_root))"
    ),
    "release": "argMaxIf(release, row_version, release != '')",
    "observation_count": f"countIf({OBSERVED})",
    "error_count": "countIf(level = 'ERROR')",
    "media_id": "argMinIf(image_ids[1], start_time, notEmpty(image_ids))",
    "metered": f"groupArrayIf(({', '.join(METERED)}), notEmpty(usage) OR notEmpty(cost_usd))",
    "trace_metadata": "arrayMap(pair -> pair.2, arraySort(groupArrayIf((row_version, trace_metadata), "
    "notEmpty(trace_metadata))))",
}
"""A trace's fields over its newest rows. The last attribute set wins; what none sets comes from the root.

`began` and `end_time` are of its observations alone, and null where it has none: what was said of the trace itself has
a time, but takes none.
"""

COLUMNS = (
    "trace_id, id, parent_id, row_version, start_time, end_time, is_root, kind, name, level, environment, version, "
    "trace_name, user_id, session_id, tags, public, trace_version, release, image_ids, usage, cost_usd, trace_metadata"
)
"""What the aggregates read."""

NO_METADATA = "CAST(map(), 'Map(String, String)')"
ROOT_METADATA = f"if(is_root AND mapContains(metadata, 'resourceAttributes'), metadata, {NO_METADATA}) AS root_metadata"
"""The column of what a root that came by OTLP says of its trace, for those who read a trace's metadata.

Langfuse writes such a root's metadata on its trace as well. What an event of the older ingestion says of a root is
the root's alone; it has no resource.
"""
ROOT_METADATA_AGGREGATE = "argMinIf(root_metadata, start_time, is_root)"

PREVIEW = "_preview"
"""What the columns of shortened texts end in."""


def text_aggregate(column: str) -> str:
    """Input or output of a trace: what a client set for the trace, else the root observation's."""
    own, roots = f"trace_{column}", column
    return (
        f"if(countIf({own} != '') > 0, argMaxIf({own}, row_version, {own} != ''), "
        f"argMinIf({roots}, start_time, is_root))"
    )


def summed(rows: Sequence[Mapping[str, Any]], *, suffix: str) -> dict[str, Any]:
    """What the aggregates are over these rows of one trace, with `input` and `output` of texts ending in `suffix`.

    The same rules once more, for rows that have been read already; the tests hold one against the other.
    """
    by_start = sorted(rows, key=lambda row: row["start_time"])
    by_version = sorted(rows, key=lambda row: row["row_version"])
    observed = [row for row in rows if row["kind"] != TRACE_ROW]
    roots = [row for row in by_start if row["is_root"]]
    begin = (roots or by_start)[0]
    root = roots[0] if roots else {}

    def last(column: str) -> Any:
        return next((row[column] for row in reversed(by_version) if row[column] not in ("", None)), "")

    return {
        "trace_id": begin["trace_id"],
        "timestamp": by_start[0]["start_time"],
        "began": min((row["start_time"] for row in observed), default=None),
        "end_time": max((row["end_time"] or row["start_time"] for row in observed), default=None),
        "name": last("trace_name") or begin["name"],
        "user_id": last("user_id"),
        "session_id": last("session_id"),
        "environment": begin["environment"],
        "tags": sorted({tag for row in rows for tag in row["tags"]}),
        "public": last("public"),
        "version": last("trace_version") or root.get("version", ""),
        "release": last("release"),
        "observation_count": len(observed),
        "error_count": sum(row["level"] == "ERROR" for row in rows),
        "media_id": next((row["image_ids"][0] for row in by_start if row["image_ids"]), ""),
        "metered": [tuple(row[name] for name in METERED) for row in rows if row["usage"] or row["cost_usd"]],
        "trace_metadata": [row["trace_metadata"] for row in by_version if row["trace_metadata"]],
        "root_metadata": root.get("root_metadata", {}),
        "input": last(f"trace_input{suffix}") or root.get(f"input{suffix}", ""),
        "output": last(f"trace_output{suffix}") or root.get(f"output{suffix}", ""),
    }


_CALLS = f"arrayFilter(row -> row.3 IN ('GENERATION', 'EMBEDDING'), {AGGREGATES['metered']})"
_COUNTED = f"if(notEmpty({_CALLS}), {_CALLS}, {AGGREGATES['metered']})"
_WRAPPING = f"arrayIntersect(arrayMap(row -> row.1, {_COUNTED}), arrayMap(row -> row.2, {_COUNTED}))"


def _total(of_row: str) -> str:
    """A sum over the observations that `totals` counts; `row.4` is the usage of one, `row.5` its cost in US dollars."""
    return f"arraySum(row -> if(has({_WRAPPING}, row.1), 0, {of_row}), {_COUNTED})"


_COST = "if(mapContains(row.5, 'total'), row.5['total'], arraySum(mapValues(row.5)))"
_LEVELS = ("ERROR", "WARNING", "DEFAULT")
_HIGHEST = ", ".join(f"countIf(level = '{level}') > 0, '{level}'" for level in _LEVELS)

TRACE_COLUMNS: Mapping[str, str] = {
    "id": "trace_id",
    "name": AGGREGATES["name"],
    "userId": AGGREGATES["user_id"],
    "sessionId": AGGREGATES["session_id"],
    "environment": AGGREGATES["environment"],
    "version": AGGREGATES["version"],
    "release": AGGREGATES["release"],
    "tags": AGGREGATES["tags"],
    "timestamp": AGGREGATES["timestamp"],
    "latency": f"ifNull(dateDiff('millisecond', {AGGREGATES['began']}, {AGGREGATES['end_time']}), 0) / 1000",
    "observationCount": AGGREGATES["observation_count"],
    "errorCount": AGGREGATES["error_count"],
    "warningCount": "countIf(level = 'WARNING')",
    "defaultCount": f"countIf(level = 'DEFAULT' AND kind != '{TRACE_ROW}')",
    "debugCount": "countIf(level = 'DEBUG')",
    "level": f"multiIf({_HIGHEST}, 'DEBUG')",
    "inputTokens": _total(parts("row.4", "input")),
    "outputTokens": _total(parts("row.4", "output")),
    "totalTokens": _total("row.4['total']"),
    "tokens": _total("row.4['total']"),
    "inputCost": _total(parts("row.5", "input")),
    "outputCost": _total(parts("row.5", "output")),
    "totalCost": _total(_COST),
    "public": f"ifNull({AGGREGATES['public']}, 0)",
    "bookmarked": "0",
    "metadata": (
        "arrayFold((merged, later) -> mapUpdate(merged, later), "
        f"{AGGREGATES['trace_metadata']}, {ROOT_METADATA_AGGREGATE})"
    ),
}


def trace_holds(where: Conditions, condition: Condition) -> str:
    """The clause over a trace's aggregates that says a condition holds."""
    if condition.column in ("scores", "scores_avg", "score_categories"):
        return scored(where, condition)
    return holds(where, condition, TRACE_COLUMNS[condition.column])


def trace_of(row: Mapping[str, Any], project_id: ProjectId) -> Trace:
    """A row of all aggregates with `input` and `output`, and `root_metadata` where it was asked for."""
    began, end_time = optional_moment(row["began"]), optional_moment(row["end_time"])
    usage, cost_usd = totals(row["metered"])
    metadata = dict(row.get("root_metadata", {}))
    for later in row["trace_metadata"]:
        metadata |= later
    return Trace(
        project_id=project_id,
        id=TraceId(row["trace_id"]),
        timestamp=moment(row["timestamp"]),
        end_time=end_time,
        name=row["name"] or None,
        user_id=row["user_id"] or None,
        session_id=row["session_id"] or None,
        environment=row["environment"],
        tags=tuple(row["tags"]),
        public=bool(row["public"]),
        version=row["version"] or None,
        release=row["release"] or None,
        metadata=metadata,
        input=row["input"] or None,
        output=row["output"] or None,
        latency_s=max((end_time - began).total_seconds(), 0.0) if began and end_time else 0.0,
        observation_count=row["observation_count"],
        error_count=row["error_count"],
        usage=usage,
        cost_usd=cost_usd,
        media_id=MediaId(row["media_id"]) if row["media_id"] else None,
    )


Metered = tuple[str, str, str, Mapping[str, int], Mapping[str, float]]
"""Id, parent id, kind, usage and cost of an observation that reports any."""


def totals(metered: Iterable[Metered]) -> tuple[dict[str, int], float]:
    """Usage by type and cost in US dollars of a trace, nothing counted twice.

    Wrappers often repeat what the model calls inside them report. So where model calls report, only they count, and of
    those not one whose child reports too.
    """
    rows = list(metered)
    calls = [row for row in rows if row[2] in ("GENERATION", "EMBEDDING")] or rows
    wrapping = {row[1] for row in calls}
    usage: dict[str, int] = {}
    cost_usd = 0.0
    for identity, _, _, units, costs in calls:
        if identity in wrapping:
            continue
        for kind, count in units.items():
            usage[kind] = usage.get(kind, 0) + count
        cost_usd += costs["total"] if "total" in costs else sum(costs.values())
    return usage, cost_usd
