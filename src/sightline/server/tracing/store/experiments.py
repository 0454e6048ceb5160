# ruff: noqa: S608  (statements are composed of our own text; every value travels as a parameter)
"""Experiments and their items: what the spans that carry an experiment's id add up to."""

from collections.abc import Mapping
from typing import Any

from sightline.server.questions.where import TIME, Where
from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.tracing.fields import OBSERVED
from sightline.server.tracing.records import Experiment, ExperimentQuery, Observation, Page, ProjectId
from sightline.server.tracing.store.rows import WIDE, moment, observation_of
from sightline.server.tracing.store.windows import add_window

IS_ITEM = "id = experiment['root_id']"
"""Of all spans of an item's run one stands for it."""


class ExperimentStore:
    """Experiments of the analytics engine."""

    def __init__(self, engine: ObservationsEngine) -> None:
        self._engine = engine

    async def page(self, project_id: ProjectId, query: ExperimentQuery) -> Page[Experiment]:
        """By latest activity. A span's later rows change no count: items are counted by id."""
        where = _conditions(project_id, query)
        having = ""
        if query.before:
            ended, (last,) = query.before
            having = f"HAVING (ended, experiment_id) < ({where.place(TIME, ended)}, {where.place('String', last)})"
        texts = ", ".join(
            f"argMaxIf(experiment['{name}'], row_version, experiment['{name}'] != '') AS {name}"
            for name in ("name", "description", "metadata", "dataset_id")
        )
        sql = (
            f"SELECT experiment_id, {texts}, min(start_time) AS started, max(ifNull(end_time, start_time)) AS ended, "
            f"uniqExactIf(trace_id, id, {IS_ITEM}) AS items "
            f"FROM observations FINAL WHERE {where} AND {OBSERVED} GROUP BY experiment_id {having} "
            f"ORDER BY ended DESC, experiment_id DESC LIMIT {query.limit + 1}"
        )
        found = [_experiment(row) for row in await self._engine.query(sql, where.params)]
        return Page(found[: query.limit], more=len(found) > query.limit)

    async def items(self, project_id: ProjectId, query: ExperimentQuery) -> Page[Observation]:
        """The observations that stand for items, newest first."""
        where = _conditions(project_id, query)
        where.add_clause(IS_ITEM)
        if query.before:
            started, ids = query.before
            places = [where.place(TIME, started), *(where.place("String", each) for each in ids)]
            where.add_clause(f"(start_time, trace_id, id) < ({', '.join(places)})")
        keys = (
            f"SELECT trace_id, id, max(row_version) FROM observations FINAL WHERE {where} AND {OBSERVED} "
            f"GROUP BY trace_id, id ORDER BY max(start_time) DESC, trace_id DESC, id DESC LIMIT {query.limit + 1}"
        )
        sql = (
            f"SELECT {WIDE} FROM observations FINAL WHERE {where} AND {OBSERVED} "
            f"AND (trace_id, id, row_version) IN ({keys}) "
            "ORDER BY start_time DESC, trace_id DESC, id DESC"
        )
        found = [observation_of(row) for row in await self._engine.query(sql, where.params)]
        return Page(found[: query.limit], more=len(found) > query.limit)


def _conditions(project_id: ProjectId, query: ExperimentQuery) -> Where:
    where = Where(project_id)
    where.add_clause("experiment_id != ''")
    add_window(where, query.window, "start_time")
    where.add("experiment_id IN", "Array(String)", query.ids)
    where.add("experiment['name'] IN", "Array(String)", query.names)
    where.add("experiment['dataset_id'] IN", "Array(String)", query.dataset_ids)
    where.add("experiment['item_id'] IN", "Array(String)", query.item_ids)
    return where


def _experiment(row: Mapping[str, Any]) -> Experiment:
    return Experiment(
        id=row["experiment_id"],
        name=row["name"] or row["experiment_id"],
        description=row["description"] or None,
        metadata=row["metadata"] or None,
        dataset_id=row["dataset_id"] or None,
        start_time=moment(row["started"]),
        end_time=moment(row["ended"]),
        item_count=row["items"],
    )
