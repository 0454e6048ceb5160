"""Skills through Langfuse's paths, by its own client."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from langfuse.api import AsyncLangfuseAPI

from server.edges.running_site import ELSEWHERE, HERE, Site
from server.edges.sdk import sdk

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATH = "/api/public/unstable/skills"


@pytest_asyncio.fixture(loop_scope="module")
async def api(site: Site) -> AsyncIterator[AsyncLangfuseAPI]:
    async with sdk(site) as client:
        yield client


def manifest(name: str, description: str = "Counts ducks") -> dict[str, str]:
    return {"path": "SKILL.md", "content": f"---\nname: {name}\ndescription: {description}\nlicense: MIT\n---\n# How\n"}


async def create(site: Site, *files: dict[str, str], status: int = 201, **more: Any) -> Any:
    answer = await site.client.post(PATH, json={"files": list(files), **more}, headers=HERE)
    assert answer.status_code == status, answer.text
    return answer.json()


async def patch(site: Site, path: str, body: Any) -> httpx2.Response:
    return await site.client.patch(f"{PATH}/{path}", json=body, headers=HERE)


async def test_a_version_is_made_of_files_and_read_back(site: Site, api: AsyncLangfuseAPI):
    script = {"path": "scripts/count.py", "content": "print(3)\n"}
    made = await create(site, manifest("count-ducks"), script, commitMessage="first")
    assert (made["name"], made["version"], made["labels"]) == ("count-ducks", 1, ["latest"])
    read = await api.unstable.skills.get("count-ducks", version=1)
    assert read.frontmatter == {"name": "count-ducks", "description": "Counts ducks", "license": "MIT"}
    assert [(file.path, file.content_type) for file in read.files] == [
        ("SKILL.md", "text/markdown"),
        ("scripts/count.py", "text/x-python"),
    ]
    hashes = ",".join(file.sha256hash for file in read.files)
    contents = await api.unstable.skills.get_file_contents(sha256hashes=hashes)
    assert [each.content for each in contents.data][1] == "print(3)\n"


async def test_a_next_version_names_files_that_are_here_by_their_hash(site: Site):
    script = {"path": "run.py", "content": "print(4)\n"}
    first = await create(site, manifest("reuse"), script)
    known = {"path": "main.py", "sha256Hash": first["files"][1]["sha256Hash"]}
    second = await create(site, manifest("reuse", "Better"), known)
    assert (second["version"], second["description"]) == (2, "Better")
    assert second["files"][1]["contentLength"] == len("print(4)\n")
    unknown = {"path": "x.py", "sha256Hash": "A" * 43 + "="}
    refused = await create(site, manifest("reuse"), unknown, status=400)
    assert "x.py" in refused["message"]
    assert refused["code"] == "invalid_request"


async def test_labels_move_and_latest_follows_the_newest(site: Site, api: AsyncLangfuseAPI):
    for _ in range(3):
        await create(site, manifest("labels"))
    await api.unstable.skills.set_labels("labels", 1, labels=["production", "stable"])
    moved = await api.unstable.skills.set_labels("labels", 2, labels=["production"])
    assert moved.labels == ["production"]
    assert (await api.unstable.skills.get("labels")).version == 2
    assert (await api.unstable.skills.get("labels", label="stable")).version == 1
    assert (await api.unstable.skills.get("labels", label="latest")).version == 3
    assert (await patch(site, "labels/versions/1", {"labels": ["latest"]})).status_code == 400
    assert (await api.unstable.skills.delete_version("labels", 3)).deleted
    assert (await api.unstable.skills.get("labels", label="latest")).version == 2


async def test_tags_belong_to_all_versions(site: Site, api: AsyncLangfuseAPI):
    await create(site, manifest("tagged"))
    await create(site, manifest("tagged"))
    newest = await api.unstable.skills.update("tagged", tags=["birds", "counting"])
    assert (newest.version, newest.tags) == (2, ["birds", "counting"])
    assert (await api.unstable.skills.get("tagged", version=1)).tags == ["birds", "counting"]
    assert (await create(site, manifest("tagged")))["tags"] == ["birds", "counting"]


async def test_skills_are_listed_and_found(site: Site, api: AsyncLangfuseAPI):
    for name, description in (("list-a", "of Swans"), ("list-b", "of geese")):
        await create(site, manifest(name, description))
    await api.unstable.skills.set_labels("list-b", 1, labels=["production"])
    await api.unstable.skills.update("list-a", tags=["only-here"])
    page = await api.unstable.skills.list(search="LIST-", limit=1)
    assert ([row.name for row in page.data], page.meta.total_items, page.meta.has_next_page) == (["list-a"], 2, True)
    assert [row.name for row in (await api.unstable.skills.list(search="swan")).data] == ["list-a"]
    assert [row.name for row in (await api.unstable.skills.list(tag="only-here")).data] == ["list-a"]
    [exact] = (await api.unstable.skills.list(name="list-b")).data
    assert (exact.latest_version, exact.production_version) == (1, 1)


async def test_a_file_that_no_version_has_is_forgotten(site: Site):
    kept = {"path": "kept.txt", "content": "kept"}
    made = await create(site, manifest("forget"), kept, {"path": "gone.txt", "content": "gone with its version"})
    await create(site, manifest("forget"), kept)
    hashes = {file["path"]: file["sha256Hash"] for file in made["files"]}
    assert (await site.client.delete(f"{PATH}/forget/versions/1", headers=HERE)).json() == {"deleted": True}
    assert (await site.get("/unstable/skills/files/content", sha256Hashes=hashes["kept.txt"]))["data"]
    params = {"sha256Hashes": hashes["gone.txt"]}
    answer = await site.client.get(f"{PATH}/files/content", params=params, headers=HERE)
    assert (answer.status_code, answer.json()["code"]) == (404, "resource_not_found")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([{"path": "README.md", "content": "x"}], "SKILL.md"),
        ([{"path": "SKILL.md", "content": "no head"}], "---"),
        ([{"path": "SKILL.md", "content": "---\nname: [\n---\n"}], "cannot be read"),
        ([{"path": "SKILL.md", "content": "---\nname: Big Name\ndescription: d\n---\n"}], "Big Name"),
        ([{"path": "SKILL.md", "content": "---\nname: fine\n---\n"}], "description"),
        ([manifest("fine"), {"path": "../outside", "content": "x"}], "../outside"),
        ([manifest("fine"), {"path": "/etc/passwd", "content": "x"}], "/etc/passwd"),
        ([manifest("fine"), {"path": "skill.md", "content": "x"}], "same path"),
        ([manifest("fine"), {"path": "both", "content": "x", "sha256Hash": "A" * 43 + "="}], "Invalid request data"),
    ],
)
async def test_what_is_no_skill_is_refused(site: Site, files: list[dict[str, str]], said: str):
    assert said in (await create(site, *files, status=400))["message"]


async def test_another_project_has_other_skills(site: Site):
    made = await create(site, manifest("secret"))
    assert (await site.client.get(f"{PATH}/secret?version=1", headers=ELSEWHERE)).status_code == 404
    params = {"sha256Hashes": made["files"][0]["sha256Hash"]}
    assert (await site.client.get(f"{PATH}/files/content", params=params, headers=ELSEWHERE)).status_code == 404
    assert (await site.client.get(PATH, headers=ELSEWHERE)).json()["data"] == []
    assert (await site.client.delete(f"{PATH}/secret/versions/1", headers=ELSEWHERE)).status_code == 404
