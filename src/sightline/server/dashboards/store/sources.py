# ruff: noqa: S608  (statements are composed of our own text; every value is a bound parameter)
"""What a view reads from: rows of the analytics tables, and what is joined to them when a field needs it."""

from collections.abc import Collection, Mapping

from sightline.server.dashboards.records import ViewName
from sightline.server.questions.where import TIME, Where
from sightline.server.tracing.fields import OBSERVED

SCORE_TYPES: Mapping[ViewName, str] = {
    "scores-numeric": "('NUMERIC', 'BOOLEAN')",
    "scores-boolean": "('BOOLEAN')",
    "scores-categorical": "('CATEGORICAL')",
}
"""View of scores to the types it shows, as an SQL list."""
OF_TRACE = "trace_id, name, user_id, session_id, tags, release, version, environment"
"""What an observation or a score has from its trace."""


def source(view: ViewName, needs: Collection[str], where: Where, traces: str) -> str:
    """The FROM clause; the window travels as the parameters `start` and `end`, `traces` reads the index of traces."""
    if view == "observations":
        return _observations(needs, where, traces)
    if view == "traces":
        return _traces(needs, where, traces)
    return _scores(view, needs, where, traces)


def window(time: str) -> str:
    return f"{time} >= {{start:{TIME}}} AND {time} < {{end:{TIME}}}"


def _observations(needs: Collection[str], where: Where, traces: str) -> str:
    mine = f"{where.fork()} AND {window('start_time')}"
    sql = f"(SELECT * FROM observations FINAL WHERE {mine} AND {OBSERVED}) AS o"
    if "of_trace" in needs:
        sql += f" LEFT ANY JOIN (SELECT {OF_TRACE} FROM {traces}) AS of_trace USING (trace_id)"
    if "scores" in needs:
        counted = "SELECT trace_id, observation_id AS id, count() AS score_count"
        given = _scores_of_traces(where, f"SELECT trace_id FROM observations WHERE {mine}")
        sql += f" LEFT JOIN ({counted} FROM {given} GROUP BY trace_id, id) AS s USING (trace_id, id)"
    for need, column, name in (("costs", "cost_usd", "cost"), ("usages", "usage", "usage")):
        if need in needs:
            counts = f"mapApply((name, part) -> (name, part - repeated_{column}[name]), {column})"
            parts = f"mapFilter((name, part) -> name != 'total', {counts})"
            sql += f" ARRAY JOIN mapKeys({parts}) AS {name}_type, mapValues({parts}) AS {name}_part"
    return sql


def _traces(needs: Collection[str], where: Where, traces: str) -> str:
    """Traces that begin in the window."""
    sql = f"(SELECT * FROM {traces} AND {window('timestamp')}) AS t"
    if "scores" in needs:
        given = _scores_of_traces(where, f"SELECT trace_id FROM {traces} AND {window('timestamp')}")
        counted = f"SELECT trace_id, count() AS score_count FROM {given} GROUP BY trace_id"
        sql += f" LEFT JOIN ({counted}) AS s USING (trace_id)"
    return sql


def _scores(view: ViewName, needs: Collection[str], where: Where, traces: str) -> str:
    typed = f"data_type IN {SCORE_TYPES[view]} AND {window('timestamp')}"
    newest = (
        f"SELECT * FROM scores WHERE {where.fork()} AND {window('timestamp')} ORDER BY row_version DESC LIMIT 1 BY id"
    )
    sql = f"(SELECT * FROM ({newest}) WHERE {typed}) AS s"
    scored = f"trace_id IN (SELECT trace_id FROM scores WHERE {where.fork()} AND {typed} AND trace_id != '')"
    if "of_trace" in needs:
        sql += f" LEFT ANY JOIN (SELECT {OF_TRACE} FROM {traces} AND {scored}) AS of_trace USING (trace_id)"
    if "of_observation" in needs:
        sql += (
            " LEFT ANY JOIN (SELECT trace_id, id AS observation_id, name, model, prompt_name, prompt_version "
            f"FROM observations FINAL WHERE {where.fork()} AND {OBSERVED} AND {scored}) AS of_observation "
            "USING (trace_id, observation_id)"
        )
    return sql


def _scores_of_traces(where: Where, traces: str) -> str:
    """The scores of these traces, whenever they were given."""
    return _newest_scores(where, f"trace_id IN ({traces})")


def _newest_scores(where: Where, clause: str) -> str:
    return f"(SELECT * FROM scores WHERE {where.fork()} AND {clause} ORDER BY row_version DESC LIMIT 1 BY id)"
