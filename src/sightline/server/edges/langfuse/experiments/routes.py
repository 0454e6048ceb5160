"""Experiments and their items: Langfuse's current reads. Runs that were filed item by item are experiments too."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from sightline.server import questions
from sightline.server.accounts.records import Access
from sightline.server.edges.access import key_for
from sightline.server.edges.answers import Json, iso
from sightline.server.edges.cursors import cursor_position, cursor_text
from sightline.server.edges.langfuse.scores.shapes import V3_GROUPS, score_v3
from sightline.server.edges.params import Commas, Moment, Params, field_groups, window
from sightline.server.edges.services import Served
from sightline.server.edges.stored import json_or_text, typed_metadata
from sightline.server.runtime.errors import InvalidRequest
from sightline.server.tracing.records import Experiment, ExperimentFields, ExperimentQuery, Observation, Score

router = APIRouter(prefix="/api/public")

Reader = Annotated[Access, key_for("datasets.read")]

GROUPS = ("core", "metadata", "scores")
"""Groups of fields of an experiment, for `fields`."""
ITEM_GROUPS = ("core", "dataset", "io", "metadata", "itemMetadata", "experimentMetadata", "scores")
"""Groups of fields of an experiment's item, for `fields`."""
CURSOR = ("lastEndTime", "lastId")
"""Parts of the keyset cursor over experiments: time, then id as the tie-breaker."""
ITEM_CURSOR = ("lastStartTime", "lastTraceId", "lastId")
"""Parts of the keyset cursor over items: time, then ids as tie-breakers."""
FIELD_BY_COLUMN = {"id": "ids", "name": "names", "datasetId": "dataset_ids"}
"""Column of a `filter` to the query's field."""
FIELD_BY_ITEM_COLUMN = {
    "experimentId": "ids",
    "experimentName": "names",
    "experimentItemId": "item_ids",
    "datasetId": "dataset_ids",
}
"""Column of an item `filter` to the query's field."""


class CommonParams(Params):
    from_start_time: Moment
    to_start_time: Moment | None = None
    fields: Commas = ()
    limit: int = Field(50, ge=1, le=100)
    score_limit: int = Field(50, ge=1, le=50)
    cursor: str | None = None
    dataset_id: Commas = ()
    filter: str | None = None


class ExperimentParams(CommonParams):
    id: Commas = ()
    name: Commas = ()

    def query(self) -> ExperimentQuery:
        query = ExperimentQuery(
            window=window(self.from_start_time, self.to_start_time, ()),
            ids=self.id,
            names=self.name,
            dataset_ids=self.dataset_id,
            limit=self.limit,
            before=_before(self.cursor, CURSOR),
        )
        return _filtered(query, self.filter, FIELD_BY_COLUMN)


class ItemParams(CommonParams):
    experiment_id: Commas = ()
    experiment_name: Commas = ()
    experiment_item_id: Commas = ()

    def query(self) -> ExperimentQuery:
        query = ExperimentQuery(
            window=window(self.from_start_time, self.to_start_time, ()),
            ids=self.experiment_id,
            names=self.experiment_name,
            dataset_ids=self.dataset_id,
            item_ids=self.experiment_item_id,
            limit=self.limit,
            before=_before(self.cursor, ITEM_CURSOR),
        )
        return _filtered(query, self.filter, FIELD_BY_ITEM_COLUMN)


@router.get("/experiments")
async def experiments(who: Reader, services: Served, params: Annotated[ExperimentParams, Query()]) -> Json:
    """A page (cursor pagination) by latest activity; `scores` adds the scores on the experiment itself."""
    groups = field_groups(params.fields, GROUPS, ("core",))
    page = await services.experiments.page(who.project_id, params.query())
    rows = [_experiment(each, groups) for each in page.items]
    if "scores" in groups:
        scores = await services.tracing.scores_of_experiments(who.project_id, [each.id for each in page.items])
        for row in rows:
            row["scores"] = _scores(scores.get(row["id"], ()), params.score_limit)
    ends = [(each.end_time.isoformat(), each.id) for each in page.items[-1:]] if page.more else []
    return Json({"data": rows, "meta": _meta(CURSOR, ends)})


