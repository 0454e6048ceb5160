"""The model endpoint behind the Ask page: an OpenAI-style server with Sightline's extras, spoken to over HTTP."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, cast

import httpx2
import orjson

from sightline.server.runtime.errors import InvalidRequest, NotFound, Unavailable
from sightline.server.runtime.outbound import operators_client

CONNECT_TIMEOUT_S = 5.0
"""Seconds until a TCP connection must stand."""
ANSWER_TIMEOUT_S = 300.0
"""Read timeout between chunks of a stream: a first question may have to load the model."""


class ModelEndpoint:
    """One endpoint; `close()` at the end. Every failure is an error that says what to do."""

    def __init__(self, url: str, key: str | None = None, *, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        """`url` with or without its /v1; `transport` replaces the network in tests."""
        self.url = url.rstrip("/").removesuffix("/v1")
        self._client = operators_client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=httpx2.Timeout(ANSWER_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
            transport=transport,
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def models(self) -> list[dict[str, Any]]:
        return await self._listed("/v1/models")

    async def samples(self) -> list[dict[str, Any]]:
        return await self._listed("/v1/samples")

    async def sample(self, sample_id: str) -> tuple[bytes, str]:
        """A sample picture and its content type."""
        response = await self._get(f"/v1/samples/{sample_id}")
        if response.status_code == 404:
            raise NotFound(f"the model endpoint has no sample {sample_id!r}")
        self._check(response.status_code, response.content)
        return response.content, response.headers.get("content-type", "application/octet-stream")

    async def stream(self, request: Mapping[str, Any]) -> AsyncIterator[dict[str, Any]]:
        """Stream the chunks of one chat completion. Unavailable when the endpoint cannot be reached."""
        try:
            async with self._client.stream("POST", "/v1/chat/completions", json=request) as response:
                if response.status_code != 200:
                    self._check(response.status_code, await response.aread())
                async for line in response.aiter_lines():
                    if line.startswith("data:") and line[5:].strip() != "[DONE]":
                        yield cast("dict[str, Any]", orjson.loads(line[5:]))
        except httpx2.HTTPError as problem:
            raise self._unreachable(problem) from problem

    async def _listed(self, path: str) -> list[dict[str, Any]]:
        response = await self._get(path)
        if response.status_code == 404:
            # Any OpenAI-style endpoint will do for asking; only ours has samples.
            return []
        self._check(response.status_code, response.content)
        return cast("list[dict[str, Any]]", orjson.loads(response.content).get("data", []))

    async def _get(self, path: str) -> httpx2.Response:
        try:
            return await self._client.get(path)
        except httpx2.HTTPError as problem:
            raise self._unreachable(problem) from problem

    def _check(self, status: int, body: bytes) -> None:
        if status == 200:
            return
        message = _message(body) or f"status {status}"
        if status in (401, 403):
            raise Unavailable(f"the model endpoint {self.url} refused the key: set SIGHTLINE_MODEL_ENDPOINT_KEY")
        if status >= 500 or status == 429:
            raise Unavailable(f"the model endpoint {self.url} answered: {message}")
        raise InvalidRequest(message)

    def _unreachable(self, problem: Exception) -> Unavailable:
        why = str(problem) or type(problem).__name__
        return Unavailable(
            f"the model endpoint {self.url} does not answer ({why}): start it with `sightline endpoint`, "
            "or set SIGHTLINE_MODEL_ENDPOINT_URL to one that runs"
        )


def _message(body: bytes) -> str | None:
    """What an OpenAI-style error says."""
    try:
        error = orjson.loads(body).get("error")
    except (orjson.JSONDecodeError, AttributeError):
        return None
    return str(error.get("message")) if isinstance(error, dict) else str(error or "") or None
