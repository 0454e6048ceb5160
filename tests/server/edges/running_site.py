"""The whole application in process, on a folder of its own, with two projects and one person in each."""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
from fastapi import FastAPI
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from pydantic import SecretStr

from server.cluster import Place
from sightline.server.accounts.records import InitialAccounts
from sightline.server.app import create_app
from sightline.server.settings import Settings

ORIGIN = "http://sightline.test"
PASSWORD = "correct horse battery staple"
Attributes = dict[str, str | int | float | bool]


def basic(public: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{public}:{secret}".encode()).decode()}


HERE = basic("pk-lf-here", "sk-lf-here")
ELSEWHERE = basic("pk-lf-elsewhere", "sk-lf-elsewhere")
WRONG = basic("pk-lf-here", "sk-lf-wrong")
SCORES_ONLY = {"Authorization": "Bearer pk-lf-here"}

_numbers = count(1)


def any_value(value: str | float | bool) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    return AnyValue(double_value=value) if isinstance(value, float) else AnyValue(string_value=value)


@dataclass
class Sent:
    """The ids of a span that was sent."""

    trace_id: str
    span_id: str


def one_span(attributes: Attributes | None = None, *, trace_id: str | None = None, parent: str = "", **fields: Any):
    """An export of one span with ids of its own, and those ids."""
    number = next(_numbers)
    sent = Sent(trace_id or f"{number:032x}", f"{number:016x}")
    start = int(datetime.now(UTC).timestamp() * 1e9)
    export = ExportTraceServiceRequest()
    scope = export.resource_spans.add().scope_spans.add()
    given: dict[str, Any] = {
        "trace_id": bytes.fromhex(sent.trace_id),
        "span_id": bytes.fromhex(sent.span_id),
        "parent_span_id": bytes.fromhex(parent),
        "name": "work",
        "start_time_unix_nano": start,
        "end_time_unix_nano": start + 250_000_000,
    }
    span = scope.spans.add(**(given | fields))
    span.attributes.extend(KeyValue(key=key, value=any_value(value)) for key, value in (attributes or {}).items())
    return export, sent


@dataclass
class Site:
    """A running application and somebody's browser."""

    app: FastAPI
    client: httpx2.AsyncClient

    async def send(self, attributes: Attributes | None = None, **fields: Any) -> Sent:
        """One span, stored."""
        export, sent = one_span(attributes, **fields)
        response = await self.client.post(
            "/v1/traces",
            content=export.SerializeToString(),
            headers={**HERE, "Content-Type": "application/x-protobuf"},
        )
        assert response.status_code == 200, response.text
        return sent

    async def get(self, path: str, **params: Any) -> Any:
        """A read with the first project's key pair."""
        response = await self.client.get(f"/api/public{path}", params=params, headers=HERE)
        assert response.status_code == 200, response.text
        return response.json()


LIMITS = {"max_body_bytes": 1_000_000, "max_export_bytes": 2_000_000, "max_inflated_bytes": 4_000_000} | {
    "max_media_bytes": 2_000_000
}


def settings_in(folder: Path, place: Place, **more: Any) -> Settings:
    return Settings(
        data_dir=folder,
        database_url=place.database,
        observations_url=place.observations,
        init_org_id="lab",
        init_project_id="here",
        init_project_public_key="pk-lf-here",
        init_project_secret_key=SecretStr("sk-lf-here"),
        init_user_email="ada@example.org",
        init_user_password=SecretStr(PASSWORD),
        sign_in_limit="1000/minute",
        **LIMITS | more,
    )


class opened:  # noqa: N801 - used as a block
    """An application with its lifespan and a second project, for the time of a block."""

    def __init__(self, settings: Settings) -> None:
        self._app = create_app(settings)
        self._lifespan = self._app.router.lifespan_context(self._app)

    async def __aenter__(self) -> Site:
        await self._lifespan.__aenter__()
        await self._app.state.services.accounts.seed(
            InitialAccounts(
                org_id="others",
                project_id="elsewhere",
                public_key="pk-lf-elsewhere",
                secret_key="sk-lf-elsewhere",
                user_email="eve@example.org",
                user_password=PASSWORD,
            )
        )
        transport = httpx2.ASGITransport(app=self._app)
        self._client = httpx2.AsyncClient(transport=transport, base_url=ORIGIN)
        return Site(self._app, self._client)

    async def __aexit__(self, *problem: Any) -> None:
        await self._client.aclose()
        await self._lifespan.__aexit__(*problem)


class browser:  # noqa: N801 - used as a block
    def __init__(self, site: Site, email: str) -> None:
        self._email = email
        self._client = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=site.app), base_url=ORIGIN, headers={"Origin": ORIGIN}
        )

    async def __aenter__(self) -> httpx2.AsyncClient:
        answer = await self._client.post("/api/web/session", json={"email": self._email, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return self._client

    async def __aexit__(self, *_: Any) -> None:
        await self._client.aclose()
