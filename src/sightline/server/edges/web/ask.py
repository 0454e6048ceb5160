"""Asking a model about a picture: a proxy from the page to the model endpoint, with the answer as SSE."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi.sse import EventSourceResponse, ServerSentEvent

from sightline.server.edges.bodies import PlainJson
from sightline.server.accounts.records import Access
from sightline.server.edges.access import member_for
from sightline.server.edges.endpoint import ModelEndpoint
from sightline.server.edges.services import Served
from sightline.server.edges.web import shapes
from sightline.server.edges.web.views import looked_of
from sightline.server.runtime.errors import SightlineError

router = APIRouter(route_class=PlainJson, prefix="/projects/{projectId}/ask")

Asker = Annotated[Access, member_for("ask")]

NO_ENDPOINT = (
    "No model endpoint is set: start one with `sightline endpoint` and set SIGHTLINE_MODEL_ENDPOINT_URL, "
    "or run `sightline demo`, which does both"
)


@dataclass
class Answering:
    """Accumulates the chunks of one streamed answer."""

    text: str = ""
    usage: dict[str, Any] = field(default_factory=dict)
    extras: dict[str, Any] | None = None
    finished: bool = False

    def take(self, chunk: dict[str, Any]) -> str:
        """Keep what a chunk says; the text it adds."""
        added = ""
        for choice in chunk.get("choices") or ():
            added += (choice.get("delta") or {}).get("content") or ""
            self.finished = self.finished or choice.get("finish_reason") is not None
        self.text += added
        self.usage = chunk.get("usage") or self.usage
        self.extras = chunk.get("sightline") or self.extras
        return added

    def done(self) -> shapes.DoneEvent:
        extras = self.extras or {}
        return shapes.DoneEvent(
            answer=self.text,
            trace_id=extras.get("trace_id"),
            observation_id=extras.get("observation_id"),
            usage=shapes.AskUsage(
                input_tokens=self.usage.get("prompt_tokens", 0), output_tokens=self.usage.get("completion_tokens", 0)
            ),
            timings_ms=extras.get("timings_ms") or {},
            looked=looked_of(extras.get("looked")),
        )


@router.post("", response_class=EventSourceResponse)
async def ask(body: shapes.Question, who: Asker, services: Served) -> AsyncIterator[ServerSentEvent]:
    """SSE: events `token` with text as it is generated, then `done` with the whole and its timings, or `error`."""
    if services.endpoint is None:
        yield _event("error", shapes.ErrorEvent(message=NO_ENDPOINT))
        return
    try:
        async for event in _answer(services.endpoint, body):
            yield event
    except SightlineError as problem:
        yield _event("error", shapes.ErrorEvent(message=problem.message))


async def _answer(endpoint: ModelEndpoint, question: shapes.Question) -> AsyncIterator[ServerSentEvent]:
    answering = Answering()
    async for chunk in endpoint.stream(chat_request(question)):
        if "error" in chunk:
            message = chunk["error"].get("message") or "the model endpoint failed without saying why"
            yield _event("error", shapes.ErrorEvent(message=message))
            return
        if added := answering.take(chunk):
            yield _event("token", shapes.TokenEvent(text=added))
    if answering.finished:
        yield _event("done", answering.done())
    else:
        yield _event("error", shapes.ErrorEvent(message="The model endpoint broke off its answer: ask again"))


def chat_request(question: shapes.Question) -> dict[str, Any]:
    """The conversation as chat completions want it; the picture goes with the first question."""
    turns = [(turn.question, turn.answer) for turn in question.history]
    messages: list[dict[str, Any]] = []
    for asked, answered in [*turns, (question.question or "", None)]:
        parts: list[dict[str, Any]] = [] if messages else [_picture(question.image)]
        messages.append({"role": "user", "content": [*parts, {"type": "text", "text": asked}]})
        if answered is not None:
            messages.append({"role": "assistant", "content": answered})
    return {
        "model": question.model,
        "messages": messages,
        "stream": True,
        "stream_options": {"include_usage": True},
        "sightline": {"looked": question.looked},
    }


def _picture(data_uri: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": data_uri}}


def _event(name: str, body: shapes.Shape) -> ServerSentEvent:
    return ServerSentEvent(event=name, data=body.model_dump(mode="json", by_alias=True))
