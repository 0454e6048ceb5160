"""Langfuse's prompt paths: names with slashes, version or label, filters, refusals."""

from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from server.edges.running_site import ELSEWHERE, HERE, Site

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROMPTS = "/api/public/v2/prompts"
CHAT = [{"role": "system", "content": "Be brief"}, {"type": "placeholder", "name": "history"}]


async def send(site: Site, name: str, prompt: Any = "Hello", **more: Any) -> httpx2.Response:
    body = {"name": name, "prompt": prompt} | more
    return await site.client.post(PROMPTS, json=body, headers=HERE)


async def made(site: Site, name: str, prompt: Any = "Hello", **more: Any) -> Any:
    answer = await send(site, name, prompt, **more)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def read(site: Site, name: str, **params: Any) -> httpx2.Response:
    return await site.client.get(f"{PROMPTS}/{quote(name, safe='')}", params=params, headers=HERE)


async def test_a_prompt_is_answered_whole_and_read_back_by_production(site: Site):
    created = await made(site, "whole", labels=["production"], tags=["t"], config={"n": 1}, commitMessage="first")
    assert (created["type"], created["version"], created["labels"]) == ("text", 1, ["production", "latest"])
    got = (await read(site, "whole")).json()
    assert got == created
    assert (got["prompt"], got["config"], got["tags"], got["commitMessage"]) == ("Hello", {"n": 1}, ["t"], "first")
    assert (got["isActive"], got["createdBy"], got["resolutionGraph"], got["projectId"]) == (True, "API", None, "here")


async def test_names_hold_slashes_and_spaces_in_one_encoded_segment(site: Site):
    name = "folder/sub folder/versions/100%"
    await made(site, name, labels=["production"])
    await made(site, name, "Hello again")
    assert (await read(site, name)).json()["version"] == 1
    path = f"{PROMPTS}/{quote(name, safe='')}/versions/2"
    moved = await site.client.patch(path, json={"newLabels": ["production", "b"]}, headers=HERE)
    assert (moved.status_code, moved.json()["labels"]) == (200, ["b", "production", "latest"])
    assert (await read(site, name)).json()["prompt"] == "Hello again"
    assert (await read(site, name, version=1)).json()["labels"] == []
    assert (await site.client.delete(f"{PROMPTS}/{quote(name, safe='')}", headers=HERE)).status_code == 204
    assert (await read(site, name)).status_code == 404


async def test_chats_keep_their_messages_and_placeholders(site: Site):
    created = await made(site, "chat", CHAT, type="chat")
    assert created["prompt"] == [{"type": "chatmessage", **CHAT[0]}, CHAT[1]]
    assert (created["type"], created["config"], created["labels"]) == ("chat", {}, ["latest"])


async def test_version_and_label_exclude_each_other(site: Site):
    await made(site, "either", labels=["a"])
    assert (await read(site, "either", version=1)).json()["version"] == 1
    assert (await read(site, "either", label="a")).json()["version"] == 1
    both = await read(site, "either", version=1, label="a")
    assert (both.status_code, both.json()["error"]) == (400, "InvalidRequestError")
    assert "label 'a'" in both.json()["message"]


async def test_what_is_not_there_says_so_in_langfuses_words(site: Site):
    await made(site, "unlabelled")
    for params in ({}, {"label": "none"}, {"version": 7}):
        answer = await read(site, "unlabelled", **params)
        assert (answer.status_code, answer.json()["error"]) == (404, "LangfuseNotFoundError")
    other = await site.client.get(f"{PROMPTS}/unlabelled", params={"version": 1}, headers=ELSEWHERE)
    assert other.status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"prompt": "nameless"},
        {"name": "", "prompt": "x"},
        {"name": "a|b", "prompt": "x"},
        {"name": "n"},
        {"name": "n", "prompt": "x", "type": "chat"},
        {"name": "n", "prompt": [{"role": "user"}], "type": "chat"},
        {"name": "n", "prompt": CHAT, "type": "text"},
        {"name": "n", "prompt": "x", "labels": ["Not OK"]},
        {"name": "n", "prompt": "x", "labels": ["a" * 37]},
        [],
    ],
)
async def test_a_wrong_prompt_is_refused_with_its_issues(site: Site, body: Any):
    answer = await site.client.post(PROMPTS, json=body, headers=HERE)
    assert (answer.status_code, answer.json()["message"]) == (400, "Invalid request data")
    assert answer.json()["error"][0]["path"] is not None


