"""What the same POST does again, one after another and at once: for every route that makes something."""

import asyncio
import base64
import hashlib
import json
import re
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal

import pytest
import pytest_asyncio

from server.edges.running_site import HERE, Site, basic, one_span
from server.edges.test_board_paths import JUDGE, WIDGET
from server.edges.test_export_paths import BODY as EXPORT
from server.edges.test_model_paths import OURS
from server.edges.test_organization_paths import LAB
from server.edges.test_skill_paths import manifest
from sightline.server.accounts.records import KeyDraft, OrganizationId

pytestmark = pytest.mark.asyncio(loop_scope="module")

TIMES = 8
NOON = "2026-11-02T12:00:00Z"
PICTURE = b"a picture"
Outcome = Literal["the same", "a version", "another", "400", "409"]
"""The same one is answered, a next version is made, another one is made, or it is refused."""


@dataclass(frozen=True)
class Post:
    path: str
    body: dict[str, Any]
    again: Outcome
    key: str = "id"
    """The field of the answer that tells things apart."""
    method: str = "POST"
    by_organization: bool = False

    @property
    def name(self) -> str:
        return f"{self.method} {self.path} {'with id' if 'id' in self.body else ''}".strip()


def _of_organization(path: str, body: dict[str, Any], again: Outcome, key: str = "id", method: str = "POST") -> Post:
    return Post(path, body, again, key, method, by_organization=True)


RULE = {"name": "rule", "enabled": False, "sampling": 1, "filter": [], "evaluatorAssignments": []}
CONNECTION = {"provider": "repeated", "adapter": "openai", "secretKey": "sk-0123456789"}
SPACE = {"x": 0, "y": 0, "width": 4, "height": 4}
MEDIA = {
    "contentType": "image/png",
    "contentLength": len(PICTURE),
    "sha256Hash": base64.b64encode(hashlib.sha256(PICTURE).digest()).decode(),
    "field": "input",
    "traceId": "repeated",
}
OBSERVATIONS = ("spans", "generations", "events")
POSTS = (
    Post("/v2/datasets", {"name": "fresh"}, "the same"),
    Post("/datasets", {"name": "fresh of old"}, "the same"),
    Post("/dataset-items", {"datasetName": "known", "id": "fresh"}, "the same"),
    Post("/dataset-items", {"datasetName": "known"}, "another"),
    Post("/dataset-run-items", {"runName": "fresh", "datasetItemId": "known", "traceId": "repeated"}, "the same"),
    Post("/v2/prompts", {"name": "fresh", "prompt": "p"}, "a version", "version"),
    Post("/prompts", {"name": "fresh of old", "prompt": "p"}, "a version", "version"),
    Post("/scores", {"id": "fresh", "name": "n", "value": 1, "traceId": "repeated"}, "the same"),
    Post("/scores", {"name": "n", "value": 1, "traceId": "repeated"}, "another"),
    Post("/score-configs", {"name": "fresh", "dataType": "BOOLEAN"}, "the same"),
    Post("/comments", {"projectId": "here", "objectType": "TRACE", "objectId": "SEEN", "content": "c"}, "the same"),
    Post("/feedback", {"targetType": "docs", "target": "t", "feedback": "f"}, "another"),
    Post("/annotation-queues", {"name": "fresh", "scoreConfigIds": ["CONFIG"]}, "400"),
    Post("/annotation-queues/QUEUE/items", {"objectId": "repeated", "objectType": "TRACE"}, "the same"),
    Post("/annotation-queues/QUEUE/assignments", {"userId": "ADA"}, "the same", "userId"),
    Post("/models", OURS | {"modelName": "repeated"}, "the same"),
    Post("/llm-connections", CONNECTION, "the same", method="PUT"),
    Post("/unstable/dashboards", {"name": "fresh"}, "another"),
    Post("/unstable/dashboard-widgets", WIDGET, "another"),
    Post("/unstable/dashboards/BOARD/placements", {"type": "widget", "widgetId": "WIDGET", **SPACE}, "another"),
    Post("/v2/evaluators", JUDGE, "another"),
    Post("/v2/evaluation-rules", RULE, "another"),
    Post("/unstable/skills", {"files": [manifest("repeated")]}, "a version", "version"),
    Post("/media", MEDIA, "the same", "mediaId"),
    Post("/traces", {"id": "fresh-trace", "name": "n"}, "the same"),
    Post("/traces", {"name": "n"}, "another"),
    *(Post(f"/{kind}", {"id": f"fresh {kind}", "traceId": "repeated"}, "the same") for kind in OBSERVATIONS),
    *(Post(f"/{kind}", {"traceId": "repeated"}, "another") for kind in OBSERVATIONS),
    _of_organization("/projects", {"name": "fresh", "retention": 0}, "409"),
    _of_organization("/projects/here/apiKeys", {"note": "fresh"}, "another"),
    _of_organization(
        "/projects/here/apiKeys", {"publicKey": "pk-lf-fresh", "secretKey": "sk-lf-fresh"}, "409", "publicKey"
    ),
    _of_organization("/projects/here/memberships", {"userId": "ADA", "role": "ADMIN"}, "the same", "userId", "PUT"),
    _of_organization("/organizations/memberships", {"userId": "ADA", "role": "OWNER"}, "the same", "userId", "PUT"),
    _of_organization("/scim/Users", {"userName": "fresh@example.org"}, "409"),
    _of_organization("/integrations/blob-storage", EXPORT, "the same", method="PUT"),
)


