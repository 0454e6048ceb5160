"""Runs over datasets through Langfuse's legacy paths."""

from typing import Annotated, Any
from urllib.parse import unquote

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field

from sightline.server.accounts.records import Access
from sightline.server.edges.access import key_for
from sightline.server.edges.answers import Json, iso
from sightline.server.edges.bodies import read_as
from sightline.server.edges.langfuse.wire.any_json import AnyJson
from sightline.server.edges.langfuse.wire.bodies import Body
from sightline.server.edges.params import Moment, Paged
from sightline.server.edges.services import Served, Services
from sightline.server.evals.records import DatasetId, ItemId, Run, RunItem, RunItemDraft
from sightline.server.runtime.errors import NotFound
from sightline.server.tracing.records import ObservationId, TraceId

PREFIX = "/api/public"
router = APIRouter(prefix=PREFIX)

Reader = Annotated[Access, key_for("datasets.read")]
Writer = Annotated[Access, key_for("datasets.write")]
Deleter = Annotated[Access, key_for("datasets.delete")]


class RunItemBody(Body):
    run_name: str = Field(min_length=1, max_length=255)
    run_description: str | None = None
    metadata: AnyJson = None
    dataset_item_id: str
    dataset_version: Moment | None = None
    trace_id: str | None = Field(None, min_length=1, max_length=128)
    observation_id: str | None = Field(None, min_length=1, max_length=128)
    created_at: Moment | None = None

    def draft(self) -> RunItemDraft:
        metadata = self.metadata if isinstance(self.metadata, dict) else {"metadata": self.metadata}
        version = {"dataset_version": iso(self.dataset_version)} if self.dataset_version else {}
        return RunItemDraft(
            run_name=self.run_name,
            run_description=self.run_description,
            run_metadata=({} if self.metadata is None else metadata) | version,
            item_id=ItemId(self.dataset_item_id),
            item_at=self.dataset_version,
            trace_id=TraceId(self.trace_id) if self.trace_id else None,
            observation_id=ObservationId(self.observation_id) if self.observation_id else None,
            created_at=self.created_at,
        )


class RunItemParams(Paged):
    dataset_id: str
    run_name: str


def names_sent(request: Request) -> tuple[str, str | None]:
    """The dataset and the run of `/datasets/{name}/runs[/{run}]`, from the path as it was sent.

    Decoded, a name's own slashes look like the path's: `a%2Fruns%2Fb/runs` would be run `b/runs` of dataset `a`.
    So either of the two routes may be asked what the other answers.
    """
    sent = request.scope["raw_path"].decode("ascii").partition("?")[0].partition(f"{PREFIX}/datasets/")[2]
    parts = [unquote(part) for part in sent.split("/")]
    if len(parts) > 1 and parts[-1] == "runs":
        return "/".join(parts[:-1]), None
    if len(parts) > 2 and parts[-2] == "runs":
        return "/".join(parts[:-2]), parts[-1]
    raise NotFound(f"{request.method} {request.url.path}: there is /datasets/{{name}}/runs and /runs/{{runName}}")


Names = Annotated[tuple[str, str | None], Depends(names_sent)]


def in_path(datasetName: str) -> str:
    """Documents the path parameter; `names_sent` reads it from the raw path."""
    return datasetName


def run_in_path(runName: str) -> str:
    """Documents the path parameter; `names_sent` reads it from the raw path."""
    return runName


InPath, RunInPath = Depends(in_path), Depends(run_in_path)


@router.post("/dataset-run-items")
async def add_item(request: Request, who: Writer, services: Served) -> Json:
    body = await read_as(request, services.limits.body_bytes, RunItemBody.model_validate)
    return Json(_run_item(await services.dataset_runs.add_item(who.project_id, body.draft())))


@router.get("/dataset-run-items")
async def list_items(who: Reader, services: Served, params: Annotated[RunItemParams, Query()]) -> Json:
    run = DatasetId(params.dataset_id), params.run_name
    page = await services.dataset_runs.items(who.project_id, run, params.limit, params.offset)
    return Json(params.paged([_run_item(each) for each in page.items], page.total))


@router.get("/datasets/{datasetName:path}/runs/{runName:path}", dependencies=[InPath, RunInPath])
async def read(who: Reader, named: Names, services: Served, params: Annotated[Paged, Query()]) -> Json:
    """One run with all its items."""
    return await _read(who, named, services, params)


@router.get("/datasets/{datasetName:path}/runs", dependencies=[InPath])
async def list_runs(who: Reader, named: Names, services: Served, params: Annotated[Paged, Query()]) -> Json:
    """The runs of a dataset."""
    return await _read(who, named, services, params)


async def _read(who: Access, named: tuple[str, str | None], services: Services, params: Paged) -> Json:
    dataset, name = named
    if name is not None:
        run, items = await services.dataset_runs.get(who.project_id, dataset, name)
        return Json(_run(run) | {"datasetRunItems": [_run_item(each) for each in items]})
    page = await services.dataset_runs.page(who.project_id, dataset, params.limit, params.offset)
    return Json(params.paged([_run(each) for each in page.items], page.total))


@router.delete("/datasets/{datasetName:path}/runs/{runName:path}", dependencies=[InPath, RunInPath])
async def delete(who: Deleter, named: Names, services: Served) -> Json:
    dataset, name = named
    if name is None:
        raise NotFound("all runs of a dataset cannot be deleted at once: name the run")
    await services.dataset_runs.delete(who.project_id, dataset, name)
    return Json({"message": "Dataset run successfully deleted"})


def _run(run: Run) -> dict[str, Any]:
    return {
        "id": run.id,
        "name": run.name,
        "description": run.description,
        "metadata": run.metadata,
        "datasetId": run.dataset_id,
        "datasetName": run.dataset_name,
        "createdAt": iso(run.created_at),
        "updatedAt": iso(run.updated_at),
    }


def _run_item(item: RunItem) -> dict[str, Any]:
    return {
        "id": item.id,
        "datasetRunId": item.run_id,
        "datasetRunName": item.run_name,
        "datasetItemId": item.item_id,
        "traceId": item.trace_id,
        "observationId": item.observation_id,
        "createdAt": iso(item.created_at),
        "updatedAt": iso(item.created_at),
    }
