"""The HTTP door: OpenAI-style routes over loaded models, answers streamed as server-sent events (SSE)."""

import asyncio
import hmac
import json
import logging
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from PIL import Image
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from sightline.vlm import spans
from sightline.vlm.config import SightlineVlmError, closest
from sightline.vlm.data.images import ImageError, ImageTooLargeError, from_data_uri
from sightline.vlm.decoding import Unfolding
from sightline.vlm.endpoint.bounds import SamePlace
from sightline.vlm.endpoint.fields import RequestError
from sightline.vlm.endpoint.samples import Sample, samples_of
from sightline.vlm.endpoint.wire import LOOKED_METHODS, Asked, ChatRequest, Reply, error_body, place_of
from sightline.vlm.endpoint.worker import BusyError, Worker
from sightline.vlm.loaded import Answer, Loaded
from sightline.vlm.weights import UnknownModelError

MOST_BODY_BYTES = 96 * 2**20
"""Largest request body: an image of `data.images.MAX_BYTES` in base64, and the words around it."""
PLACES = 16
"""Requests that may wait or run; the next one is answered 429 (backpressure)."""
log = logging.getLogger("sightline.endpoint")


class AbandonedError(Exception):
    """The client went away while its answer was being written."""


@dataclass(frozen=True)
class Endpoint:
    """The models, the thread that runs them, and who may call."""

    models: Mapping[str, Loaded]
    key: str | None = None
    worker: Worker = field(default_factory=lambda: Worker(PLACES))

    def model(self, name: str) -> Loaded:
        """A served model; raises `UnknownModelError` naming the ones there are."""
        if name not in self.models:
            raise UnknownModelError(f"unknown model {name!r}: {closest(name, self.models)}")
        return self.models[name]

    def samples(self) -> dict[str, Sample]:
        """Pictures to try the served models on, by id."""
        return samples_of(list(self.models))

    def allows(self, authorization: str) -> bool:
        """Whether a caller with this header may call."""
        return self.key is None or hmac.compare_digest(authorization.encode(), f"Bearer {self.key}".encode())


def create_app(models: Mapping[str, Loaded], key: str | None = None, places: int = PLACES) -> Starlette:
    """The application over these models; with a `key`, callers must send it as a bearer token. Without one it answers
    under this machine's own names only."""
    endpoint = Endpoint(models, key, Worker(places))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        endpoint.worker.start()
        yield
        await endpoint.worker.stop()

    routes = [
        Route("/health", _health),
        Route("/v1/models", _models),
        Route("/v1/models/{id:path}", _model),
        Route("/v1/samples", _samples),
        Route("/v1/samples/{id}", _sample),
        Route("/v1/chat/completions", _chat, methods=["POST"]),
    ]
    handlers: dict[Any, Any] = {
        SightlineVlmError: _refused,
        ValidationError: _invalid,
        HTTPException: _http_error,
        Exception: _failed,
    }
    same_place = Middleware(SamePlace, local_only=key is None)
    app = Starlette(routes=routes, lifespan=lifespan, exception_handlers=handlers, middleware=[same_place])
    app.state.endpoint = endpoint
    return app


def _endpoint(request: Request) -> Endpoint:
    """The endpoint, for a caller who may use it."""
    endpoint: Endpoint = request.app.state.endpoint
    if not endpoint.allows(request.headers.get("authorization", "")):
        raise HTTPException(401, "missing or wrong key: send Authorization: Bearer <SIGHTLINE_ENDPOINT_KEY>")
    return endpoint


async def _health(_: Request) -> Response:
    return JSONResponse({"status": "OK"})


async def _models(request: Request) -> Response:
    models = _endpoint(request).models.values()
    return JSONResponse({"object": "list", "data": [_about(model) for model in models]})


async def _model(request: Request) -> Response:
    return JSONResponse(_about(_endpoint(request).model(request.path_params["id"])))


def _about(model: Loaded) -> dict[str, Any]:
    card = model.checkpoint.card
    about = {"description": card.get("description", ""), "suggestions": card.get("suggestions", [])}
    looked = list(LOOKED_METHODS) if model.checkpoint.tokenizer is not None else []
    return {"id": model.name, "object": "model", "owned_by": "sightline", "sightline": {**about, "methods": looked}}


async def _samples(request: Request) -> Response:
    samples = await asyncio.to_thread(_endpoint(request).samples)
    data = [{"id": each.id, "caption": each.caption, "suggestions": each.suggestions} for each in samples.values()]
    return JSONResponse({"data": data})


async def _sample(request: Request) -> Response:
    samples = await asyncio.to_thread(_endpoint(request).samples)
    sample = samples.get(request.path_params["id"])
    if sample is None:
        raise HTTPException(404, f"no sample {request.path_params['id']!r}: GET /v1/samples lists them")
    return Response(sample.png, media_type="image/png", headers={"Cache-Control": "public, max-age=3600"})


