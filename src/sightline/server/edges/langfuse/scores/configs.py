"""Score configs through Langfuse's paths."""

from typing import Annotated, Any, Self

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, model_validator

from sightline.server.accounts.records import Access, ProjectId
from sightline.server.edges.access import key_for
from sightline.server.edges.answers import Json, iso
from sightline.server.edges.bodies import PlainJson
from sightline.server.edges.langfuse.wire.bodies import Body
from sightline.server.edges.params import Paged
from sightline.server.edges.services import Served
from sightline.server.evals.records import Category, ConfigId, ConfigType, ScoreConfig
from sightline.server.runtime.clock import now
from sightline.server.runtime.ids import new_id

router = APIRouter(route_class=PlainJson, prefix="/api/public/score-configs")

Reader = Annotated[Access, key_for("score-configs.read")]
Writer = Annotated[Access, key_for("score-configs.write")]

Name = Annotated[str, Field(min_length=1, max_length=35, pattern=r"^[A-Za-z0-9_ .()\-]+$")]
Bound = Annotated[float, Field(allow_inf_nan=False)]


class CategoryBody(BaseModel):
    label: str = Field(min_length=1)
    value: Bound


class NewConfig(Body):
    name: Name
    data_type: ConfigType
    categories: list[CategoryBody] | None = None
    min_value: Bound | None = None
    max_value: Bound | None = None
    description: str | None = None

    def config(self, project_id: ProjectId) -> ScoreConfig:
        moment = now()
        fields = vars(self) | {"categories": _categories(self.categories)}
        return ScoreConfig(id=ConfigId(new_id()), project_id=project_id, created_at=moment, updated_at=moment, **fields)


class Changes(Body):
    """Partial update: fields that are left out keep their value, null clears a bound or a description."""

    is_archived: bool | None = None
    name: Name | None = None
    categories: list[CategoryBody] | None = None
    min_value: Bound | None = None
    max_value: Bound | None = None
    description: str | None = None

    @model_validator(mode="after")
    def _names_a_change(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("nothing to change: give isArchived, name, categories, minValue, maxValue or description")
        return self

    def changes(self) -> dict[str, Any]:
        given = {name: getattr(self, name) for name in self.model_fields_set}
        kept = {name for name in ("is_archived", "name", "categories") if given.get(name) is None}
        if "categories" in given:
            given["categories"] = _categories(self.categories)
        return {name: value for name, value in given.items() if name not in kept}


@router.get("")
async def list_configs(who: Reader, services: Served, params: Annotated[Paged, Query()]) -> Json:
    page = await services.score_configs.page(who.project_id, params.limit, params.offset)
    return Json(params.paged([_config(each) for each in page.items], page.total))


@router.post("")
async def create(body: NewConfig, who: Writer, services: Served) -> Json:
    return Json(_config(await services.score_configs.create(body.config(who.project_id))))


@router.get("/{configId}")
async def read(configId: str, who: Reader, services: Served) -> Json:
    return Json(_config(await services.score_configs.get(who.project_id, ConfigId(configId))))


@router.patch("/{configId}")
async def change(configId: str, body: Changes, who: Writer, services: Served) -> Json:
    config = await services.score_configs.change(who.project_id, ConfigId(configId), body.changes())
    return Json(_config(config))


def _categories(given: list[CategoryBody] | None) -> tuple[Category, ...] | None:
    return None if given is None else tuple(Category(label=each.label, value=each.value) for each in given)


def _config(config: ScoreConfig) -> dict[str, Any]:
    categories = None if config.categories is None else [vars(category) for category in config.categories]
    return {
        "id": config.id,
        "projectId": config.project_id,
        "name": config.name,
        "dataType": config.data_type,
        "isArchived": config.is_archived,
        "categories": categories,
        "minValue": config.min_value,
        "maxValue": config.max_value,
        "description": config.description,
        "createdAt": iso(config.created_at),
        "updatedAt": iso(config.updated_at),
    }
