"""Observations: Langfuse's v2 read (cursor pagination) and its legacy one (page numbers)."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from sightline.server.accounts.records import Access
from sightline.server.edges.access import key_for
from sightline.server.edges.answers import Json
from sightline.server.edges.cursors import cursor_position, cursor_text
from sightline.server.edges.langfuse.traces.shapes import V2_GROUPS, observation_v1, observation_v2
from sightline.server.edges.langfuse.wire.filters import filtered
from sightline.server.edges.langfuse.wire.links import links_of
from sightline.server.edges.params import (
    Commas,
    Moment,
    Paged,
    Params,
    field_groups,
    window,
)
from sightline.server.edges.services import Served
from sightline.server.runtime.errors import InvalidRequest
from sightline.server.tracing.fields import OBSERVATION_FIELDS
from sightline.server.tracing.records import (
    Inherited,
    Kind,
    Level,
    Observation,
    ObservationId,
    ObservationQuery,
    TraceId,
)

router = APIRouter(prefix="/api/public")

Reader = Annotated[Access, key_for("traces.read")]

PARAMETERS = {
    "traceId": "trace_id",
    "parentObservationId": "parent_id",
    "name": "name",
    "userId": "user_id",
    "sessionId": "session_id",
    "version": "version",
    "traceName": "trace_name",
    "type": "kind",
    "level": "level",
    "isRootObservation": "is_root",
}
"""Parameters by the column that they ask about."""
INHERITED: dict[str, frozenset[Inherited]] = {
    "basic": frozenset({"user_id", "session_id"}),
    "trace_context": frozenset({"name", "tags"}),
}
"""What the groups of fields show of an observation's trace."""
CURSOR = ("lastStartTimeTo", "lastTraceId", "lastId")
"""Parts of the keyset cursor: start time, then ids as tie-breakers."""


class ObservationFilters(Params):
    name: str | None = None
    user_id: str | None = None
    type: Kind | None = None
    trace_id: str | None = None
    level: Level | None = None
    parent_observation_id: str | None = None
    environment: list[str] = Field(default_factory=list)
    from_start_time: Moment | None = None
    to_start_time: Moment | None = None
    version: str | None = None
    filter: str | None = None


class LegacyParams(Paged, ObservationFilters):
    pass


class CurrentParams(ObservationFilters):
    limit: int = Field(50, ge=1, le=1000)
    cursor: str | None = None
    fields: Commas = ()
    expand_metadata: Commas = ()
    parse_io_as_json: bool = False
    session_id: str | None = None
    is_root_observation: bool | None = None


class DetailParams(Params):
    trace_id: str | None = None
    start_time: Moment | None = None
    """A hint of Langfuse's clients about where to look; ids are found without it."""


@router.get("/v2/observations")
async def current(who: Reader, services: Served, params: Annotated[CurrentParams, Query()]) -> Json:
    """A page (cursor pagination), newest first, with only the field groups asked for."""
    if params.parse_io_as_json:
        raise InvalidRequest("parseIoAsJson is gone: input and output come as they were sent; leave it out")
    groups = field_groups(params.fields, V2_GROUPS, ("core", "basic"))
    before = cursor_position(params.cursor, *CURSOR) if params.cursor else None
    query = replace(
        _query(params),
        session_id=params.session_id,
        is_root=params.is_root_observation,
        inherited=frozenset().union(*(INHERITED.get(group, ()) for group in groups)),
        limit=params.limit,
        before=(before[0], TraceId(before[1][0]), ObservationId(before[1][1])) if before else None,
    )
    page = await services.tracing.observations(
        who.project_id, filtered(query, params.filter, OBSERVATION_FIELDS, PARAMETERS)
    )
    links = await links_of(services, who.project_id, page.items)
    rows = [observation_v2(each, links, groups, frozenset(params.expand_metadata)) for each in page.items]
    return Json({"data": rows, "meta": {"cursor": _cursor(page.items[-1])} if page.more else {}})


@router.get("/observations")
async def legacy(who: Reader, services: Served, params: Annotated[LegacyParams, Query()]) -> Json:
    query = replace(_query(params), limit=params.limit, offset=params.offset, counted=True)
    page = await services.tracing.observations(
        who.project_id, filtered(query, params.filter, OBSERVATION_FIELDS, PARAMETERS)
    )
    links = await links_of(services, who.project_id, page.items)
    return Json(params.paged([observation_v1(item, links) for item in page.items], page.total))


@router.get("/observations/{observationId:path}")
async def one(
    observationId: str,
    who: Reader,
    services: Served,
    params: Annotated[DetailParams, Query()],
) -> Json:
    trace_id = TraceId(params.trace_id) if params.trace_id else None
    observation = await services.tracing.observation(who.project_id, ObservationId(observationId), trace_id)
    return Json(observation_v1(observation, await links_of(services, who.project_id, [observation])))


def _query(params: ObservationFilters) -> ObservationQuery:
    return ObservationQuery(
        name=params.name,
        user_id=params.user_id,
        kind=params.type,
        trace_id=TraceId(params.trace_id) if params.trace_id else None,
        level=params.level,
        parent_id=None if params.parent_observation_id is None else ObservationId(params.parent_observation_id),
        version=params.version,
        window=window(params.from_start_time, params.to_start_time, params.environment),
    )


def _cursor(last: Observation) -> str:
    return cursor_text(dict(zip(CURSOR, (last.start_time.isoformat(), last.trace_id, last.id), strict=True)))
