"""Dataset items through Langfuse's paths."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import Field

from sightline.server.accounts.records import Access
from sightline.server.edges.access import key_for
from sightline.server.edges.answers import Json, iso
from sightline.server.edges.bodies import read_as
from sightline.server.edges.langfuse.datasets.item_media import media_references
from sightline.server.edges.langfuse.wire.any_json import AnyJson
from sightline.server.edges.langfuse.wire.bodies import Body
from sightline.server.edges.params import Moment, Paged
from sightline.server.edges.services import Served, Services
from sightline.server.evals.records import Item, ItemDraft, ItemId, ItemQuery, ItemStatus

router = APIRouter(prefix="/api/public/dataset-items")

Reader = Annotated[Access, key_for("datasets.read")]
Writer = Annotated[Access, key_for("datasets.write")]
Deleter = Annotated[Access, key_for("datasets.delete")]


class ItemBody(Body):
    dataset_name: str
    id: str | None = Field(None, min_length=1, max_length=255)
    status: ItemStatus | None = None
    input: AnyJson = None
    expected_output: AnyJson = None
    metadata: AnyJson = None
    source_trace_id: str | None = Field(None, max_length=128)
    source_observation_id: str | None = Field(None, max_length=128)


class ListParams(Paged):
    dataset_name: str | None = None
    source_trace_id: str | None = None
    source_observation_id: str | None = None
    version: Moment | None = None


@router.post("")
async def put(request: Request, who: Writer, services: Served) -> Json:
    """Upsert an item by id."""
    body = await read_as(request, services.limits.body_bytes, ItemBody.model_validate)
    item = await services.datasets.put_item(who.project_id, ItemDraft(**vars(body)))
    return Json(await item_shape(item, request, services))


@router.get("")
async def list_items(request: Request, who: Reader, services: Served, params: Annotated[ListParams, Query()]) -> Json:
    """A page of active items, newest first; `version` (a time) reads them as of then."""
    query = ItemQuery(
        dataset_name=params.dataset_name,
        source_trace_id=params.source_trace_id,
        source_observation_id=params.source_observation_id,
        at=params.version,
        limit=params.limit,
        offset=params.offset,
    )
    page = await services.datasets.items(who.project_id, query)
    rows = [await item_shape(each, request, services) for each in page.items]
    return Json(params.paged(rows, page.total))


@router.get("/{itemId:path}")
async def read(itemId: str, request: Request, who: Reader, services: Served) -> Json:
    """One item, archived or not."""
    item = await services.datasets.item(who.project_id, ItemId(itemId))
    return Json(await item_shape(item, request, services))


@router.delete("/{itemId:path}")
async def delete(itemId: str, who: Deleter, services: Served) -> Json:
    await services.datasets.delete_item(who.project_id, ItemId(itemId))
    return Json({"message": "Dataset item successfully deleted"})


async def item_shape(item: Item, request: Request, services: Services) -> dict[str, Any]:
    return {
        "id": item.id,
        "status": item.status,
        "input": item.input,
        "expectedOutput": item.expected_output,
        "metadata": item.metadata,
        "sourceTraceId": item.source_trace_id,
        "sourceObservationId": item.source_observation_id,
        "datasetId": item.dataset_id,
        "datasetName": item.dataset_name,
        "createdAt": iso(item.created_at),
        "updatedAt": iso(item.updated_at),
        "version": iso(item.valid_from),
        "mediaReferences": await media_references(item, request, services),
    }
