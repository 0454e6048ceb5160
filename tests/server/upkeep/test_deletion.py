"""What is deleted is found by no read any more, and by nobody in the folder once the deadline is past."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from server.cluster import Place
from server.edges.running_site import ELSEWHERE, HERE, ORIGIN, PASSWORD, Site, basic, browser, opened, settings_in
from server.hands import Time
from server.upkeep.marking import ask, data_uri, found, marked_trace, picture, upload
from sightline.server.accounts.records import InitialAccounts
from sightline.server.runtime.clock import clock
from sightline.server.settings import Settings
from sightline.server.upkeep.actions import Retention
from sightline.server.upkeep.records import ERASED

MARKER = "zqmarker"
ORGANIZATION = basic("pk-lf-lab", "sk-lf-lab")
WORDS = (
    "input",
    "output",
    "metadata",
    "name",
    "tag",
    "user",
    "span",
    "event",
    "score",
    "comment",
    "inline",
    "uploaded",
)
"""Where the marker of a trace stands before the deletion."""
LAB = {"init_org_name": "Lab", "init_org_public_key": "pk-lf-lab", "init_org_secret_key": "sk-lf-lab"}


@pytest.fixture
def settings(tmp_path: Path, new_place: Callable[[Path], Place]) -> Settings:
    folder = tmp_path / "data"
    folder.mkdir()
    return settings_in(folder, new_place(folder), **LAB)


@asynccontextmanager
async def erased(settings: Settings) -> AsyncIterator[Site]:
    """A site; at the end of the block all that was deleted is taken off the disk."""
    async with opened(settings) as site:
        yield site
        await site.app.state.services.erasing.now()


async def none_left(site: Site, trace_id: str) -> None:
    """No read finds a trace or what belonged to it."""
    await ask(site, "GET", f"/traces/{trace_id}", expect=404)
    for path in ("/traces", "/observations", "/v2/scores", "/comments", "/sessions"):
        assert (await ask(site, "GET", path))["data"] == [], path
    [queue] = (await ask(site, "GET", "/annotation-queues"))["data"]
    assert (await ask(site, "GET", f"/annotation-queues/{queue['id']}/items"))["data"] == []
    assert (await ask(site, "GET", "/datasets/runs/runs/r"))["datasetRunItems"] == []


async def media_of(site: Site, trace_id: str) -> set[str]:
    """Ids of the files on the page of a trace."""
    trace = await ask(site, "GET", f"/traces/{trace_id}")
    text = str(trace)
    return {part.split("|")[0] for part in text.split("|id=")[1:]}


def check_search(seen: dict[str, set[str]]) -> None:
    """What is to be found nowhere is found before the deletion."""
    assert any("observations" in place for place in seen)
    assert any("media" in place for place in seen)
    assert {f"{MARKER}-{each}" for each in WORDS} <= set().union(*seen.values())
    assert {"sightline.db", "sightline.db-wal"} & set(seen)


async def test_a_deleted_trace_leaves_nothing(settings: Settings):
    folder = Path(settings.data_dir)
    async with erased(settings) as site, browser(site, "ada@example.org") as page:
        trace_id = await marked_trace(site, MARKER)
        uploaded = await upload(site, picture(f"{MARKER}-uploaded"), trace_id)
        files = {uploaded, *await media_of(site, trace_id)}
        for each in files:
            assert (await page.get(f"/api/web/projects/here/media/{each}")).status_code == 200
        if str(folder) in str(settings.observations_url):
            check_search(found(folder, MARKER))
        await ask(site, "DELETE", f"/traces/{trace_id}")
        await none_left(site, trace_id)
        for each in files:
            assert (await page.get(f"/api/web/projects/here/media/{each}")).status_code == 404
            assert (await page.get(f"/api/web/projects/here/media/{each}?size=thumb")).status_code == 404
    assert found(folder, MARKER) == {}


async def test_a_deleted_session_leaves_nothing(settings: Settings):
    folder, session = Path(settings.data_dir), f"{MARKER}-session"
    async with erased(settings) as site:
        traces = [await marked_trace(site, MARKER, session=session) for _ in range(2)]
        said = {"projectId": "here", "objectType": "SESSION", "objectId": session, "content": f"{MARKER}-on-session"}
        await ask(site, "POST", "/comments", said)
        await ask(site, "POST", "/scores", {"name": "s", "value": 1, "sessionId": session, "comment": f"{MARKER}-s"})
        [queue] = (await ask(site, "GET", "/annotation-queues"))["data"]
        queued = {"objectId": session, "objectType": "SESSION"}
        await ask(site, "POST", f"/annotation-queues/{queue['id']}/items", queued)
        await ask(site, "DELETE", f"/sessions/{session}")
        for trace_id in traces:
            await none_left(site, trace_id)
        await ask(site, "DELETE", f"/sessions/{session}", expect=404)
    assert found(folder, MARKER) == {}


async def everything(site: Site) -> None:
    """The marker in a trace and in each other thing of the project."""
    await marked_trace(site, MARKER, session=f"{MARKER}-session")
    await ask(site, "POST", "/v2/prompts", {"name": "prompt", "prompt": f"{MARKER}-text", "type": "text"}, 201)
    named = {"name": f"{MARKER}-prompt", "prompt": "p", "type": "text", "labels": [f"{MARKER.lower()}-label"]}
    await ask(site, "POST", "/v2/prompts", named, 201)
    await ask(site, "DELETE", f"/v2/prompts/{MARKER}-prompt", expect=204)
    await ask(site, "POST", "/v2/datasets", {"name": f"{MARKER}-dataset"})
    item = {"datasetName": f"{MARKER}-dataset", "input": f"{MARKER}-item", "metadata": {"m": MARKER}}
    await ask(site, "POST", "/dataset-items", item)


async def test_a_deleted_project_leaves_nothing(settings: Settings):
    folder = Path(settings.data_dir)
    async with erased(settings) as site:
        await everything(site)
        await ask(site, "DELETE", "/projects/here", expect=202, headers=ORGANIZATION)
        await ask(site, "GET", "/traces", expect=401)
    assert found(folder, MARKER) == {}


async def test_a_deleted_organisation_takes_its_projects_with_it(settings: Settings):
    folder = Path(settings.data_dir)
    async with erased(settings) as site:
        await everything(site)
        await ask(site, "DELETE", "/organizations", {"name": "Lob"}, expect=409, headers=ORGANIZATION)
        await ask(site, "DELETE", "/organizations", {"name": "Lab"}, expect=202, headers=ORGANIZATION)
        await ask(site, "GET", "/traces", expect=401)
        async with browser(site, "ada@example.org") as page:
            assert (await page.get("/api/web/session")).json()["projects"] == []
    assert found(folder, MARKER) == {}


async def invitation(site: Site, email: str, role: str, name: str | None = None) -> tuple[dict[str, Any], str]:
    """An invitation by the owner, and the token of its link."""
    async with browser(site, "ada@example.org") as ada:
        draft = {"email": email, "role": role, "name": name}
        made = (await ada.post("/api/web/projects/here/members", json=draft)).json()
    return made["member"], made["link"].partition("#token=")[2]


async def joined(site: Site, email: str, role: str) -> dict[str, Any]:
    """A member who has accepted, with a password."""
    member, token = await invitation(site, email, role, name=email.partition("@")[0])
    answer = await site.client.post(
        "/api/web/links/password", json={"token": token, "password": PASSWORD}, headers={"Origin": ORIGIN}
    )
    assert answer.status_code == 200, answer.text
    return member


async def test_what_ends_by_retention_leaves_nothing(settings: Settings):
    folder, later = Path(settings.data_dir), Time(datetime.now(UTC) + timedelta(days=40))
    async with erased(settings) as site:
        trace_id = await marked_trace(site, MARKER, session=f"{MARKER}-session")
        said = {"projectId": "here", "objectType": "SESSION", "objectId": f"{MARKER}-session", "content": MARKER}
        await ask(site, "POST", "/comments", said)
        removal = site.app.state.services.removal
        with clock(later):
            fresh = {"name": "late", "value": 1, "traceId": trace_id, "comment": f"{MARKER}-late"}
            await ask(site, "POST", "/scores", fresh)
            await Retention(removal.stores, removal).keep("here", 30)
        await none_left(site, trace_id)
    assert found(folder, MARKER) == {}


async def test_an_erased_person_leaves_their_words_without_their_name(settings: Settings):
    folder, address = Path(settings.data_dir), f"{MARKER}@example.org"
    async with erased(settings) as site:
        made = await joined(site, address, "MEMBER")
        sent = await site.send()
        said = {"projectId": "here", "objectType": "TRACE", "objectId": sent.trace_id, "content": "well said"}
        await ask(site, "POST", "/comments", said | {"authorUserId": made["id"]})
        await ask(site, "POST", "/comments", said | {"authorUserId": address})
        queue = {"name": "q", "scoreConfigIds": []}
        config = await ask(site, "POST", "/score-configs", {"name": "c", "dataType": "NUMERIC"})
        queue = await ask(site, "POST", "/annotation-queues", queue | {"scoreConfigIds": [config["id"]]})
        async with browser(site, address) as page:
            await ask(site, "DELETE", f"/organizations/people/{made['id']}", headers=ORGANIZATION)
            assert (await page.get("/api/web/session")).status_code == 401
        assert {each["authorUserId"] for each in (await ask(site, "GET", "/comments"))["data"]} == {ERASED}
        people = await ask(site, "GET", "/scim/Users", headers=ORGANIZATION)
        assert made["id"] not in str(people)
        await ask(site, "GET", "/traces")  # Keys stay valid.
    assert found(folder, MARKER) == {}


async def test_a_person_can_erase_themselves_but_not_the_last_owner(settings: Settings):
    async with opened(settings) as site, browser(site, "ada@example.org") as page:
        invited = {"userName": "waits@example.org", "roles": ["OWNER"]}
        await ask(site, "POST", "/scim/Users", invited, expect=201, headers=ORGANIZATION)
        refused = await page.delete("/api/web/session/person")
        assert (refused.status_code, "last owner" in refused.json()["message"]) == (409, True)
        await joined(site, "bob@example.org", "OWNER")
        assert (await page.delete("/api/web/session/person")).status_code == 204
        assert (await page.get("/api/web/session")).status_code == 401


async def test_an_organisation_erases_its_own_name_of_a_person_and_no_account_of_another(settings: Settings):
    async with opened(settings) as site, browser(site, "eve@example.org") as eve:
        [known] = (await site.app.state.services.people.page("others", None, 0, 10))[0]
        await ask(site, "DELETE", f"/organizations/people/{known.user.id}", expect=404, headers=ORGANIZATION)
        member, token = await invitation(site, "eve@example.org", "MEMBER")
        assert (await eve.post("/api/web/links/join", json={"token": token})).status_code == 200
        await ask(site, "DELETE", f"/organizations/people/{member['id']}", headers=ORGANIZATION)
        assert [each["id"] for each in (await eve.get("/api/web/session")).json()["projects"]] == ["elsewhere"]


async def test_erasing_whom_one_invited_takes_their_address_from_no_other_organisations_projects(settings: Settings):
    """Anybody may invite any address, and nobody proves that one is theirs."""
    async with opened(settings) as site:
        address = "eve@example.org"
        for key, project in ((HERE, "here"), (ELSEWHERE, "elsewhere")):
            prompt = await ask(site, "POST", "/v2/prompts", {"name": "p", "prompt": "p"}, expect=201, headers=key)
            said = {"projectId": project, "objectType": "PROMPT", "objectId": prompt["id"], "content": "well said"}
            await ask(site, "POST", "/comments", said | {"authorUserId": address}, headers=key)
            await ask(site, "POST", "/scores", {"name": "n", "value": 1, "traceId": "t"}, headers=key)
        engine = site.app.state.services.removal.stores.engine
        await engine.execute(
            f"ALTER TABLE scores UPDATE author_user_id = '{address}' WHERE 1 SETTINGS mutations_sync = 1"
        )
        member, _ = await invitation(site, address, "MEMBER")
        await ask(site, "DELETE", f"/organizations/people/{member['id']}", headers=ORGANIZATION)
        for key, author in ((HERE, ERASED), (ELSEWHERE, address)):
            for path in ("/comments", "/v2/scores"):
                [found] = (await ask(site, "GET", path, headers=key))["data"]
                assert found["authorUserId"] == author, (path, author)


async def test_an_organisation_is_not_told_of_an_account_by_anothers_id_of_it(settings: Settings):
    async with opened(settings) as site, browser(site, "eve@example.org") as eve:
        account = (await eve.get("/api/web/session")).json()["user"]["id"]
        _, token = await invitation(site, "eve@example.org", "MEMBER")
        assert (await eve.post("/api/web/links/join", json={"token": token})).status_code == 200
        await ask(site, "DELETE", f"/organizations/people/{account}", expect=404, headers=ORGANIZATION)
        assert (await eve.get("/api/web/session")).status_code == 200


async def test_whoever_erases_themselves_is_erased_in_every_organisation(settings: Settings):
    async with opened(settings) as site, browser(site, "eve@example.org") as eve:
        member, token = await invitation(site, "eve@example.org", "MEMBER")
        assert (await eve.post("/api/web/links/join", json={"token": token})).status_code == 200
        sent = await site.send()
        said = {"projectId": "here", "objectType": "TRACE", "objectId": sent.trace_id, "content": "well said"}
        await ask(site, "POST", "/comments", said | {"authorUserId": member["id"]})
        refused = await eve.delete("/api/web/session/person")
        assert (refused.status_code, "last owner" in refused.json()["message"]) == (409, True)
        owner = InitialAccounts(
            org_id="others", project_id="elsewhere", user_email="o@example.org", user_password=PASSWORD
        )
        await site.app.state.services.accounts.seed(owner)
        assert (await eve.delete("/api/web/session/person")).status_code == 204
        assert {each["authorUserId"] for each in (await ask(site, "GET", "/comments"))["data"]} == {ERASED}
        assert member["id"] not in str(await ask(site, "GET", "/scim/Users", headers=ORGANIZATION))


async def test_a_deleted_organisation_takes_its_invitations_and_leaves_accounts(settings: Settings):
    folder = Path(settings.data_dir)
    async with erased(settings) as site:
        _, token = await invitation(site, "eve@example.org", "MEMBER", name=f"{MARKER}-of-eve")
        await invitation(site, f"{MARKER}@example.org", "MEMBER")
        async with browser(site, "eve@example.org") as eve:
            assert (await eve.post("/api/web/links/join", json={"token": token})).status_code == 200
            await ask(site, "DELETE", "/organizations", {"name": "Lab"}, expect=202, headers=ORGANIZATION)
            assert [each["id"] for each in (await eve.get("/api/web/session")).json()["projects"]] == ["elsewhere"]
    assert found(folder, MARKER) == {}


async def test_a_file_goes_with_its_last_use(settings: Settings):
    folder, shared = Path(settings.data_dir), picture(f"{MARKER}-shared")
    async with erased(settings) as site:
        first, second = [await marked_trace(site, MARKER, shared=shared) for _ in range(2)]
        both = await media_of(site, first) & await media_of(site, second)
        await ask(site, "DELETE", f"/traces/{first}")
        for each in both:
            assert (await ask(site, "GET", f"/media/{each}"))["mediaId"] == each
        token = f"@@@langfuseMedia:type=image/png|id={min(both)}|source=bytes@@@"
        await ask(site, "POST", "/v2/datasets", {"name": "kept"})
        item = await ask(site, "POST", "/dataset-items", {"datasetName": "kept", "input": {"image": token}})
        await ask(site, "DELETE", f"/traces/{second}")
        assert (await ask(site, "GET", f"/dataset-items/{item['id']}"))["mediaReferences"] != []
        await ask(site, "DELETE", f"/dataset-items/{item['id']}", params={"erase": True})
        await ask(site, "GET", f"/media/{min(both)}", expect=404)
        again = await marked_trace(site, "another", shared=shared)
        assert both & await media_of(site, again)
        for each in both & await media_of(site, again):
            assert (await ask(site, "GET", f"/media/{each}"))["mediaId"] == each
        await ask(site, "DELETE", f"/traces/{again}")
    assert found(folder, MARKER) == {}


async def test_an_item_made_from_a_trace_outlives_it(settings: Settings):
    async with erased(settings) as site:
        trace_id = await marked_trace(site, MARKER)
        await ask(site, "POST", "/v2/datasets", {"name": "copies"})
        copy = {"datasetName": "copies", "input": "copied", "sourceTraceId": trace_id}
        item = await ask(site, "POST", "/dataset-items", copy)
        await ask(site, "DELETE", f"/traces/{trace_id}")
        assert (await ask(site, "GET", f"/dataset-items/{item['id']}"))["input"] == "copied"


async def test_a_deleted_dataset_leaves_nothing(settings: Settings):
    folder = Path(settings.data_dir)
    async with erased(settings) as site:
        await ask(site, "POST", "/v2/datasets", {"name": "runs", "description": f"{MARKER}-dataset"})
        item = {"datasetName": "runs", "input": f"{MARKER} {data_uri(picture(MARKER))}"}
        item = await ask(site, "POST", "/dataset-items", item)
        await ask(site, "POST", "/dataset-items", {"datasetName": "runs", "id": item["id"], "input": "changed"})
        sent = await site.send()
        run = {"runName": f"{MARKER}-run", "datasetItemId": item["id"], "traceId": sent.trace_id}
        filed = await ask(site, "POST", "/dataset-run-items", run)
        score = {"name": "s", "value": 1, "datasetRunId": filed["datasetRunId"], "comment": f"{MARKER}-score"}
        await ask(site, "POST", "/scores", score)
        await ask(site, "DELETE", "/v2/datasets/runs")
        await ask(site, "GET", "/v2/datasets/runs", expect=404)
        assert (await ask(site, "GET", "/v2/scores"))["data"] == []
        await ask(site, "GET", f"/traces/{sent.trace_id}")
    assert found(folder, MARKER) == {}


async def test_comments_on_a_prompt_go_with_it(settings: Settings):
    folder = Path(settings.data_dir)
    async with erased(settings) as site:
        body = {"name": "prompt", "prompt": f"{MARKER}-text", "type": "text"}
        version = await ask(site, "POST", "/v2/prompts", body, expect=201)
        said = {"projectId": "here", "objectType": "PROMPT", "objectId": version["id"], "content": MARKER}
        await ask(site, "POST", "/comments", said)
        await ask(site, "DELETE", "/v2/prompts/prompt", expect=204)
        assert (await ask(site, "GET", "/comments"))["data"] == []
    assert found(folder, MARKER) == {}


async def test_other_projects_keep_what_is_theirs(settings: Settings):
    async with opened(settings) as site:
        elsewhere = basic("pk-lf-elsewhere", "sk-lf-elsewhere")
        trace_id = await marked_trace(site, MARKER)
        body = {"name": "t", "id": trace_id, "timestamp": "2026-05-01T00:00:00Z"}
        batch = [{"id": "1", "type": "trace-create", "timestamp": "2026-05-01T00:00:00Z", "body": body}]
        await ask(site, "POST", "/ingestion", {"batch": batch}, expect=207, headers=elsewhere)
        await ask(site, "DELETE", f"/traces/{trace_id}")
        assert (await ask(site, "GET", f"/traces/{trace_id}", headers=elsewhere))["name"] == "t"
