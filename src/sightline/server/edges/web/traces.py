"""The trace list, its charts, and one trace with its observations."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field

from sightline.server.accounts.records import Access
from sightline.server.edges.access import member_for
from sightline.server.edges.cursors import cursor_position, cursor_text
from sightline.server.edges.params import Moment, Params, window
from sightline.server.edges.services import Served
from sightline.server.edges.web import shapes, views
from sightline.server.questions import conditions_of_json
from sightline.server.tracing.fields import TRACE_FIELDS
from sightline.server.tracing.records import ObservationId, ScoreQuery, TraceId, TraceQuery

router = APIRouter(prefix="/projects/{projectId}/traces")

Reader = Annotated[Access, member_for("traces.read")]

CURSOR = ("timestamp", "id")
"""Parts of the keyset cursor: time, then id as the tie-breaker."""
SCORES_SHOWN = 1000
"""Scores of one trace on its page."""

# An id may hold a slash, so what is more than an id stands before what is only one.
TraceIdInPath = Annotated[str, Path(alias="traceId")]
ObservationIdInPath = Annotated[str, Path(alias="observationId")]


class TraceFilter(Params):
    search: str | None = None
    environment: list[str] = Field(default_factory=list)
    start: Moment | None = Field(None, alias="from")
    end: Moment | None = Field(None, alias="to")
    errors: bool = False
    name: str | None = None
    user_id: str | None = None
    session_id: str | None = None
    tag: list[str] = Field(default_factory=list)
    filter: str | None = None
    """A JSON list of conditions over the fields of a trace, as in the public API."""

    def query(self) -> TraceQuery:
        return TraceQuery(
            window=window(self.start, self.end, self.environment),
            name=self.name,
            user_id=self.user_id,
            session_id=self.session_id,
            tags=tuple(self.tag),
            errors_only=self.errors,
            search=self.search or None,
            conditions=conditions_of_json(self.filter, TRACE_FIELDS) if self.filter else (),
        )


class ListParams(TraceFilter):
    cursor: str | None = None
    limit: int = Field(50, ge=1, le=200)


class SeriesParams(TraceFilter):
    buckets: int = Field(60, ge=1, le=500)


@router.get("")
async def page(who: Reader, services: Served, params: Annotated[ListParams, Query()]) -> shapes.TracePage:
    """A page (cursor pagination), newest first; previews instead of whole inputs and outputs."""
    before = cursor_position(params.cursor, *CURSOR) if params.cursor else None
    query = replace(
        params.query(), limit=params.limit, before=(before[0], TraceId(before[1][0])) if before else None
    )
    found = await services.tracing.traces(who.project_id, query)
    last = found.items[-1] if found.more else None
    cursor = cursor_text({"timestamp": last.timestamp.isoformat(), "id": last.id}) if last else None
    return shapes.TracePage(
        data=[views.trace_row(trace) for trace in found.items], meta=shapes.Cursor(cursor=cursor)
    )


@router.get("/series")
async def series(who: Reader, services: Served, params: Annotated[SeriesParams, Query()]) -> shapes.Series:
    """The charts over the list, under the same filter: counts, latency percentiles and scores per time bucket."""
    found = await services.tracing.series(who.project_id, params.query(), params.buckets)
    step_s = (found.steps[1].start - found.steps[0].start).total_seconds() if len(found.steps) > 1 else 0.0
    return shapes.Series(
        data=[views.bucket(each) for each in found.steps],
        whole=views.bucket(found.whole) if found.whole else None,
        step_seconds=step_s,
    )


@router.get("/{traceId:path}/observations/{observationId:path}")
async def observation(
    trace_id: TraceIdInPath, observation_id: ObservationIdInPath, who: Reader, services: Served
) -> shapes.ObservationDetail:
    found = await services.tracing.observation(who.project_id, ObservationId(observation_id), TraceId(trace_id))
    scores = await services.tracing.scores(
        who.project_id,
        ScoreQuery(trace_ids=(found.trace_id,), observation_ids=(found.id,), limit=SCORES_SHOWN),
    )
    return views.observation_detail(found, scores.items)


@router.get("/{traceId:path}")
async def one(trace_id: TraceIdInPath, who: Reader, services: Served) -> shapes.TraceDetail:
    """The whole span tree without inputs and outputs (lazy-loaded): a trace of thousands of spans opens fast."""
    trace, observations = await services.tracing.outline(who.project_id, TraceId(trace_id))
    return shapes.TraceDetail(
        trace=views.trace_head(trace), observations=views.nodes(observations, trace.scores)
    )
