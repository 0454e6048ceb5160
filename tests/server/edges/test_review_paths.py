"""Comments, annotation queues, feedback and connections to providers, through Langfuse's client."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from langfuse.api import AsyncLangfuseAPI, NotFoundError
from langfuse.api.annotation_queues import AnnotationQueueObjectType as Queued
from langfuse.api.annotation_queues import AnnotationQueueStatus as Status

from server.edges.running_site import ELSEWHERE, HERE, Site
from server.edges.sdk import sdk
from sightline.server.accounts.records import ProjectId
from sightline.server.runtime.seal import Seal, SealBroken

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def api(site: Site) -> AsyncIterator[AsyncLangfuseAPI]:
    async with sdk(site) as client:
        yield client


async def send(site: Site, method: str, path: str, body: Any, headers: dict[str, str] = HERE) -> httpx2.Response:
    return await site.client.request(method, f"/api/public{path}", json=body, headers=headers)


async def config(site: Site, name: str = "quality") -> str:
    made = await send(site, "POST", "/score-configs", {"name": name, "dataType": "NUMERIC"})
    return str(made.json()["id"])


async def test_a_comment_is_left_on_each_kind_of_thing_and_found_by_it(site: Site, api: AsyncLangfuseAPI):
    sent = await site.send({"session.id": "said"})
    prompt = {"name": "said", "prompt": "hello", "type": "text"}
    version = (await send(site, "POST", "/v2/prompts", prompt)).json()["id"]
    things = {"TRACE": sent.trace_id, "OBSERVATION": sent.span_id, "SESSION": "said", "PROMPT": version}
    for kind, identity in things.items():
        made = await api.comments.create(
            project_id="here", object_type=kind, object_id=identity, content=f"about {kind}", author_user_id="ada"
        )
        found = await api.comments.get_by_id(made.id)
        assert (found.object_type, found.object_id, found.author_user_id) == (kind, identity, "ada")
        [listed] = (await api.comments.get(object_type=kind, object_id=identity)).data
        assert listed == found
    assert (await api.comments.get(author_user_id="ada", limit=3)).meta.total_items == 4
    assert (await api.comments.get(author_user_id="eve")).data == []


async def test_a_trace_without_observations_is_commented_on(site: Site):
    trace = {"id": "bare", "name": "bare", "timestamp": "2026-05-01T00:00:00Z"}
    batch = [{"id": "bare-1", "type": "trace-create", "timestamp": "2026-05-01T00:00:00Z", "body": trace}]
    assert (await send(site, "POST", "/ingestion", {"batch": batch})).status_code == 207
    said = {"projectId": "here", "objectType": "TRACE", "objectId": "bare", "content": "still one"}
    assert (await send(site, "POST", "/comments", said)).status_code == 200
    assert (await send(site, "POST", "/comments", said | {"objectId": "none"})).status_code == 404


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"objectId": "nowhere"}, 404),
        ({"objectType": "MOON"}, 400),
        ({"content": ""}, 400),
        ({"content": "x" * 5_001}, 400),
        ({"projectId": "elsewhere"}, 400),
        ({"projectId": None}, 400),
    ],
)
@pytest.mark.parametrize("kind", ["TRACE", "OBSERVATION", "SESSION", "PROMPT"])
async def test_a_comment_that_makes_no_sense_is_refused(site: Site, kind: str, changes: Any, status: int):
    body = {"projectId": "here", "objectType": kind, "objectId": "nowhere", "content": "hm"}
    assert (await send(site, "POST", "/comments", body | changes)).status_code == status


async def test_an_object_id_alone_says_too_little(site: Site):
    answer = await site.client.get("/api/public/comments", params={"objectId": "x"}, headers=HERE)
    assert (answer.status_code, "objectType" in answer.json()["message"]) == (400, True)


async def test_a_queue_is_made_filled_worked_through_and_emptied(site: Site, api: AsyncLangfuseAPI):
    quality = await config(site)
    queue = await api.annotation_queues.create_queue(name="look", description="closely", score_config_ids=[quality])
    assert await api.annotation_queues.get_queue(queue.id) == queue
    assert queue in (await api.annotation_queues.list_queues()).data
    item = await api.annotation_queues.create_queue_item(queue.id, object_id="t1", object_type=Queued.TRACE)
    done = await api.annotation_queues.create_queue_item(
        queue.id, object_id="s1", object_type=Queued.SESSION, status=Status.COMPLETED
    )
    assert (item.status, item.completed_at, done.completed_at is None) == (Status.PENDING, None, False)
    pending = await api.annotation_queues.list_queue_items(queue.id, status=Status.PENDING)
    assert [each.id for each in pending.data] == [item.id]
    finished = await api.annotation_queues.update_queue_item(queue.id, item.id, status=Status.COMPLETED)
    assert finished.completed_at is not None
    again = await api.annotation_queues.update_queue_item(queue.id, item.id, status=Status.PENDING)
    assert again == await api.annotation_queues.get_queue_item(queue.id, item.id)
    assert again.completed_at is None
    assert (await api.annotation_queues.delete_queue_item(queue.id, item.id)).success
    assert [each.id for each in (await api.annotation_queues.list_queue_items(queue.id)).data] == [done.id]
    with pytest.raises(NotFoundError):
        await api.annotation_queues.get_queue_item(queue.id, item.id)


async def test_members_are_assigned_to_a_queue_and_nobody_else(site: Site, api: AsyncLangfuseAPI):
    queue = await api.annotation_queues.create_queue(name="hands", score_config_ids=[await config(site, "hands")])
    accounts = site.app.state.services.accounts
    ada, eve = [(await accounts.sign_in(f"{name}@example.org", "correct horse battery staple"))[1].user for name in ("ada", "eve")]  # fmt: skip # noqa: E501
    for _ in range(2):
        assigned = await api.annotation_queues.create_queue_assignment(queue.id, user_id=ada.id)
        assert (assigned.user_id, assigned.queue_id, assigned.project_id) == (ada.id, queue.id, "here")
    with pytest.raises(NotFoundError):
        await api.annotation_queues.create_queue_assignment(queue.id, user_id=eve.id)
    assert (await api.annotation_queues.delete_queue_assignment(queue.id, user_id=ada.id)).success


async def test_queues_that_make_no_sense_are_refused(site: Site):
    known = await config(site, "known")
    assert (await send(site, "POST", "/annotation-queues", {"name": "q", "scoreConfigIds": [known]})).status_code == 200
    for body, said in (
        ({"name": "q", "scoreConfigIds": [known]}, "exists"),
        ({"name": "r", "scoreConfigIds": ["none"]}, "does not exist"),
        ({"name": "r", "scoreConfigIds": []}, "at least one"),
        ({"name": "", "scoreConfigIds": [known]}, "name"),
        ({"name": "r"}, "scoreConfigIds"),
    ):
        answer = await send(site, "POST", "/annotation-queues", body)
        assert (answer.status_code, said in answer.text) == (400, True), answer.text


async def test_another_projects_queues_and_comments_do_not_exist(site: Site, api: AsyncLangfuseAPI):
    queue = await api.annotation_queues.create_queue(name="ours", score_config_ids=[await config(site, "ours")])
    item = await api.annotation_queues.create_queue_item(queue.id, object_id="t", object_type=Queued.TRACE)
    sent = await site.send()
    comment = await api.comments.create(
        project_id="here", object_type="TRACE", object_id=sent.trace_id, content="secret"
    )
    where = f"/annotation-queues/{queue.id}"
    for method, path, body in (
        ("GET", where, None),
        ("GET", f"{where}/items", None),
        ("POST", f"{where}/items", {"objectId": "t", "objectType": "TRACE"}),
        ("GET", f"{where}/items/{item.id}", None),
        ("PATCH", f"{where}/items/{item.id}", {"status": "COMPLETED"}),
        ("DELETE", f"{where}/items/{item.id}", None),
        ("GET", f"/comments/{comment.id}", None),
    ):
        assert (await send(site, method, path, body, ELSEWHERE)).status_code == 404, (method, path)
    for path in ("/annotation-queues", "/comments"):
        assert (await send(site, "GET", path, None, ELSEWHERE)).json()["data"] == []


async def test_feedback_is_kept(site: Site, api: AsyncLangfuseAPI):
    given = await api.feedback.submit(target_type="docs", target="the readme", feedback="short and good")
    assert given.id
    refused = await send(site, "POST", "/feedback", {"targetType": "moon", "target": "t", "feedback": "f"})
    assert refused.status_code == 400


def database_bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob("sightline.db*"))


OPENAI: dict[str, Any] = {"provider": "main", "adapter": "openai", "secretKey": "sk-very-secret-9876"}


async def test_a_connection_keeps_its_secrets_to_itself(site: Site, settings: Any):
    body = OPENAI | {"baseURL": "https://models.example.org/v1", "extraHeaders": {"X-Team": "hush-hush"}}
    first = await send(site, "PUT", "/llm-connections", body)
    assert first.status_code == 201
    assert first.json()["displaySecretKey"] == "...9876"
    assert (first.json()["extraHeaderKeys"], first.json()["baseURL"]) == (["X-Team"], body["baseURL"])
    listed = await site.get("/llm-connections")
    kept = database_bytes(settings.data_dir)
    for secret in ("very-secret", "hush-hush"):
        assert secret not in first.text
        assert secret not in str(listed)
        assert secret.encode() not in kept
    opened = await site.app.state.services.llm_connections.open(ProjectId("here"), "main")
    assert (opened.secret_key, opened.headers) == ("sk-very-secret-9876", {"X-Team": "hush-hush"})
    assert "very-secret" not in repr(opened)


async def test_a_connection_is_replaced_by_provider_and_deleted_by_id(site: Site, api: AsyncLangfuseAPI):
    first = await send(site, "PUT", "/llm-connections", OPENAI | {"provider": "again"})
    second = await send(
        site,
        "PUT",
        "/llm-connections",
        OPENAI | {"provider": "again", "customModels": ["m"], "withDefaultModels": False},
    )
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json()["id"] == first.json()["id"]
    [found] = [each for each in (await api.llm_connections.list(limit=100)).data if each.provider == "again"]
    assert (found.custom_models, found.with_default_models) == (["m"], False)
    assert (await send(site, "DELETE", f"/llm-connections/{found.id}", None, ELSEWHERE)).status_code == 404
    assert (await api.llm_connections.delete(found.id)).message
    assert (await send(site, "DELETE", f"/llm-connections/{found.id}", None)).status_code == 404


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"adapter": "moon"}, 400),
        ({"secretKey": ""}, 400),
        ({"baseURL": "ftp://x"}, 400),
        ({"adapter": "bedrock"}, 400),
        ({"adapter": "bedrock", "config": {"region": "us-east-1"}}, 201),
        ({"adapter": "bedrock", "config": {"region": 1}}, 400),
        ({"adapter": "google-vertex-ai"}, 201),
        ({"adapter": "google-vertex-ai", "config": {"location": "eu"}}, 201),
        ({"adapter": "anthropic", "config": {"region": "x"}}, 400),
        ({"config": {"useResponsesApi": True}}, 201),
        ({"config": {"useResponsesApi": "yes"}}, 400),
    ],
)
async def test_an_adapter_takes_its_own_config_only(site: Site, changes: Any, status: int):
    answer = await send(site, "PUT", "/llm-connections", OPENAI | {"provider": str(changes)} | changes)
    assert answer.status_code == status, answer.text
    assert "very-secret" not in answer.text


async def test_a_seal_opens_where_it_was_made_and_nowhere_else():
    seal = Seal(b"k" * 32)
    closed = seal.close("secret", "here")
    assert seal.open(closed, "here") == "secret"
    assert seal.close("secret", "here") != closed
    with pytest.raises(SealBroken):
        seal.open(closed, "there")
    with pytest.raises(SealBroken):
        Seal(b"x" * 32).open(closed, "here")
