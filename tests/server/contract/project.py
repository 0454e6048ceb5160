"""A project to be asked about: the site it is on, its keys, and the ids of what was put into it."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

import httpx2

from server.edges.running_site import ELSEWHERE, HERE, WRONG, Site, basic
from sightline.server.accounts.records import KeyDraft, OrganizationId

Caller = Literal["project", "organization", "another project", "wrong", "nobody"]

ORGANIZATION = ("pk-lf-lab", "sk-lf-lab")
HEADERS: Mapping[Caller, Mapping[str, str]] = {
    "project": HERE,
    "organization": basic(*ORGANIZATION),
    "another project": ELSEWHERE,
    "wrong": WRONG,
    "nobody": {},
}
START = "2026-05-01T10:00:00.000Z"
END = "2026-05-01T10:00:02.500Z"
SINCE = "2026-01-01T00:00:00.000Z"

_numbers = count(1)


@dataclass
class Project:
    """What was made lies under the names its makers gave it: `project["queue"]`."""

    site: Site
    ids: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        return self.ids[name]

    async def send(
        self, method: str, path: str, body: Any = None, query: Any = None, caller: Caller = "project"
    ) -> httpx2.Response:
        """One request below /api/public, as any HTTP client sends it: also a body with DELETE."""
        content = None if body is None else json.dumps(body).encode()
        headers = {**HEADERS[caller], **({} if content is None else {"Content-Type": "application/json"})}
        address = f"/api/public{path}"
        return await self.site.client.request(method, address, content=content, params=query, headers=headers)

    async def make(self, path: str, body: Any, caller: Caller = "project", method: str = "POST") -> Any:
        """What the answer says of something that this makes."""
        answer = await self.send(method, path, body, caller=caller)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()


async def with_keys(site: Site) -> Project:
    """The first project, and a key of its organisation."""
    draft = KeyDraft(public_key=ORGANIZATION[0], secret_key=ORGANIZATION[1])
    await site.app.state.services.organizations.create_key(OrganizationId("lab"), draft)
    return Project(site)


def fresh(what: str) -> str:
    """A name or id that nothing has yet."""
    return f"{what}-{next(_numbers)}"


def announcement(content: bytes, **more: Any) -> dict[str, Any]:
    """How a client announces a file."""
    sha256 = base64.b64encode(hashlib.sha256(content).digest()).decode()
    return {"contentType": "text/plain", "contentLength": len(content), "sha256Hash": sha256, "field": "input", **more}
