"""Models that can be asked, and sample pictures: a proxy to the model endpoint."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Path, Response

from sightline.server.accounts.records import Access
from sightline.server.edges.access import member_for
from sightline.server.edges.files import file_answer
from sightline.server.edges.services import Served
from sightline.server.edges.web import shapes
from sightline.server.runtime.errors import NotFound

router = APIRouter(prefix="/projects/{projectId}/models")

Reader = Annotated[Access, member_for("project.read")]

ModelId = Annotated[str, Path(alias="modelId")]


@router.get("")
async def models(who: Reader, services: Served) -> shapes.Models:
    """None when no endpoint is set."""
    listed = await services.endpoint.models() if services.endpoint else []
    return shapes.Models(data=[_model(each) for each in listed])


def _model(given: dict[str, object]) -> shapes.Model:
    about = given.get("sightline")
    extras = about if isinstance(about, dict) else {}
    return shapes.Model(
        id=str(given["id"]),
        name=str(given["id"]).rsplit("/", 1)[-1],
        description=str(extras.get("description", "")),
        suggestions=extras.get("suggestions", []),
        methods=extras.get("methods", []),
    )


@router.get("/{modelId:path}/samples")
async def samples(model_id: ModelId, who: Reader, services: Served) -> shapes.Samples:
    listed = await services.endpoint.samples() if services.endpoint else []
    base = f"/api/web/projects/{who.project_id}/models/{quote(model_id, safe='')}/samples"
    return shapes.Samples(
        data=[
            shapes.Sample(
                id=str(each["id"]),
                url=f"{base}/{quote(str(each['id']), safe='')}",
                caption=str(each.get("caption", "")),
                suggestions=each.get("suggestions", []),
            )
            for each in listed
        ]
    )


@router.get("/{modelId:path}/samples/{sampleId}", response_class=Response)
async def sample(
    model_id: ModelId, sample_id: Annotated[str, Path(alias="sampleId")], who: Reader, services: Served
) -> Response:
    if services.endpoint is None:
        raise NotFound(f"there is no sample {sample_id!r}: no model endpoint is set (SIGHTLINE_MODEL_ENDPOINT_URL)")
    content, content_type = await services.endpoint.sample(quote(sample_id, safe=""))
    return file_answer(content, content_type)
