"""The oldest paths, an event a call: traces, spans, generations and events, on the same way in as batches of them."""

from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from sightline.server.accounts.records import Access
from sightline.server.edges.access import key_for
from sightline.server.edges.answers import Json
from sightline.server.edges.bodies import read_json
from sightline.server.edges.langfuse.ingestion.bodies import Event, change_of
from sightline.server.edges.services import Served, Services
from sightline.server.runtime.clock import now
from sightline.server.runtime.errors import InvalidRequest
from sightline.server.runtime.ids import new_id

router = APIRouter(prefix="/api/public")

Sender = Annotated[Access, key_for("traces.write")]

OLD_NAMES = {"spanId": "id", "generationId": "id", "prompt": "input", "completion": "output"}
"""How these paths called what batches call otherwise."""


@router.post("/traces")
async def create_trace(request: Request, who: Sender, services: Served) -> Json:
    return await _said(request, who, services, "trace-create")


@router.post("/spans")
async def create_span(request: Request, who: Sender, services: Served) -> Json:
    return await _said(request, who, services, "span-create")


@router.patch("/spans")
async def change_span(request: Request, who: Sender, services: Served) -> Json:
    return await _said(request, who, services, "span-update")


@router.post("/generations")
async def create_generation(request: Request, who: Sender, services: Served) -> Json:
    return await _said(request, who, services, "generation-create")


@router.patch("/generations")
async def change_generation(request: Request, who: Sender, services: Served) -> Json:
    return await _said(request, who, services, "generation-update")


@router.post("/events")
async def create_event(request: Request, who: Sender, services: Served) -> Json:
    return await _said(request, who, services, "event-create")


async def _said(request: Request, who: Access, services: Services, kind: str) -> Json:
    """Ingest one event, durable and readable when the answer comes; answers the id of its subject."""
    body = _named(await read_json(request, services.limits.body_bytes), needs_id=kind.endswith("-update"))
    try:
        change = change_of(Event(id=new_id(), type=kind, timestamp=now(), body=body))
    except ValidationError as problem:
        raise RequestValidationError(problem.errors()) from problem
    if change is not None:
        await services.tracing.apply(who.project_id, [change])
    return Json({"id": body["id"]})


def _named(document: Any, *, needs_id: bool) -> dict[str, Any]:
    """The body in the words of a batch, with an id."""
    if not isinstance(document, dict):
        raise InvalidRequest("the body is one JSON object, what the event says")
    body = dict(document)
    for old, new in OLD_NAMES.items():
        if body.get(old) is not None:
            body.setdefault(new, body[old])
    if needs_id and not body.get("id"):
        raise InvalidRequest("the body names what it changes: give spanId, generationId or id")
    return body | {"id": body.get("id") or new_id()}
