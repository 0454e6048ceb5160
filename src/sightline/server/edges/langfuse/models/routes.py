"""Models and their prices through Langfuse's paths: the project's own, and the built-in ones to read."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from sightline.server.accounts.records import Access
from sightline.server.edges.access import key_for
from sightline.server.edges.answers import Json, iso
from sightline.server.edges.bodies import PlainJson
from sightline.server.edges.langfuse.models.bodies import ModelBody, condition_shape
from sightline.server.edges.params import Paged
from sightline.server.edges.services import Served
from sightline.server.pricing.records import Model, ModelId, Tier

router = APIRouter(route_class=PlainJson, prefix="/api/public/models")

Reader = Annotated[Access, key_for("models.read")]
Writer = Annotated[Access, key_for("models.write")]


@router.get("")
async def list_models(who: Reader, services: Served, params: Annotated[Paged, Query()]) -> Json:
    models, total = await services.prices.page(who.project_id, params.limit, params.offset)
    return Json(params.paged([_model(model) for model in models], total))


@router.post("")
async def create(body: ModelBody, who: Writer, services: Served) -> Json:
    return Json(_model(await services.prices.create(who.project_id, body.model(who.project_id))))


@router.get("/{modelId}")
async def read(modelId: str, who: Reader, services: Served) -> Json:
    return Json(_model(await services.prices.get(who.project_id, ModelId(modelId))))


@router.put("/{modelId}")
async def put(modelId: Annotated[str, Path(max_length=64)], body: ModelBody, who: Writer, services: Served) -> Json:
    """Upsert a model by id; a full replacement (PUT), not a merge."""
    model = body.model(who.project_id, ModelId(modelId))
    return Json(_model(await services.prices.put(who.project_id, model)))


@router.delete("/{modelId}", status_code=204)
async def delete(modelId: str, who: Writer, services: Served) -> None:
    await services.prices.delete(who.project_id, ModelId(modelId))


def _model(model: Model) -> dict[str, Any]:
    prices = model.default_tier.prices
    return {
        "id": model.id,
        "projectId": model.project_id,
        "modelName": model.name,
        "matchPattern": model.match_pattern,
        "startDate": iso(model.start_date),
        "unit": model.unit,
        "inputPrice": prices.get("input"),
        "outputPrice": prices.get("output"),
        "totalPrice": prices.get("total"),
        "prices": {name: {"price": price} for name, price in prices.items()},
        "pricingTiers": [_tier(tier) for tier in sorted(model.tiers, key=lambda tier: tier.priority)],
        "tokenizerId": model.tokenizer_id,
        "tokenizerConfig": model.tokenizer_config,
        "isLangfuseManaged": model.project_id is None,
        "createdAt": iso(model.created_at),
    }


def _tier(tier: Tier) -> dict[str, Any]:
    return {
        "id": tier.id,
        "name": tier.name,
        "isDefault": tier.is_default,
        "priority": tier.priority,
        "conditions": [condition_shape(condition) for condition in tier.conditions],
        "prices": dict(tier.prices),
    }
