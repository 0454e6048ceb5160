"""The chat-completions wire: what a request says, in the library's words, and what is answered in OpenAI's."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sightline.vlm.endpoint.fields import RequestError, refuse_unserved
from sightline.vlm.loaded import Answer, Loaded

STEP_NAMES = {"vision_encoder": "encode"}
"""Names of timings on the wire, where they differ from the span's."""
LOOKED_METHODS = {"live": "attention", "gradient": "gradient"}
"""The wire's names for the methods of saying where the model looked."""


class ImageUrl(BaseModel):
    """Where an image is: a data URI."""

    url: str


TEXTS, IMAGES = ("text", "input_text"), ("image_url", "input_image")
"""Types of a message's parts, of chat completions and of the Responses API."""
MOST_STOPS = 4
"""Texts that an answer may end before."""


class Part(BaseModel):
    """One part of a message."""

    type: str
    text: str = ""
    image_url: ImageUrl | str | None = None

    @property
    def url(self) -> str | None:
        """Of its image, written as an object or as the Responses API has it, a string."""
        return self.image_url.url if isinstance(self.image_url, ImageUrl) else self.image_url


class Message(BaseModel):
    """One turn."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[Part] | None = None

    @property
    def text(self) -> str:
        """All its text."""
        if isinstance(self.content, str):
            return self.content.strip()
        return " ".join(part.text.strip() for part in self.content or [] if part.type in TEXTS).strip()

    @property
    def images(self) -> list[str]:
        """URLs of its images."""
        parts = [] if isinstance(self.content, str) else self.content or []
        unknown = sorted({part.type for part in parts}.difference(TEXTS, IMAGES))
        if unknown:
            told = f"message parts of type {unknown[0]!r} are not supported: use text and image_url"
            raise RequestError(told, "messages")
        if any(part.type in IMAGES and not part.url for part in parts):
            raise RequestError("an image part has no image_url: give one, a data URI", "messages")
        return [url for part in parts if (url := part.url) is not None]


class Extras(BaseModel):
    """What this endpoint offers beyond OpenAI's."""

    looked: Literal["live", "gradient"] | None = None


class StreamOptions(BaseModel):
    """Accepted for clients that send it: usage is always there."""

    include_usage: bool = False


class ChatRequest(BaseModel):
    """`POST /v1/chat/completions`; what other fields come to is in `fields`."""

    model_config = ConfigDict(extra="allow")

    model: str
    messages: list[Message] = Field(min_length=1)
    stream: bool = False
    stream_options: StreamOptions | None = None
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    seed: int | None = Field(default=None, ge=-(2**63), lt=2**63)
    """A 64-bit integer, as OpenAI's: what spans and random generators can hold."""
    n: int = Field(default=1, ge=1, le=16)
    stop: str | list[str] | None = None
    logprobs: bool | None = None
    sightline: Extras = Field(default_factory=Extras)

    @classmethod
    def read(cls, body: bytes) -> "ChatRequest":
        """Raises pydantic's `ValidationError`, or `RequestError` for a field that would be ignored."""
        request = cls.model_validate_json(body)
        refuse_unserved(request.model_extra or {}, frozenset(cls.model_fields))
        if len(request.stops) > MOST_STOPS or not all(request.stops):
            raise RequestError(f"stop holds {len(request.stops)} texts: give up to {MOST_STOPS}, none empty", "stop")
        return request

    @property
    def stops(self) -> list[str]:
        """Texts that an answer ends before."""
        return [self.stop] if isinstance(self.stop, str) else self.stop or []

    def decoding(self) -> dict[str, Any]:
        """Decoding options; without temperature and top_p the checkpoint's own."""
        options: dict[str, Any] = {"max_new_tokens": self.max_completion_tokens or self.max_tokens, "seed": self.seed}
        draws = self.n > 1 or (self.temperature or 0) > 0 or (self.temperature is None and self.top_p is not None)
        if draws:
            temperature = 1.0 if self.temperature is None else self.temperature
            options |= {"do_sample": True, "num_beams": 1, "temperature": temperature, "top_p": self.top_p or 1.0}
            options["num_return_sequences"] = self.n
        elif self.temperature == 0:
            options |= {"do_sample": False, "num_beams": 1}
        return {name: value for name, value in options.items() if value is not None}


