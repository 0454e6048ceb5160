"""Traces, read and deleted through Langfuse's legacy paths."""

from typing import Annotated, Any, get_args

from fastapi import APIRouter, Query
from pydantic import Field

from sightline.server.accounts.records import Access
from sightline.server.edges.access import key_for
from sightline.server.edges.answers import Json
from sightline.server.edges.bodies import PlainJson
from sightline.server.edges.langfuse.scores.shapes import listed, score_v2
from sightline.server.edges.langfuse.traces.shapes import observation_v1, trace_row
from sightline.server.edges.langfuse.wire.filters import filtered
from sightline.server.edges.langfuse.wire.links import links_of
from sightline.server.edges.params import Commas, Moment, Paged, Params, field_groups, window
from sightline.server.edges.services import Served
from sightline.server.runtime.errors import InvalidRequest
from sightline.server.tracing.fields import TRACE_FIELDS
from sightline.server.tracing.records import TraceId, TraceOrder, TraceQuery

router = APIRouter(route_class=PlainJson, prefix="/api/public/traces")

Reader = Annotated[Access, key_for("traces.read")]
Deleter = Annotated[Access, key_for("traces.delete")]

GROUPS = ("core", "io", "scores", "observations", "metrics")
"""Groups of fields of a trace, for `fields`."""
LEFT_OUT: dict[str, dict[str, Any]] = {
    "io": {},
    "scores": {"scores": []},
    "observations": {"observations": []},
    "metrics": {"latency": -1, "totalCost": -1},
}
"""Defaults for the fields of a group that was not asked for: clients' types require them."""
IO = ("input", "output", "metadata")
PARAMETERS = {
    "name": "name",
    "userId": "user_id",
    "sessionId": "session_id",
    "version": "version",
    "release": "release",
    "tags": "tags",
}
"""Parameters by the column that they ask about."""


class TraceParams(Paged):
    name: str | None = None
    user_id: str | None = None
    session_id: str | None = None
    from_timestamp: Moment | None = None
    to_timestamp: Moment | None = None
    order_by: str = "timestamp.desc"
    tags: list[str] = Field(default_factory=list)
    version: str | None = None
    release: str | None = None
    environment: list[str] = Field(default_factory=list)
    fields: Commas = ()
    filter: str | None = None


class DetailParams(Params):
    fields: Commas = ()


class Deletion(Params):
    trace_ids: list[str] = Field(min_length=1)


@router.get("")
async def list_traces(who: Reader, services: Served, params: Annotated[TraceParams, Query()]) -> Json:
    groups = field_groups(params.fields, GROUPS, GROUPS)
    page = await services.tracing.traces(who.project_id, _query(params, whole="io" in groups))
    ids = await services.tracing.observation_ids(who.project_id, [trace.id for trace in page.items])
    rows = [_only(trace_row(trace, ids.get(trace.id, ())), groups) for trace in page.items]
    return Json(params.paged(rows, page.total))


@router.get("/{traceId:path}")
async def get_trace(
    traceId: str,
    who: Reader,
    services: Served,
    params: Annotated[DetailParams, Query()],
) -> Json:
    groups = field_groups(params.fields, GROUPS, GROUPS)
    trace, observations = await services.tracing.trace(who.project_id, TraceId(traceId))
    row = trace_row(trace, ())
    links = await links_of(services, who.project_id, observations)
    row["observations"] = [observation_v1(observation, links) for observation in observations]
    row["scores"] = [score_v2(score) for score in listed(trace.scores)]
    return Json(_only(row, groups))


@router.delete("/{traceId:path}")
async def delete_trace(traceId: str, who: Deleter, services: Served) -> dict[str, str]:
    await services.tracing.delete_traces(who.project_id, [TraceId(traceId)])
    return {"message": "Trace deleted"}


@router.delete("")
async def delete_traces(body: Deletion, who: Deleter, services: Served) -> dict[str, str]:
    await services.tracing.delete_traces(who.project_id, [TraceId(trace_id) for trace_id in body.trace_ids])
    return {"message": f"{len(body.trace_ids)} traces deleted"}


def _only(row: dict[str, Any], groups: frozenset[str]) -> dict[str, Any]:
    """Projection: the row with only the field groups asked for; `core` is always in."""
    kept = row if "io" in groups else {name: value for name, value in row.items() if name not in IO}
    for group, instead in LEFT_OUT.items():
        if group not in groups:
            kept = kept | instead
    return kept


def _query(params: TraceParams, *, whole: bool) -> TraceQuery:
    order_by, ascending = _order(params.order_by)
    query = TraceQuery(
        name=params.name,
        user_id=params.user_id,
        session_id=params.session_id,
        tags=tuple(params.tags),
        version=params.version,
        release=params.release,
        window=window(params.from_timestamp, params.to_timestamp, params.environment),
        order_by=order_by,
        ascending=ascending,
        limit=params.limit,
        offset=params.offset,
        counted=True,
        whole=whole,
    )
    return filtered(query, params.filter, TRACE_FIELDS, PARAMETERS)


def _order(given: str) -> tuple[TraceOrder, bool]:
    """The field and whether it ascends, of `field.asc`, `field.desc` or `field`, which descends."""
    name, _, direction = given.partition(".")
    field = next((each for each in get_args(TraceOrder) if each == name), None)
    if field is None or direction not in ("", "asc", "desc"):
        raise InvalidRequest(
            f"orderBy {given!r} is not supported; use a field of {', '.join(get_args(TraceOrder))} with .asc or .desc"
        )
    return field, direction == "asc"
