"""Datasets through Langfuse's paths. A name may hold slashes: clients send it percent-encoded, in one segment."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import Field

from sightline.server.accounts.records import Access
from sightline.server.edges.access import key_for
from sightline.server.edges.answers import Json, iso
from sightline.server.edges.bodies import read_as
from sightline.server.edges.langfuse.wire.any_json import AnyJson, JsonObject
from sightline.server.edges.langfuse.wire.bodies import Body
from sightline.server.edges.params import Paged
from sightline.server.edges.services import Served
from sightline.server.evals.records import Dataset, DatasetDraft

router = APIRouter(prefix="/api/public/v2/datasets")

Reader = Annotated[Access, key_for("datasets.read")]
Writer = Annotated[Access, key_for("datasets.write")]


class DatasetBody(Body):
    name: str = Field(min_length=1, max_length=255)
    description: str | None = None
    metadata: AnyJson = None
    input_schema: JsonObject | None = None
    expected_output_schema: JsonObject | None = None


@router.get("")
async def list_datasets(who: Reader, services: Served, params: Annotated[Paged, Query()]) -> Json:
    page = await services.datasets.page(who.project_id, params.limit, params.offset)
    return Json(params.paged([dataset_shape(each) for each in page.items], page.total))


@router.post("")
async def put(request: Request, who: Writer, services: Served) -> Json:
    """Upsert a dataset by name."""
    body = await read_as(request, services.limits.body_bytes, DatasetBody.model_validate)
    return Json(dataset_shape(await services.datasets.put(who.project_id, DatasetDraft(**vars(body)))))


@router.get("/{name:path}")
async def read(name: str, who: Reader, services: Served) -> Json:
    return Json(dataset_shape(await services.datasets.get(who.project_id, name)))


def dataset_shape(dataset: Dataset) -> dict[str, Any]:
    return {
        "id": dataset.id,
        "projectId": dataset.project_id,
        "name": dataset.name,
        "description": dataset.description,
        "metadata": dataset.metadata,
        "inputSchema": dataset.input_schema,
        "expectedOutputSchema": dataset.expected_output_schema,
        "createdAt": iso(dataset.created_at),
        "updatedAt": iso(dataset.updated_at),
    }
