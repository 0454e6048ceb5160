"""Asking a model: the endpoint's stream becomes the page's events, and each of its failures a sentence."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2
import pytest

from sightline.server.edges.endpoint import ModelEndpoint
from sightline.server.edges.web import shapes
from sightline.server.edges.web.ask import Answering, chat_request
from sightline.server.runtime.errors import InvalidRequest, NotFound, Unavailable

IMAGE = "data:image/png;base64,AAAA"
END = {
    "choices": [{"delta": {}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 12, "completion_tokens": 3},
    "sightline": {
        "trace_id": "t",
        "observation_id": "o",
        "timings_ms": {"encode": 4.5},
        "looked": {"method": "attention", "words": [{"text": "red", "grid": [[1.0]]}]},
    },
}


def stream(*chunks: Any) -> bytes:
    return b"".join(b"data: " + json.dumps(each).encode() + b"\n\n" for each in chunks) + b"data: [DONE]\n\n"


def endpoint(answer: Callable[[httpx2.Request], httpx2.Response], key: str | None = None) -> ModelEndpoint:
    return ModelEndpoint("http://model.test/v1/", key, transport=httpx2.MockTransport(answer))


async def collected(model: ModelEndpoint) -> list[dict[str, Any]]:
    chunks: AsyncIterator[dict[str, Any]] = model.stream({"model": "m"})
    return [chunk async for chunk in chunks]


def test_the_picture_goes_with_the_first_question_of_the_conversation():
    question = shapes.Question(
        model="m", image=IMAGE, question="and its colour?", history=[shapes.Turn(question="which digit?", answer="3")]
    )
    request = chat_request(question)
    first, answer, second = request["messages"]
    assert [part["type"] for part in first["content"]] == ["image_url", "text"]
    assert (answer["role"], answer["content"]) == ("assistant", "3")
    assert second["content"] == [{"type": "text", "text": "and its colour?"}]
    assert (request["stream"], request["sightline"]) == (True, {"looked": None})


def test_chunks_add_up_to_an_answer_with_its_measurements():
    answering = Answering()
    said = [answering.take({"choices": [{"delta": {"content": word}}]}) for word in ("a ", "red three")]
    assert (said, answering.finished) == (["a ", "red three"], False)
    answering.take(END)
    done = answering.done()
    assert (done.answer, done.trace_id, done.usage.input_tokens) == ("a red three", "t", 12)
    assert done.looked is not None
    assert done.looked.words[0].text == "red"


async def test_the_key_travels_and_the_stream_is_read():
    def answer(request: httpx2.Request) -> httpx2.Response:
        assert request.headers["authorization"] == "Bearer secret"
        assert str(request.url) == "http://model.test/v1/chat/completions"
        return httpx2.Response(200, content=stream({"choices": []}, END))

    assert await collected(endpoint(answer, "secret")) == [{"choices": []}, END]


@pytest.mark.parametrize(
    ("status", "body", "problem", "said"),
    [
        (422, {"error": {"message": "the image is broken"}}, InvalidRequest, "the image is broken"),
        (401, {}, Unavailable, "SIGHTLINE_MODEL_ENDPOINT_KEY"),
        (429, {"error": {"message": "busy"}}, Unavailable, "busy"),
        (500, {}, Unavailable, "status 500"),
    ],
)
async def test_a_refusal_of_the_endpoint_keeps_its_words(status: int, body: Any, problem: type[Exception], said: str):
    with pytest.raises(problem, match=said):
        await collected(endpoint(lambda _: httpx2.Response(status, json=body)))


async def test_an_endpoint_that_is_down_is_named_with_the_way_out():
    def answer(_: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused")

    with pytest.raises(Unavailable, match=r"http://model.test does not answer .*sightline endpoint"):
        await collected(endpoint(answer))
    with pytest.raises(Unavailable, match="does not answer"):
        await endpoint(answer).models()


async def test_an_endpoint_without_samples_has_none():
    model = endpoint(lambda _: httpx2.Response(404, json={"error": {"message": "no"}}))
    assert await model.samples() == []
    with pytest.raises(NotFound):
        await model.sample("x")
