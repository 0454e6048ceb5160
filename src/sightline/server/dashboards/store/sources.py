# ruff: noqa: S608  (statements are composed of our own text; every value travels as a parameter)
"""What a view reads from: the newest rows of the analytics tables, and what is joined to them when it is needed.

Observations are read `FINAL`: an aggregate over a window reads every row of it anyway, and merging versions while
reading needs no memory per row. Scores are few, and the newest per id counts.
"""

from collections.abc import Collection, Mapping
from typing import get_args

from sightline.server.dashboards.records import ViewName
from sightline.server.dashboards.store.views import Inherited, Need

OBSERVED = "kind != 'TRACE'"
"""Rows of that kind carry what was said of a trace itself; they are no observations."""
PROJECT = "project_id = {project:String}"
ANY_TRACE_TEXT = "argMaxIf({column}, row_version, {column} != '') AS {column}"
ROOT_NAME = "argMinIf(name, start_time, is_root)"
SUMMED: Mapping[Inherited, str] = {
    **{
        column: f"argMaxIf({column}, row_version, {column} != '')"
        for column in get_args(Inherited)
        if column not in ("trace_name", "tags")
    },
    "trace_name": (
        f"if(countIf(trace_name != '') > 0, argMaxIf(trace_name, row_version, trace_name != ''), {ROOT_NAME})"
    ),
    "tags": "arraySort(groupUniqArrayArray(tags))",
}
"""What the rows of a trace add up to. A trace without a name has its root's."""
NEAR = (
    "start_time >= {start:DateTime64(6, 'UTC')} - INTERVAL 1 DAY "
    "AND start_time < {end:DateTime64(6, 'UTC')} + INTERVAL 1 DAY"
)
"""Rows of a trace may lie up to a day outside of the window."""

SCORE_TYPES: Mapping[ViewName, str] = {
    "scores-numeric": "('NUMERIC', 'BOOLEAN')",
    "scores-boolean": "('BOOLEAN')",
    "scores-categorical": "('CATEGORICAL')",
}


def source(view: ViewName, needs: Collection[Need]) -> str:
    """The FROM clause; the window travels as the parameters `start` and `end`."""
    if view == "observations":
        return _observations(needs)
    if view == "traces":
        return _traces(needs)
    return _scores(view, needs)


def _observations(needs: Collection[Need]) -> str:
    window = "start_time >= {start:DateTime64(6, 'UTC')} AND start_time < {end:DateTime64(6, 'UTC')}"
    sql = f"(SELECT * FROM observations FINAL WHERE {PROJECT} AND {window} AND {OBSERVED}) AS o"
    inherited = sorted(SUMMED.keys() & needs)
    if inherited:
        sql += f" LEFT JOIN ({_said_of_traces(inherited, window)}) AS said USING (trace_id)"
    if "scores" in needs:
        counted = "SELECT trace_id, observation_id AS id, count() AS score_count"
        sql += (
            f" LEFT JOIN ({counted} FROM {_scores_of_traces(window)} GROUP BY trace_id, id) AS s USING (trace_id, id)"
        )
    for need, column, name in (("costs", "cost_usd", "cost"), ("usages", "usage", "usage")):
        if need in needs:
            parts = f"mapFilter((name, part) -> name != 'total', {column})"
            sql += f" ARRAY JOIN mapKeys({parts}) AS {name}_type, mapValues({parts}) AS {name}_part"
    return sql


def _said_of_traces(columns: Collection[Inherited], window: str) -> str:
    """What is said of the traces in whose observations it is missing; of none where every observation says it.

    Hardly any observation says the name of its trace: to look for those that do not would cost more than it spares.
    """
    is_named = "trace_name" in columns
    summed = ", ".join(f"{SUMMED[column]} AS of_trace_{column}" for column in columns)
    says = " OR ".join((*(f"notEmpty({column})" for column in columns), *(("is_root",) if is_named else ())))
    rows = f"{PROJECT} AND {NEAR} AND ({says})"
    if not is_named:
        missing = " OR ".join(f"empty({column})" for column in columns)
        traces = f"SELECT trace_id FROM observations WHERE {PROJECT} AND {window} AND {OBSERVED} AND ({missing})"
        rows += f" AND trace_id IN ({traces})"
    return f"SELECT trace_id, {summed} FROM observations FINAL WHERE {rows} GROUP BY trace_id"


