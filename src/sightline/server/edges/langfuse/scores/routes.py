"""Scores through Langfuse's paths: written one by one or in lists, read as v1, v2 and v3."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import Field, ValidationError

from sightline.server.accounts.permissions import holds
from sightline.server.accounts.records import Access
from sightline.server.edges.access import key_for, public_key_for
from sightline.server.edges.answers import Json
from sightline.server.edges.bodies import read_json
from sightline.server.edges.cursors import cursor_position, cursor_text
from sightline.server.edges.langfuse.scores.bodies import ScoreBody, complaint
from sightline.server.edges.langfuse.scores.fitting import EXISTS, fitting_scores
from sightline.server.edges.langfuse.scores.queries import OPERATORS, V3Params, v3_query
from sightline.server.edges.langfuse.scores.shapes import V3_GROUPS, listed, score_of_trace, score_v2, score_v3
from sightline.server.edges.params import (
    Commas,
    Moment,
    Paged,
    Params,
    field_groups,
    window,
)
from sightline.server.edges.services import Served, Services
from sightline.server.questions import conditions_of_json
from sightline.server.runtime.errors import Forbidden, InvalidRequest, NotFound, SightlineError
from sightline.server.tracing.fields import SCORE_FIELDS
from sightline.server.tracing.records import (
    Condition,
    ObservationId,
    ProjectId,
    Score,
    ScoreId,
    ScoreQuery,
    ScoreSource,
    ScoreType,
    TraceId,
    TraceQuery,
)

router = APIRouter(prefix="/api/public")

Creator = Annotated[Access, public_key_for("scores.create")]
Reader = Annotated[Access, key_for("scores.read")]
Writer = Annotated[Access, key_for("scores.write")]

CURSOR = ("lastTimestamp", "lastId")
"""Parts of the keyset cursor: time, then id as the tie-breaker."""
OF_A_TRACE = Condition(type="null", column="traceId", operator="is not null")
"""v1 knows scores of traces only."""
TYPES_OF_V1: tuple[ScoreType, ...] = ("NUMERIC", "BOOLEAN", "CATEGORICAL", "TEXT")
"""v1 knows no corrections."""


class LegacyParams(Paged):
    user_id: str | None = None
    name: str | None = None
    from_timestamp: Moment | None = None
    to_timestamp: Moment | None = None
    environment: list[str] = Field(default_factory=list)
    source: ScoreSource | None = None
    operator: str | None = None
    value: float | None = None
    score_ids: Commas = ()
    config_id: str | None = None
    session_id: str | None = None
    dataset_run_id: str | None = None
    trace_id: str | None = None
    observation_id: Commas = ()
    queue_id: str | None = None
    data_type: ScoreType | None = None
    trace_tags: Commas = ()
    fields: Commas = ()
    filter: str | None = None


class DetailParams(Params):
    fields: Commas = ()


@router.post("/scores")
async def write(request: Request, who: Creator, services: Served) -> Json:
    """Upsert scores by id. An object answers 200 with its id; a list 202 when all are valid, else 207 Multi-Status."""
    body = await read_json(request, services.limits.body_bytes)
    if isinstance(body, list):
        return await _write_list(body, who, services)
    try:
        given = ScoreBody.model_validate(body)
    except ValidationError as problem:
        raise RequestValidationError(problem.errors()) from problem
    [score] = await fitting_scores(services, who.project_id, [given])
    if isinstance(score, SightlineError):
        raise score
    if await services.tracing.record_scores(who.project_id, [score], only_new=not holds(who, "scores.write")):
        raise Forbidden(EXISTS.format(score.id))
    return Json({"id": score.id})


async def _write_list(bodies: Sequence[Any], who: Access, services: Services) -> Json:
    parsed: dict[int, ScoreBody] = {}
    errors: dict[int, str] = {}
    for position, body in enumerate(bodies):
        try:
            parsed[position] = ScoreBody.model_validate(body)
        except ValidationError as problem:
            errors[position] = complaint(problem)
    fitting = dict(zip(parsed, await fitting_scores(services, who.project_id, list(parsed.values())), strict=True))
    errors |= {place: str(each) for place, each in fitting.items() if isinstance(each, SightlineError)}
    scores = {place: each for place, each in fitting.items() if isinstance(each, Score)}
    only_new = not holds(who, "scores.write")
    exist = await services.tracing.record_scores(who.project_id, list(scores.values()), only_new=only_new)
    errors |= {place: EXISTS.format(score.id) for place, score in scores.items() if score.id in exist}
    said = [{"message": f"score {position}: {errors[position]}"} for position in sorted(errors)]
    if errors:
        return Json({"accepted": len(bodies) - len(errors), "rejected": len(errors), "errors": said}, status_code=207)
    return Json({"message": "Accepted"}, status_code=202)


@router.delete("/scores/{scoreId:path}")
async def delete(scoreId: str, who: Writer, services: Served) -> Json:
    await services.tracing.delete_score(who.project_id, ScoreId(scoreId))
    return Json({"message": "Score deleted"}, status_code=202)


@router.get("/scores")
async def list_v1(who: Reader, services: Served, params: Annotated[LegacyParams, Query()]) -> Json:
    """The v1 view: scores of traces only, and no corrections."""
    query = _legacy_query(params)
    first = replace(query, conditions=(*query.conditions, OF_A_TRACE), data_types=query.data_types or TYPES_OF_V1)
    return await _legacy_list(who.project_id, services, params, first)


@router.get("/scores/{scoreId:path}")
async def one_v1(scoreId: str, who: Reader, services: Served) -> Json:
    score = await services.tracing.score(who.project_id, ScoreId(scoreId))
    if not score.trace_id or not listed([score]):
        raise NotFound(f"score {scoreId} is not one of a trace: read it from /api/public/v2/scores")
    return Json(score_v2(score))


@router.get("/v2/scores")
async def list_v2(who: Reader, services: Served, params: Annotated[LegacyParams, Query()]) -> Json:
    return await _legacy_list(who.project_id, services, params, _legacy_query(params))


@router.get("/v2/scores/{scoreId:path}")
async def one_v2(scoreId: str, who: Reader, services: Served) -> Json:
    return Json(score_v2(await services.tracing.score(who.project_id, ScoreId(scoreId))))


@router.get("/v3/scores")
async def list_v3(who: Reader, services: Served, params: Annotated[V3Params, Query()]) -> Json:
    groups = field_groups(params.fields, V3_GROUPS, ())
    before = cursor_position(params.cursor, *CURSOR) if params.cursor else None
    query = v3_query(params, (before[0], ScoreId(before[1][0])) if before else None)
    page = await services.tracing.scores(who.project_id, query)
    meta: dict[str, Any] = {"limit": params.limit}
    if page.more:
        last = page.items[-1]
        meta["cursor"] = cursor_text({"lastTimestamp": last.timestamp.isoformat(), "lastId": last.id})
    return Json({"data": [score_v3(score, groups) for score in page.items], "meta": meta})


async def _legacy_list(project_id: ProjectId, services: Services, params: LegacyParams, query: ScoreQuery) -> Json:
    groups = field_groups(params.fields, ("score", "trace"), ("score", "trace"))
    page = await services.tracing.scores(project_id, query)
    rows = [score_v2(score) for score in page.items]
    if "trace" in groups:
        await _add_traces(rows, project_id, services)
    return Json(params.paged(rows, page.total))


async def _add_traces(rows: Sequence[dict[str, Any]], project_id: ProjectId, services: Services) -> None:
    ids = tuple(dict.fromkeys(TraceId(row["traceId"]) for row in rows if row["traceId"]))
    if not ids:
        return
    found = await services.tracing.traces(project_id, TraceQuery(ids=ids, limit=len(ids)))
    traces = {trace.id: trace for trace in found.items}
    for row in rows:
        if row["traceId"]:
            row["trace"] = score_of_trace(traces.get(row["traceId"]))


def _legacy_query(params: LegacyParams) -> ScoreQuery:
    if (params.operator is None) != (params.value is None):
        raise InvalidRequest("operator and value go together, e.g. operator=%3E%3D&value=0.5")
    operator = OPERATORS.get(params.operator or "=")
    if operator is None:
        raise InvalidRequest(f"operator {params.operator!r} is not one of {', '.join(OPERATORS)}")
    return ScoreQuery(
        window=window(params.from_timestamp, params.to_timestamp, params.environment),
        conditions=conditions_of_json(params.filter, SCORE_FIELDS) if params.filter else (),
        trace_user_id=params.user_id,
        trace_tags=params.trace_tags,
        ids=tuple(ScoreId(score_id) for score_id in params.score_ids),
        names=_one(params.name),
        sources=_one(params.source),
        data_types=(params.data_type,) if params.data_type else (),
        trace_ids=(TraceId(params.trace_id),) if params.trace_id else (),
        observation_ids=tuple(ObservationId(each) for each in params.observation_id),
        session_ids=_one(params.session_id),
        config_ids=_one(params.config_id),
        queue_ids=_one(params.queue_id),
        dataset_run_ids=_one(params.dataset_run_id),
        value=None if params.value is None else (operator, params.value),
        limit=params.limit,
        offset=params.offset,
        counted=True,
    )


def _one(value: str | None) -> tuple[str, ...]:
    return () if value is None else (value,)