async def _chat(request: Request) -> Response:
    endpoint = _endpoint(request)
    body = ChatRequest.read(await _body(request))
    job = Job(endpoint.model(body.model), body, Asked.of(body), request.headers)
    job.image = await endpoint.worker.submit(job.read_image)  # before the status line: a broken image has its own
    spell = job.spell if body.logprobs else None
    reply = Reply(job.model.name, tuple(body.stops), spell)
    if not body.stream:
        return JSONResponse(reply.whole(await endpoint.worker.submit(job.run)))
    if body.n > 1:
        raise RequestError(f"n={body.n} answers cannot be streamed: use n=1 or stream=false")
    pieces: asyncio.Queue[str | None] = asyncio.Queue()
    job.hear(asyncio.get_running_loop(), pieces)
    events = _events(job, reply, pieces, endpoint.worker.submit(job.run))
    return StreamingResponse(events, media_type="text/event-stream", headers={"Cache-Control": "no-store"})


async def _body(request: Request) -> bytes:
    """The request's body; refused as soon as it is longer than any image may be."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BODY_BYTES:
            raise HTTPException(413, f"the request is over the limit of {MOST_BODY_BYTES:,} bytes")
    return bytes(body)


@dataclass
class Job:
    """One answer in the making; its methods but `hear` run in the worker's thread."""

    model: Loaded
    body: ChatRequest
    asked: Asked
    headers: Mapping[str, str]
    image: Image.Image | None = None
    abandoned: threading.Event = field(default_factory=threading.Event)
    on_token: Callable[[int, int, float], None] | None = None

    def read_image(self) -> Image.Image:
        """The picture of the request."""
        return from_data_uri(self.asked.image_uri)

    def run(self) -> list[Answer]:
        """The answers, under the caller's span."""
        if self.image is None:
            raise RequestError("the request has no image")
        options = self.body.decoding()
        looked = LOOKED_METHODS.get(self.body.sightline.looked or "")
        with spans.continued(self.headers):
            if not self.asked.question:
                return self.model.caption(self.image, looked=looked, on_token=self.on_token, **options)
            earlier = self.asked.read_before(self.model)
            return self.model.ask(
                self.image, self.asked.question, earlier=earlier, looked=looked, on_token=self.on_token, **options
            )

    def spell(self, token: int) -> str:
        """A token's own text."""
        return self.model.decode([token])

    def hear(self, loop: asyncio.AbstractEventLoop, pieces: "asyncio.Queue[str | None]") -> None:
        """Sends text to `pieces` as it is written, until the client goes away."""
        unfolding = Unfolding(self.model.decode)

        def heard(_: int, token: int, __: float) -> None:
            if self.abandoned.is_set():
                raise AbandonedError
            if text := unfolding.push(token):
                loop.call_soon_threadsafe(pieces.put_nowait, text)

        self.on_token = heard


async def _events(
    job: Job, reply: Reply, pieces: "asyncio.Queue[str | None]", answers: Awaitable[list[Answer]]
) -> AsyncIterator[str]:
    """Server-sent events (SSE): text as it is decoded, then the end with usage, then [DONE]."""

    def over(done: asyncio.Future[list[Answer]]) -> None:
        pieces.put_nowait(None)
        if not done.cancelled():
            done.exception()  # looked at, even if the client has gone and nobody awaits it

    task = asyncio.ensure_future(answers)
    task.add_done_callback(over)
    heard = sent = ""
    try:
        while (text := await pieces.get()) is not None:
            heard = (heard + text).lstrip()
            if fresh := reply.settled(heard)[len(sent) :]:
                sent += fresh
                yield _event(reply.piece(fresh))
        answer = (await task)[0]
        whole = reply.cut(heard or answer.text)  # beams speak only at the end
        if rest := whole[len(sent) :]:
            yield _event(reply.piece(rest))
        yield _event(reply.end(answer))
    except SightlineVlmError as error:
        yield _event(error_body(str(error), "invalid_request_error"))
    except Exception:
        log.exception("an answer failed while it was streamed")
        yield _event(error_body("the model failed; the server's log says why", "server_error"))
    finally:
        job.abandoned.set()
    yield "data: [DONE]\n\n"


def _event(value: dict[str, Any]) -> str:
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n"


STATUS: tuple[tuple[type[Exception], int, str], ...] = (
    (ImageTooLargeError, 413, "image_too_large"),
    (ImageError, 422, "invalid_image"),
    (UnknownModelError, 404, "model_not_found"),
    (BusyError, 429, "busy"),
    (SightlineVlmError, 400, "invalid_request"),
)
"""HTTP status and error code of each kind of error; the first that fits counts."""


async def _refused(_: Request, error: Exception) -> Response:
    """Our own errors, translated here and nowhere else."""
    status, code = next((status, code) for kind, status, code in STATUS if isinstance(error, kind))
    kind = "rate_limit_error" if status == 429 else "invalid_request_error"
    headers = {"Retry-After": "1"} if status == 429 else None
    param = error.param if isinstance(error, RequestError) else None
    return JSONResponse(error_body(str(error), kind, code, param), status, headers)


async def _http_error(_: Request, error: HTTPException) -> Response:
    kind = "authentication_error" if error.status_code == 401 else "invalid_request_error"
    return JSONResponse(error_body(error.detail, kind), error.status_code, error.headers)


async def _invalid(_: Request, error: ValidationError) -> Response:
    where, why = place_of(error)
    return JSONResponse(error_body(f"{where}: {why}", "invalid_request_error", "invalid_body", where), 400)


async def _failed(_: Request, __: Exception) -> Response:
    return JSONResponse(error_body("the model failed; the server's log says why", "server_error"), 500)