async def test_a_prompt_does_not_change_its_type(site: Site):
    await made(site, "typed")
    answer = await send(site, "typed", CHAT, type="chat")
    assert (answer.status_code, answer.json()["error"]) == (400, "InvalidRequestError")
    assert "is a text prompt" in answer.json()["message"]


async def test_latest_is_moved_by_nobody(site: Site):
    await made(site, "latest-mover")
    moved = await site.client.patch(f"{PROMPTS}/latest-mover/versions/1", json={"newLabels": ["latest"]}, headers=HERE)
    assert moved.status_code == 400
    missing = await site.client.patch(f"{PROMPTS}/latest-mover/versions/9", json={"newLabels": ["a"]}, headers=HERE)
    assert missing.status_code == 404


async def test_included_texts_are_put_in_place_unless_asked_not_to(site: Site):
    tag = "@@@langfusePrompt:name=part|label=production@@@"
    await made(site, "part", "the part", labels=["production"])
    await made(site, "outer", f"Before {tag} after", labels=["production"])
    resolved = (await read(site, "outer")).json()
    assert resolved["prompt"] == "Before the part after"
    graph = resolved["resolutionGraph"]
    assert (graph["root"]["name"], graph["dependencies"][resolved["id"]][0]["name"]) == ("outer", "part")
    raw = (await read(site, "outer", resolve="false")).json()
    assert (raw["prompt"], raw["resolutionGraph"]) == (f"Before {tag} after", None)
    needed = await site.client.delete(f"{PROMPTS}/part", headers=HERE)
    assert (needed.status_code, "'outer' version 1" in needed.json()["message"]) == (400, True)


async def test_one_version_or_one_label_can_be_deleted(site: Site):
    for text in ("one", "two", "three"):
        await made(site, "shrinking", text, labels=["staging"] if text == "two" else [])
    for params in ({"label": "staging"}, {"version": 3}):
        gone = await site.client.delete(f"{PROMPTS}/shrinking", params=params, headers=HERE)
        assert gone.status_code == 204
    assert (await read(site, "shrinking", label="latest")).json()["prompt"] == "one"
    again = await site.client.delete(f"{PROMPTS}/shrinking", params={"version": 3}, headers=HERE)
    assert again.status_code == 404


async def test_the_list_shows_each_prompt_over_its_matching_versions(site: Site):
    await made(site, "listed/a", tags=["l"], config={"model": "small"})
    await made(site, "listed/a", labels=["l-live"], config={"model": "large"})
    await made(site, "listed/b", CHAT, type="chat", tags=["l"])
    page = await site.get("/v2/prompts", tag="l", limit=1)
    assert page["meta"] == {"page": 1, "limit": 1, "totalItems": 2, "totalPages": 2}
    [first] = page["data"]
    assert (first["name"], first["type"], first["versions"]) == ("listed/a", "text", [1, 2])
    assert (first["labels"], first["tags"], first["lastConfig"]) == (["l-live", "latest"], ["l"], {"model": "large"})

    async def names(**params: Any) -> list[str]:
        return [row["name"] for row in (await site.get("/v2/prompts", **params))["data"]]

    assert await names(name="listed/b") == ["listed/b"]
    assert await names(label="l-live") == ["listed/a"]
    assert await names(tag="l", fromUpdatedAt="2100-01-01T00:00:00Z") == []
    starting = '[{"type":"string","column":"name","operator":"starts with","value":"listed/"}]'
    assert await names(filter=starting) == ["listed/a", "listed/b"]
    wrong = await site.client.get(PROMPTS, params={"filter": starting.replace("name", "moon")}, headers=HERE)
    assert (wrong.status_code, "moon" in wrong.text or "column" in wrong.text) == (400, True)
