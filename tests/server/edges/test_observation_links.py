"""What an observation refers to: the prompt it was made from, and the model that priced it."""

import pytest

from server.edges.running_site import HERE, Site

pytestmark = pytest.mark.asyncio(loop_scope="module")

GENERATION = {"langfuse.observation.type": "generation"}


async def test_a_generation_names_its_prompt_by_id(site: Site):
    body = {"name": "greeting", "prompt": "Hello"}
    prompt = (await site.client.post("/api/public/v2/prompts", json=body, headers=HERE)).json()
    linked = {"langfuse.observation.prompt.name": "greeting", "langfuse.observation.prompt.version": 1}
    sent = await site.send(GENERATION | linked)
    older = await site.get(f"/observations/{sent.span_id}")
    assert (older["promptId"], older["promptName"], older["promptVersion"]) == (prompt["id"], "greeting", 1)
    [newer] = (await site.get("/v2/observations", traceId=sent.trace_id, fields="prompt"))["data"]
    assert newer["promptId"] == prompt["id"]
    [in_trace] = (await site.get(f"/traces/{sent.trace_id}"))["observations"]
    assert in_trace["promptId"] == prompt["id"]
    gone = await site.send(GENERATION | linked | {"langfuse.observation.prompt.version": 2})
    assert (await site.get(f"/observations/{gone.span_id}"))["promptId"] is None


async def test_a_generation_shows_the_prices_of_its_model(site: Site):
    prices = {"inputPrice": 0.000001, "outputPrice": 0.000002}
    model = {"modelName": "tiny", "matchPattern": "(?i)^tiny$", "unit": "TOKENS", **prices}
    made = (await site.client.post("/api/public/models", json=model, headers=HERE)).json()
    named = {"langfuse.observation.model.name": "tiny", "langfuse.observation.usage_details": '{"input":10,"output":5}'}
    sent = await site.send(GENERATION | named)
    older = await site.get(f"/observations/{sent.span_id}")
    assert (older["modelId"], older["inputPrice"], older["totalPrice"]) == (made["id"], 0.000001, None)
    assert (older["calculatedInputCost"], older["usagePricingTierId"] is None) == (0.00001, False)
    [newer] = (await site.get("/v2/observations", traceId=sent.trace_id, fields="model,usage"))["data"]
    assert (newer["inputPrice"], newer["outputPrice"], newer["totalPrice"]) == ("0.000001", "0.000002", None)
    assert newer["totalCost"] == pytest.approx(0.00002)


async def test_a_generation_without_prompt_or_known_model_has_neither(site: Site):
    sent = await site.send(GENERATION | {"langfuse.observation.model.name": "nobody-knows-it"})
    row = await site.get(f"/observations/{sent.span_id}")
    assert (row["promptId"], row["modelId"], row["inputPrice"]) == (None, None, None)
