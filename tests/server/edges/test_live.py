"""Live hints and the Ask page's stream, through the whole application."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace

import httpx2
import pytest

from server.edges.running_site import PASSWORD, Site, browser, opened
from sightline.server.accounts.records import InitialAccounts, OrganizationId
from sightline.server.edges.endpoint import ModelEndpoint
from sightline.server.runtime.hub import SECONDS_UNTIL_CHECKED
from sightline.server.settings import Settings

IMAGE = "data:image/png;base64,AAAA"


async def test_a_stored_span_becomes_a_hint_and_closing_the_hub_ends_the_stream(
    fresh_settings: Callable[..., Settings],
):
    async with opened(fresh_settings()) as site, browser(site, "ada@example.org") as ada:
        listening = asyncio.create_task(ada.get("/api/web/projects/here/live"))
        while not site.app.state.hub.subscribers:  # noqa: ASYNC110 - the hub tells nobody who listens
            await asyncio.sleep(0.01)
        await site.send()
        site.app.state.hub.close()
        answer = await asyncio.wait_for(listening, 60)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert 'event: hint\ndata: {"topic":"traces","count":1}\n\n' in answer.text


async def test_a_removed_members_stream_ends_within_seconds(fresh_settings: Callable[..., Settings]):
    async with opened(fresh_settings()) as site:
        services = site.app.state.services
        seed = InitialAccounts(org_id="lab", project_id="here", user_email="leo@example.org", user_password=PASSWORD)
        person = (await services.accounts.seed(seed)).user
        async with browser(site, "leo@example.org") as leo:
            listening = asyncio.create_task(leo.get("/api/web/projects/here/live"))
            while not site.app.state.hub.subscribers:  # noqa: ASYNC110 - the hub tells nobody who listens
                await asyncio.sleep(0.01)
            await services.organizations.remove_member(OrganizationId("lab"), person.id)
            await asyncio.wait_for(listening, SECONDS_UNTIL_CHECKED + 5)
            assert site.app.state.hub.subscribers == 0
            assert (await leo.get("/api/web/projects/here/live")).status_code == 404


async def test_asking_hands_on_the_endpoints_words_models_and_samples(fresh_settings: Callable[..., Settings]):
    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/v1/models":
            about = {"description": "d", "suggestions": ["how many?"], "methods": ["live"]}
            return httpx2.Response(200, json={"data": [{"id": "sightline-tiny", "sightline": about}, {"id": "x/y"}]})
        if request.url.path == "/v1/samples":
            return httpx2.Response(200, json={"data": [{"id": "s 1", "caption": "c", "suggestions": []}]})
        if request.url.path.startswith("/v1/samples/"):
            return httpx2.Response(200, content=b"png", headers={"Content-Type": "image/png"})
        asked = json.loads(request.content)["messages"][0]["content"][-1]["text"]
        if asked == "fail":
            return httpx2.Response(422, json={"error": {"message": "the image is broken"}})
        chunks = [{"choices": [{"delta": {"content": "three"}}]}]
        if asked != "stop":
            chunks.append({"choices": [{"delta": {}, "finish_reason": "stop"}]})
        body = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks)
        return httpx2.Response(200, text=body + "data: [DONE]\n\n")

    async with opened(fresh_settings()) as site, browser(site, "ada@example.org") as ada:
        model = ModelEndpoint("http://model.test", transport=httpx2.MockTransport(answer))
        site.app.state.services = replace(site.app.state.services, endpoint=model)
        models = (await ada.get("/api/web/projects/here/models")).json()["data"]
        assert [(each["id"], each["name"]) for each in models] == [("sightline-tiny", "sightline-tiny"), ("x/y", "y")]
        [sample] = (await ada.get("/api/web/projects/here/models/x%2Fy/samples")).json()["data"]
        assert (await ada.get(sample["url"])).content == b"png"
        said = {word: await asked(ada, word) for word in ("well", "fail", "stop")}
    assert [event for event, _ in said["well"]] == ["token", "done"]
    assert said["well"][-1][1]["answer"] == "three"
    assert said["fail"] == [("error", {"message": "the image is broken"})]
    assert said["stop"][-1] == ("error", {"message": "The model endpoint broke off its answer: ask again"})


async def asked(ada: httpx2.AsyncClient, question: str) -> list[tuple[str, dict[str, object]]]:
    body = {"model": "x/y", "image": IMAGE, "question": question}
    answer = await ada.post("/api/web/projects/here/ask", json=body)
    blocks = [block.split("\n") for block in answer.text.split("\n\n") if block.startswith("event: ")]
    return [(block[0].removeprefix("event: "), json.loads(block[1].removeprefix("data: "))) for block in blocks]


async def test_sign_in_attempts_are_limited(fresh_settings: Callable[..., Settings]):
    async with opened(fresh_settings().model_copy(update={"sign_in_limit": "2/minute"})) as site:
        statuses = [await attempt(site) for _ in range(3)]
    assert statuses == [401, 401, 429]


async def attempt(site: Site) -> int:
    answer = await site.client.post("/api/web/session", json={"token": "guess"})
    if answer.status_code == 429:
        assert answer.headers["retry-after"] == "60"
    return answer.status_code


async def test_over_https_the_cookie_is_bound_to_the_host(fresh_settings: Callable[..., Settings]):
    async with opened(fresh_settings(public_url="https://sightline.test")) as site:
        token = await site.app.state.services.accounts.sign_in_link()
        answer = await site.client.post("/api/web/session", json={"token": token})
    assert answer.headers["set-cookie"].startswith("__Host-sightline_session=")
    assert "Secure" in answer.headers["set-cookie"]


@pytest.mark.parametrize("name", ["init_project_public_key", "init_project_secret_key"])
def test_half_a_key_pair_is_refused(name: str):
    with pytest.raises(ValueError, match="go together"):
        Settings(**{name: "half"})