def _traces(needs: Collection[Need]) -> str:
    """Traces that begin in the window."""
    texts = ", ".join(ANY_TRACE_TEXT.format(column=column) for column in ("user_id", "session_id", "release"))
    sql = (
        "(SELECT trace_id, min(start_time) AS timestamp, "
        f"minIfOrNull(start_time, {OBSERVED}) AS began, "
        f"maxIfOrNull(ifNull(end_time, start_time), {OBSERVED}) AS ended, "
        "if(countIf(trace_name != '') > 0, argMaxIf(trace_name, row_version, trace_name != ''), "
        f"{ROOT_NAME}) AS name, "
        f"{texts}, argMaxIf(trace_version, row_version, trace_version != '') AS version, "
        "argMin(environment, start_time) AS environment, arraySort(groupUniqArrayArray(tags)) AS tags, "
        f"countIf({OBSERVED}) AS observation_count, "
        "sum(usage['total']) AS total_tokens, sum(cost_usd['total']) AS total_cost, "
        "argMaxIf(trace_metadata, row_version, notEmpty(trace_metadata)) AS metadata "
        f"FROM observations FINAL WHERE {PROJECT} AND {NEAR} GROUP BY trace_id "
        "HAVING timestamp >= {start:DateTime64(6, 'UTC')} AND timestamp < {end:DateTime64(6, 'UTC')}) AS t"
    )
    if "scores" in needs:
        counted = f"SELECT trace_id, count() AS score_count FROM {_scores_of_traces(NEAR)} GROUP BY trace_id"
        sql += f" LEFT JOIN ({counted}) AS s USING (trace_id)"
    return sql


def _scores(view: ViewName, needs: Collection[Need]) -> str:
    window = "timestamp >= {start:DateTime64(6, 'UTC')} AND timestamp < {end:DateTime64(6, 'UTC')}"
    typed = f"data_type IN {SCORE_TYPES[view]} AND {window}"
    kept = "* EXCEPT (metadata), CAST(JSONExtractKeysAndValuesRaw(metadata), 'Map(String, String)') AS metadata"
    sql = f"(SELECT {kept} FROM {_newest_scores(window)} WHERE {typed}) AS s"
    scored = f"trace_id IN (SELECT trace_id FROM scores WHERE {PROJECT} AND {typed} AND trace_id != '')"
    if "trace" in needs:
        texts = ", ".join(
            ANY_TRACE_TEXT.format(column=column) for column in ("trace_name", "user_id", "release", "trace_version")
        )
        sql += (
            f" LEFT JOIN (SELECT trace_id, {texts}, arraySort(groupUniqArrayArray(tags)) AS tags "
            f"FROM observations FINAL WHERE {PROJECT} AND {scored} GROUP BY trace_id) AS t USING (trace_id)"
        )
    if "observation" in needs:
        sql += (
            " LEFT JOIN (SELECT trace_id, id AS observation_id, name AS observation_name, model, prompt_name, "
            f"prompt_version FROM observations FINAL WHERE {PROJECT} AND {scored}) AS o "
            "USING (trace_id, observation_id)"
        )
    return sql


def _newest_scores(clause: str) -> str:
    return f"(SELECT * FROM scores WHERE {PROJECT} AND {clause} ORDER BY row_version DESC LIMIT 1 BY id)"


def _scores_of_traces(window: str) -> str:
    """Scores of the traces with observations in the window, whenever they were given."""
    return _newest_scores(f"trace_id IN (SELECT trace_id FROM observations WHERE {PROJECT} AND {window})")