@router.get("/experiment-items")
async def items(who: Reader, services: Served, params: Annotated[ItemParams, Query()]) -> Json:
    """A page (cursor pagination), newest first; `scores` adds those on the item's trace and its observations."""
    groups = field_groups(params.fields, ITEM_GROUPS, ("core", "dataset"))
    page = await services.experiments.items(who.project_id, params.query())
    observations = [each.observation for each in page.items]
    rows = [_item(each, each.experiment, groups) for each in observations if each.experiment]
    if "scores" in groups:
        scores = await services.tracing.scores_of_traces(who.project_id, [each.trace_id for each in observations])
        for row in rows:
            row["scores"] = _scores(scores.get(row["traceId"], ()), params.score_limit)
    ends = [(each.place[0].isoformat(), *each.place[1]) for each in page.items[-1:]] if page.more else []
    return Json({"data": rows, "meta": _meta(ITEM_CURSOR, ends)})


def _before(cursor: str | None, names: tuple[str, ...]) -> Any:
    if cursor is None:
        return None
    moment, ids = cursor_position(cursor, *names)
    return moment, tuple(ids)


def _meta(names: tuple[str, ...], ends: Sequence[tuple[str, ...]]) -> dict[str, str]:
    """The cursor of the next page; none after the last one."""
    return {"cursor": cursor_text(dict(zip(names, ends[0], strict=True)))} if ends else {}


def _filtered(query: ExperimentQuery, filter_text: str | None, fields: dict[str, str]) -> ExperimentQuery:
    texts = dict.fromkeys(fields, questions.Field(""))
    for condition in questions.conditions_of_json(filter_text, texts) if filter_text else ():
        wanted = (condition.value,) if condition.operator == "=" else tuple(condition.value)
        if condition.operator not in ("=", "any of"):
            raise InvalidRequest(f"filter on {condition.column!r} takes = and any of, not {condition.operator!r}")
        named: dict[str, Any] = {fields[condition.column]: wanted}
        query = replace(query, **named)
    return query


def _scores(scores: Sequence[Score], limit: int) -> list[dict[str, Any]]:
    return [score_v3(score, frozenset(V3_GROUPS)) for score in scores[:limit]]


def _experiment(experiment: Experiment, groups: frozenset[str]) -> dict[str, Any]:
    row = {
        "id": experiment.id,
        "name": experiment.name,
        "description": experiment.description,
        "startTime": iso(experiment.start_time),
        "endTime": iso(experiment.end_time),
        "itemCount": experiment.item_count,
        "datasetId": experiment.dataset_id,
    }
    return row | {"metadata": _object(experiment.metadata)} if "metadata" in groups else row


def _item(observation: Observation, experiment: ExperimentFields, groups: frozenset[str]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": observation.id,
        "traceId": observation.trace_id,
        "startTime": iso(observation.start_time),
        "endTime": iso(observation.end_time),
        "level": observation.level,
        "environment": observation.environment,
        "experimentId": experiment.id,
        "experimentName": experiment.name or experiment.id,
        "experimentItemId": experiment.item_id or observation.id,
    }
    more: dict[str, dict[str, Any]] = {
        "dataset": {
            "experimentDatasetId": experiment.dataset_id,
            "experimentItemVersion": experiment.item_version,
        },
        "io": {
            "input": json_or_text(observation.input),
            "output": json_or_text(observation.output),
            "expectedOutput": json_or_text(experiment.expected_output),
        },
        "metadata": {"metadata": typed_metadata(observation.metadata)},
        "itemMetadata": {"experimentItemMetadata": _object(experiment.item_metadata)},
        "experimentMetadata": {
            "experimentMetadata": _object(experiment.metadata),
            "experimentDescription": experiment.description,
        },
    }
    for group, fields in more.items():
        if group in groups:
            row |= fields
    return row


def _object(stored: str | None) -> dict[str, Any]:
    """Metadata as an object; what is none comes under a key, as elsewhere."""
    value = json_or_text(stored)
    if value is None:
        return {}
    return value if isinstance(value, dict) else {"metadata": value}
