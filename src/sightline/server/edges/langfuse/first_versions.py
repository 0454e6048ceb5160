"""Prompts and datasets through the deprecated v1 paths: fewer fields, the same resources."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import Field

from sightline.server.accounts.permissions import holds
from sightline.server.accounts.records import Access
from sightline.server.edges.access import key_for
from sightline.server.edges.answers import Json
from sightline.server.edges.bodies import read_as
from sightline.server.edges.langfuse.datasets.items import item_shape
from sightline.server.edges.langfuse.datasets.routes import dataset_shape
from sightline.server.edges.langfuse.prompts.routes import Reading, composed_shape, prompt_shape
from sightline.server.edges.langfuse.wire.any_json import AnyJson
from sightline.server.edges.langfuse.wire.bodies import Body
from sightline.server.edges.params import Label, Paged, Params
from sightline.server.edges.services import Served, Services
from sightline.server.evals.records import Dataset, DatasetDraft, Item, ItemQuery
from sightline.server.prompts.records import PRODUCTION, Draft, Selector

router = APIRouter(prefix="/api/public")

PromptReader = Annotated[Access, key_for("prompts.read")]
PromptWriter = Annotated[Access, key_for("prompts.write")]
DatasetReader = Annotated[Access, key_for("datasets.read")]
DatasetWriter = Annotated[Access, key_for("datasets.write")]
by_name = APIRouter(prefix="/api/public")
"""After the paths of runs, which begin alike."""

STEP = 500
"""Page size when all items or runs of a dataset are read."""


class OneOf(Reading):
    name: str = Field(min_length=1)


class NewPrompt(Body):
    name: str = Field(min_length=1, max_length=255, pattern=r"^[^|]+$")
    prompt: str
    is_active: bool = False
    config: AnyJson = None
    labels: list[Label] = Field(default_factory=list)


class NewDataset(Params):
    name: str = Field(min_length=1, max_length=255)
    description: str | None = None
    metadata: AnyJson = None


@router.get("/prompts")
async def read_prompt(who: PromptReader, services: Served, params: Annotated[OneOf, Query()]) -> Json:
    """A version of the prompt of that name, by default the active one."""
    selector = Selector(name=params.name, version=params.version, label=params.label)
    return Json(composed_shape(await services.prompts.get(who.project_id, selector, resolve=params.resolve)))


@router.post("/prompts")
async def create_prompt(request: Request, who: PromptWriter, services: Served) -> Json:
    """The next version of a text prompt; `isActive` was the word for the label `production`."""
    body = await read_as(request, services.limits.body_bytes, NewPrompt.model_validate)
    labels = dict.fromkeys([*body.labels, *([PRODUCTION] if body.is_active else [])])
    draft = Draft(
        name=body.name,
        kind="text",
        content=body.prompt,
        config={} if body.config is None else body.config,
        labels=list(labels),
        tags=None,
        commit_message=None,
        created_by="API",
    )
    made = await services.prompts.create(who.project_id, draft, promotes=holds(who, "prompts.promote"))
    return Json(prompt_shape(made), status_code=201)


@router.get("/datasets")
async def list_datasets(who: DatasetReader, services: Served, params: Annotated[Paged, Query()]) -> Json:
    """Datasets with the ids of their items and the names of their runs."""
    page = await services.datasets.page(who.project_id, params.limit, params.offset)
    return Json(params.paged([await _first(each, services) for each in page.items], page.total))


@router.post("/datasets")
async def put_dataset(request: Request, who: DatasetWriter, services: Served) -> Json:
    body = await read_as(request, services.limits.body_bytes, NewDataset.model_validate)
    return Json(await _first(await services.datasets.put(who.project_id, DatasetDraft(**vars(body))), services))


@by_name.get("/datasets/{datasetName:path}")
async def read_dataset(datasetName: str, request: Request, who: DatasetReader, services: Served) -> Json:
    """A dataset with its items and the names of its runs."""
    dataset = await services.datasets.get(who.project_id, datasetName)
    items = [await item_shape(each, request, services) for each in await _items(dataset, services)]
    return Json(dataset_shape(dataset) | {"items": items, "runs": await _runs(dataset, services)})


async def _first(dataset: Dataset, services: Services) -> dict[str, Any]:
    items = [item.id for item in await _items(dataset, services)]
    return dataset_shape(dataset) | {"items": items, "runs": await _runs(dataset, services)}


async def _items(dataset: Dataset, services: Services) -> list[Item]:
    items: list[Item] = []
    while True:
        query = ItemQuery(dataset_name=dataset.name, limit=STEP, offset=len(items))
        page = await services.datasets.items(dataset.project_id, query)
        items += page.items
        if not page.more:
            return items


async def _runs(dataset: Dataset, services: Services) -> list[str]:
    runs: list[str] = []
    while True:
        page = await services.dataset_runs.page(dataset.project_id, dataset.name, STEP, len(runs))
        runs += [run.name for run in page.items]
        if not page.more:
            return runs