BY_IDS_INSIDE = {
    "/api/public/ingestion",
    *(f"{prefix}/v1/{signal}" for prefix in ("/api/public/otel", "") for signal in ("traces", "logs", "metrics")),
}
"""What takes many things at once, each with an id of its own; metrics are dropped."""


async def test_every_post_of_the_api_is_in_the_table():
    described = json.loads(files("sightline.server.edges").joinpath("public_openapi.json").read_bytes())["paths"]
    posts = {re.sub(r"{\w+}", "{}", path) for path, operations in described.items() if "post" in operations}
    named = {re.sub(r"/(QUEUE|BOARD|here)(?=/)", "/{}", f"/api/public{post.path}") for post in POSTS}
    assert posts - named == BY_IDS_INSIDE


async def test_a_batch_or_an_export_that_comes_again_adds_nothing(site: Site):
    export, sent = one_span(trace_id="ab" * 16)
    trace = {"id": "e1", "type": "trace-create", "timestamp": NOON, "body": {"id": "again", "name": "n"}}
    span = {"id": "e2", "type": "span-create", "timestamp": NOON, "body": {"id": "again", "traceId": "again"}}
    score = {"id": "s", "traceId": "again", "name": "n", "value": 1}
    batch = [trace, span, {"id": "e3", "type": "score-create", "timestamp": NOON, "body": score}]
    headers = {**HERE, "Content-Type": "application/x-protobuf"}
    calls = [
        *(site.client.post("/api/public/ingestion", json={"batch": batch}, headers=HERE) for _ in range(TIMES)),
        *(site.client.post("/v1/traces", content=export.SerializeToString(), headers=headers) for _ in range(TIMES)),
    ]
    assert {answer.status_code for answer in await asyncio.gather(*calls)} == {200, 207}
    for trace_id, spans, scores in (("again", 1, 1), (sent.trace_id, 1, 0)):
        read = await site.get(f"/traces/{trace_id}")
        assert (len(read["observations"]), len(read["scores"])) == (spans, scores)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def known(site: Site) -> dict[str, str]:
    """What the posts are about, by the words they have for it."""
    draft = KeyDraft(public_key=LAB[0], secret_key=LAB[1])
    await site.app.state.services.organizations.create_key(OrganizationId("lab"), draft)
    _, signed_in = await site.app.state.services.accounts.sign_in("ada@example.org", "correct horse battery staple")
    names = {"ADA": signed_in.user.id, "SEEN": (await site.send({})).trace_id}
    for path, body, name in (
        ("/v2/datasets", {"name": "known"}, ""),
        ("/dataset-items", {"datasetName": "known", "id": "known"}, ""),
        ("/score-configs", {"name": "known", "dataType": "BOOLEAN"}, "CONFIG"),
        ("/annotation-queues", {"name": "known", "scoreConfigIds": ["CONFIG"]}, "QUEUE"),
        ("/unstable/dashboards", {"name": "known"}, "BOARD"),
        ("/unstable/dashboard-widgets", WIDGET, "WIDGET"),
    ):
        answer = await site.client.post(f"/api/public{path}", json=_filled(body, names), headers=HERE)
        assert answer.is_success, answer.text
        if name:
            names[name] = answer.json()["id"]
    return names


