"""Langfuse's paths of models: the project's own, the built-in ones, and the costs they lead to."""

from datetime import UTC, datetime
from typing import Any

import pytest
from langfuse.api import NotFoundError
from langfuse.api.commons import PricingTierInput, PricingTierUsageConditionInput

from server.edges.running_site import HERE, Site
from server.edges.sdk import sdk

pytestmark = pytest.mark.asyncio(loop_scope="module")

MODELS = "/api/public/models"
OURS: dict[str, Any] = {"modelName": "ours", "matchPattern": "(?i)^ours$", "unit": "TOKENS", "inputPrice": 0.5}


async def test_the_clients_make_read_replace_and_delete_a_model(site: Site):
    long = PricingTierUsageConditionInput(usage_detail_pattern="^input", operator="gt", value=100)
    tiers = [
        PricingTierInput(name="standard", is_default=True, priority=0, conditions=[], prices={"input": 1.0}),
        PricingTierInput(name="long", is_default=False, priority=1, conditions=[long], prices={"input": 2.0}),
    ]
    async with sdk(site) as api:
        made = await api.models.create(
            model_name="tiered",
            match_pattern="^tiered$",
            unit="TOKENS",
            start_date=datetime(2026, 1, 1, tzinfo=UTC),
            pricing_tiers=tiers,
        )
        assert (made.is_langfuse_managed, [tier.name for tier in made.pricing_tiers]) == (False, ["standard", "long"])
        assert await api.models.get(made.id) == made
        flat = await api.models.upsert(
            made.id, model_name="flat", match_pattern="^flat$", unit="TOKENS", input_price=0.5, output_price=1.5
        )
        assert (flat.id, flat.created_at, flat.prices["output"].price) == (made.id, made.created_at, 1.5)
        assert made.id in [model.id for model in (await api.models.list(limit=100)).data]
        named = await api.models.upsert("my-id", model_name="flat", match_pattern="^x$", unit="IMAGES", total_price=0.5)
        assert (named.id, named.total_price) == ("my-id", 0.5)
        await api.models.delete(made.id)
        with pytest.raises(NotFoundError):
            await api.models.get(made.id)


async def test_every_built_in_model_can_be_listed_and_none_changed(site: Site):
    async with sdk(site) as api:
        first = await api.models.list(limit=100)
        last = await api.models.list(limit=100, page=first.meta.total_pages)
        assert first.meta.total_items > 1_000
        built_in = last.data[-1]
        assert built_in.is_langfuse_managed
        assert (await api.models.get(built_in.id)).model_name == built_in.model_name
    refused = await site.client.delete(f"{MODELS}/{built_in.id}", headers=HERE)
    assert (refused.status_code, "built in" in refused.json()["message"]) == (400, True)


@pytest.mark.parametrize(
    "changes",
    [
        {"inputPrice": None},
        {"inputPrice": -1},
        {"totalPrice": 1},
        {"pricingTiers": [{"name": "t", "isDefault": True, "priority": 0, "conditions": [], "prices": {"input": 1}}]},
        {"inputPrice": None, "pricingTiers": [{"name": "t", "priority": 0, "conditions": [], "prices": {"input": 1}}]},
        {"inputPrice": None, "pricingTiers": []},
        {"matchPattern": "(unclosed"},
        {"unit": "BUSHELS"},
        {"modelName": ""},
        {"startDate": "yesterday"},
        {"tokenizerId": "mine"},
    ],
)
async def test_a_model_that_makes_no_sense_is_refused(site: Site, changes: dict[str, Any]):
    answer = await site.client.post(MODELS, json=OURS | changes, headers=HERE)
    assert answer.status_code == 400, answer.text


async def test_a_span_of_an_own_model_costs_what_the_model_says_from_then_on(site: Site):
    model = {"modelName": "m", "matchPattern": "^priced-here$", "unit": "TOKENS", "inputPrice": 0.5, "outputPrice": 2}
    made = (await site.client.post(MODELS, json=model, headers=HERE)).json()
    usage = {"gen_ai.usage.input_tokens": 4, "gen_ai.usage.output_tokens": 1}
    sent = await site.send({"gen_ai.response.model": "priced-here", **usage})
    [seen] = (await site.get("/v2/observations", traceId=sent.trace_id, fields="usage"))["data"]
    assert (seen["costDetails"], seen["totalCost"]) == ({"input": 2.0, "output": 2.0, "total": 4.0}, 4.0)
    assert (await site.get(f"/traces/{sent.trace_id}"))["totalCost"] == 4.0
    told = await site.send({"gen_ai.response.model": "priced-here", "gen_ai.usage.cost": 7.5, **usage})
    assert (await site.get(f"/traces/{told.trace_id}"))["totalCost"] == 7.5
    await site.client.delete(f"{MODELS}/{made['id']}", headers=HERE)


async def test_a_span_of_a_well_known_model_has_a_cost(site: Site):
    sent = await site.send({"gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 1_000_000})
    assert (await site.get(f"/traces/{sent.trace_id}"))["totalCost"] == 2.5