@dataclass(frozen=True)
class Asked:
    """A request in the library's words."""

    image_uri: str
    question: str
    """Empty: a caption."""
    earlier: tuple[tuple[str, str], ...]
    """Questions and answers so far."""

    @classmethod
    def of(cls, request: ChatRequest) -> "Asked":
        """Raises `RequestError` for what BLIP-2 cannot read: no image, several images, no user turn at the end."""
        turns = [message for message in request.messages if message.role in ("user", "assistant")]
        images = list(dict.fromkeys(url for message in turns for url in message.images))
        if len(images) != 1:
            told = f"the conversation has {len(images)} different images: send exactly one image_url part"
            raise RequestError(told, "messages")
        if images[0][:5].lower() != "data:":
            told = "image_url must be a data URI (data:image/png;base64,…): this endpoint fetches no URLs"
            raise RequestError(told, "messages")
        if turns[-1].role != "user":
            raise RequestError("the last message is the assistant's: end with a user message", "messages")
        answered = pairwise(turns)
        earlier = tuple((q.text, a.text) for q, a in answered if q.role == "user" and a.role == "assistant" and q.text)
        return cls(images[0], turns[-1].text, earlier)

    def read_before(self, model: Loaded) -> tuple[tuple[str, str], ...]:
        """The conversation so far, where the checkpoint can use it."""
        return self.earlier if model.checkpoint.card.get("turns", True) else ()


@dataclass(frozen=True)
class Reply:
    """The identity that all parts of one response share."""

    model: str
    stops: tuple[str, ...] = ()
    """Texts that an answer ends before."""
    spell: Callable[[int], str] | None = None
    """A token's own text, where log-probabilities are asked for."""
    id: str = field(default_factory=lambda: f"chatcmpl-{uuid.uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(self, answers: list[Answer]) -> dict[str, Any]:
        """A `chat.completion`."""
        choices = [
            {
                "index": at,
                "message": {"role": "assistant", "content": (kept := self.cut(answer.text)), "refusal": None},
                "logprobs": self._logprobs(answer),
                "finish_reason": answer.finish if kept == answer.text else "stop",
            }
            for at, answer in enumerate(answers)
        ]
        return {**self._head("chat.completion"), "choices": choices, **_after(answers)}

    def cut(self, text: str) -> str:
        """An answer up to the first of the texts that end it."""
        places = [text.find(stop) for stop in self.stops if stop in text]
        return text[: min(places)].rstrip() if places else text

    def settled(self, text: str) -> str:
        """How much of a text that goes on is sure not to begin one of the texts that end it."""
        cut = self.cut(text)
        if cut != text:
            return cut
        held = max((len(start) for stop in self.stops for start in _starts(stop) if text.endswith(start)), default=0)
        return text[: len(text) - held]

    def _logprobs(self, answer: Answer) -> dict[str, Any] | None:
        if self.spell is None:
            return None
        told = [(self.spell(token), each) for token, each in zip(answer.tokens, answer.logprobs, strict=True)]
        content = [
            {"token": text, "logprob": each, "bytes": list(text.encode()), "top_logprobs": []} for text, each in told
        ]
        return {"content": content, "refusal": None}

    def piece(self, text: str) -> dict[str, Any]:
        """A `chat.completion.chunk` with some more text."""
        return {**self._head("chat.completion.chunk"), "choices": [_delta({"role": "assistant", "content": text})]}

    def end(self, answer: Answer) -> dict[str, Any]:
        """The last chunk: why it ended, usage, and where the model looked."""
        finish = answer.finish if self.cut(answer.text) == answer.text else "stop"
        choice = {**_delta({}), "finish_reason": finish, "logprobs": self._logprobs(answer)}
        return {**self._head("chat.completion.chunk"), "choices": [choice], **_after([answer])}

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}


def _starts(stop: str) -> list[str]:
    return [stop[:at] for at in range(1, len(stop))]


def place_of(error: ValidationError) -> tuple[str, str]:
    """Which field is wrong, and how: of the ways to read a field, the one that came furthest."""
    first = max(error.errors(), key=lambda each: len(each["loc"]))
    ways = ("str", "ImageUrl", "list[Part]", "list[str]")
    return ".".join(str(part) for part in first["loc"] if part not in ways) or "body", first["msg"]


def _delta(delta: dict[str, str]) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}


def _after(answers: list[Answer]) -> dict[str, Any]:
    first = answers[0]
    read, written = first.usage.input_tokens, sum(answer.usage.output_tokens for answer in answers)
    return {
        "usage": {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written},
        "sightline": {
            "trace_id": first.trace_id,
            "observation_id": first.span_id,
            "timings_ms": {STEP_NAMES.get(name, name): value for name, value in first.timings_ms.items()},
            "looked": None if first.looked is None else first.looked.to_dict(),
        },
    }


def error_body(message: str, kind: str, code: str | None = None, param: str | None = None) -> dict[str, Any]:
    """OpenAI's error shape."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}