@pytest.mark.parametrize("post", POSTS, ids=lambda post: post.name)
async def test_the_same_again(site: Site, known: dict[str, str], post: Post):
    path, body = _filled(post.path, known), _filled(post.body, known)
    headers = basic(*LAB) if post.by_organization else HERE

    async def send() -> tuple[int, Any]:
        answer = await site.client.request(post.method, f"/api/public{path}", json=body, headers=headers)
        return answer.status_code, answer.json()

    answers = [await send(), *await asyncio.gather(*(send() for _ in range(TIMES - 1)))]
    if post.again in ("400", "409"):
        assert answers[0][0] in (200, 201), answers[0]
        assert [status for status, _ in answers[1:]] == [int(post.again)] * (TIMES - 1)
        return
    assert all(status in (200, 201) for status, _ in answers), answers
    made = {_identity(said, post.key) for _, said in answers}
    assert len(made) == (1 if post.again == "the same" else TIMES), answers
    if post.again == "a version":
        assert made == {str(number) for number in range(1, TIMES + 1)}


def _identity(said: dict[str, Any], key: str) -> str:
    """A placement comes inside what it was put on."""
    return str(said.get("placement", said)[key])


def _filled(given: Any, known: dict[str, str]) -> Any:
    """The ids in the places of their words."""
    if isinstance(given, dict):
        return {name: _filled(value, known) for name, value in given.items()}
    if isinstance(given, list):
        return [_filled(value, known) for value in given]
    if isinstance(given, str):
        return known.get(given) or "/".join(known.get(part, part) for part in given.split("/"))
    return given


async def test_a_config_that_says_something_else_is_another_and_so_is_one_whose_equal_is_archived(site: Site):
    body = {"name": "twice", "dataType": "NUMERIC", "minValue": 0}

    async def made(**more: Any) -> str:
        answer = await site.client.post("/api/public/score-configs", json=body | more, headers=HERE)
        return str(answer.json()["id"])

    first = await made()
    other = await made(maxValue=5)
    assert (await made(), await made(maxValue=5)) == (first, other)
    path = f"/api/public/score-configs/{first}"
    assert (await site.client.patch(path, json={"isArchived": True}, headers=HERE)).status_code == 200
    second = await made()
    assert second not in (first, other)
    assert (await site.client.patch(path, json={"isArchived": False}, headers=HERE)).status_code == 200
    assert await made() == second, "the one that is back has an equal by now"


async def test_what_was_looked_at_is_queued_again(site: Site, known: dict[str, str]):
    path = f"/api/public/annotation-queues/{known['QUEUE']}/items"
    body = {"objectId": "looked-at", "objectType": "TRACE"}

    async def put() -> str:
        return str((await site.client.post(path, json=body, headers=HERE)).json()["id"])

    first = await put()
    done = await site.client.patch(f"{path}/{first}", json={"status": "COMPLETED"}, headers=HERE)
    assert done.status_code == 200
    second = await put()
    assert second != first
    for identity in (second, first):
        done = await site.client.patch(f"{path}/{identity}", json={"status": "COMPLETED"}, headers=HERE)
        assert done.status_code == 200, done.text
