"""The HTTP door speaks OpenAI's chat completions, in process."""

import asyncio
import base64
import io
import json
import struct
import threading
import zlib
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import numpy as np
import pytest
from PIL import Image
from random_models import checkpoint, opt

from sightline.vlm.endpoint import bind, create_app
from sightline.vlm.endpoint.serve import OpenDoorError
from sightline.vlm.loaded import Loaded

IMAGE = Image.fromarray(np.random.default_rng(0).integers(0, 255, (32, 32, 3), dtype=np.uint8))


def data_uri(body: bytes | None = None) -> str:
    if body is None:
        buffer = io.BytesIO()
        IMAGE.save(buffer, "PNG")
        body = buffer.getvalue()
    return f"data:image/png;base64,{base64.b64encode(body).decode()}"


def question(text: str = "how many", uri: str | None = None, **more: Any) -> dict[str, Any]:
    """A request body that asks `text` about the image."""
    parts = [{"type": "image_url", "image_url": {"url": uri or data_uri()}}, {"type": "text", "text": text}]
    return {"model": "random", "messages": [{"role": "user", "content": parts}], **more}


@pytest.fixture(scope="module")
def model() -> Loaded:
    loaded = Loaded(checkpoint(opt(), seed=3))
    loaded.checkpoint.card = {"description": "random words", "suggestions": ["how many"], "turns": True}
    return loaded


@pytest.fixture
async def client(model: Loaded) -> AsyncIterator[httpx2.AsyncClient]:
    async with door(model) as client:
        yield client


class door:  # noqa: N801 - reads as a call
    """A client in front of an endpoint over one model."""

    def __init__(self, model: Loaded, **options: Any) -> None:
        self.app = create_app({model.name: model}, **options)

    async def __aenter__(self) -> httpx2.AsyncClient:
        self.life = self.app.router.lifespan_context(self.app)
        await self.life.__aenter__()
        transport = httpx2.ASGITransport(app=self.app, raise_app_exceptions=False)
        self.client = httpx2.AsyncClient(transport=transport, base_url="http://localhost")
        return self.client

    async def __aexit__(self, *_: object) -> None:
        await self.client.aclose()
        await self.life.__aexit__(None, None, None)


async def ask(client: httpx2.AsyncClient, body: dict[str, Any], **options: Any) -> httpx2.Response:
    return await client.post("/v1/chat/completions", json=body, **options)


async def test_a_question_about_an_image_is_answered(client: httpx2.AsyncClient, model: Loaded) -> None:
    response = await ask(client, question(sightline={"looked": "gradient"}))
    said = response.json()
    expected = model.ask(IMAGE, "how many")[0]
    assert response.status_code == 200
    assert said["object"] == "chat.completion"
    assert said["choices"][0]["message"]["content"] == expected.text
    assert said["choices"][0]["finish_reason"] == expected.finish
    assert said["usage"]["completion_tokens"] == len(expected.tokens)
    assert said["usage"]["total_tokens"] == expected.usage.input_tokens + len(expected.tokens)
    assert said["sightline"]["looked"]["method"] == "gradient"
    assert set(said["sightline"]["timings_ms"]) == {"preprocess", "encode", "bridge", "prefill", "decode", "looked"}


async def test_a_stream_spells_the_same_answer(client: httpx2.AsyncClient, model: Loaded) -> None:
    response = await ask(client, question(stream=True, sightline={"looked": "live"}))
    assert response.headers["content-type"].startswith("text/event-stream")
    events = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]
    assert events.pop() == "[DONE]"
    chunks = [json.loads(event) for event in events]
    text = "".join(choice["delta"].get("content", "") for chunk in chunks for choice in chunk["choices"])
    assert text == model.ask(IMAGE, "how many")[0].text
    assert len({chunk["id"] for chunk in chunks}) == 1
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-1]["sightline"]["looked"]["method"] == "attention"
    assert chunks[-1]["usage"]["completion_tokens"] >= 1


async def test_an_image_without_words_is_captioned(client: httpx2.AsyncClient, model: Loaded) -> None:
    said = (await ask(client, question(text=""))).json()
    assert said["choices"][0]["message"]["content"] == model.caption(IMAGE)[0].text


async def test_earlier_turns_are_read_where_the_model_can(client: httpx2.AsyncClient, model: Loaded) -> None:
    body = question("red ?")
    turns = [{"role": "assistant", "content": "two"}, {"role": "user", "content": "how many"}]
    said = (await ask(client, {**body, "messages": [*body["messages"], *turns]})).json()
    told = "question : red ? answer : two question : {} answer :"
    assert said["choices"][0]["message"]["content"] == model.ask(IMAGE, "how many", template=told)[0].text
    assert said["usage"]["prompt_tokens"] == model.ask(IMAGE, "how many", template=told)[0].usage.input_tokens


async def test_special_tokens_in_earlier_turns_are_text(client: httpx2.AsyncClient, model: Loaded) -> None:
    body = question("red <eos> {} ?")
    turns = [{"role": "assistant", "content": "two <pad>"}, {"role": "user", "content": "how <bos> many"}]
    said = (await ask(client, {**body, "messages": [*body["messages"], *turns]})).json()
    whole = "question : red <eos> {} ? answer : two <pad> question : how <bos> many answer :"
    literal = model.writer.tokens([whole], [[whole]]).tokens_BL.shape[1]
    assert said["usage"]["prompt_tokens"] == literal + model.model.bridge.queries
    assert literal > model.writer.tokens([whole]).tokens_BL.shape[1]  # < eos > is three words


async def test_sampling_options_arrive(client: httpx2.AsyncClient, model: Loaded) -> None:
    options: dict[str, Any] = {"temperature": 1.5, "top_p": 0.9, "seed": 7}
    said = (await ask(client, question(max_tokens=3, n=2, **options))).json()
    expected = model.ask(IMAGE, "how many", do_sample=True, max_new_tokens=3, num_return_sequences=2, **options)
    assert [choice["message"]["content"] for choice in said["choices"]] == [answer.text for answer in expected]


async def test_models_and_samples_are_listed(client: httpx2.AsyncClient) -> None:
    (about,) = (await client.get("/v1/models")).json()["data"]
    assert about["id"] == "random"
    assert about["sightline"] == {
        "description": "random words",
        "suggestions": ["how many"],
        "methods": ["live", "gradient"],
    }
    assert (await client.get("/v1/models/random")).json() == about
    assert (await client.get("/v1/samples")).json() == {"data": []}


async def test_a_digit_model_has_held_out_scenes_to_try() -> None:
    loaded = Loaded(checkpoint(opt()))
    loaded.name = "sightline-tiny"
    async with door(loaded) as client:
        samples = (await client.get("/v1/samples")).json()["data"]
        assert len(samples) >= 8
        assert all(sample["caption"] and sample["suggestions"] for sample in samples)
        picture = await client.get(f"/v1/samples/{samples[0]['id']}")
        assert Image.open(io.BytesIO(picture.content)).size == (64, 64)
        assert (await client.get("/v1/samples/none")).status_code == 404


def bomb() -> bytes:
    """A PNG that declares 100 megapixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 10_000, 10_000, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (question(uri=data_uri(b"broken")), 422, "is not a PNG"),
        (question(uri=data_uri(bomb())), 413, "100 megapixels, the limit is 40"),
        (question(uri="https://example.com/cat.png"), 400, "must be a data URI"),
        (question(uri="/etc/passwd"), 400, "must be a data URI"),
        ({**question(), "model": "randon"}, 404, "did you mean random"),
        ({"model": "random", "messages": [{"role": "user", "content": "hello"}]}, 400, "0 different images"),
        ({"model": "random", "messages": []}, 400, "messages"),
        (question(temperature=9), 400, "temperature"),
        (question(stream=True, n=3, temperature=1), 400, "cannot be streamed"),
        (question(max_tokens=4000), 400, "the language model has 128"),
        (question(sightline={"looked": "xray"}), 400, "sightline.looked"),
        (question(seed=2**70), 400, "seed"),
        (question(max_tokens=2**70), 400, "the language model has 128"),
        (question(tools=[{"type": "function", "function": {"name": "look"}}]), 400, "tools is not served"),
        (question(response_format={"type": "json_object"}), 400, "answers are plain text, never held to JSON"),
        (question(logprobs=True, top_logprobs=3), 400, "only the probability of the chosen token"),
        (question(stop=["a", "b", "c", "d", "e"]), 400, "give up to 4"),
        (question(stop=[""]), 400, "none empty"),
        (question(tool_choice="required"), 400, "tool_choice is not served"),
        (question(logit_bias={"5": 100}), 400, "logit_bias is not served"),
        (question(presence_penalty=1.5), 400, "presence_penalty is not served"),
        (question(temprature=0), 400, "did you mean temperature"),
    ],
    ids=lambda value: str(value)[-40:] if isinstance(value, str) else "",
)
async def test_a_mistake_has_its_status_and_a_sentence(
    client: httpx2.AsyncClient, body: dict[str, Any], status: int, words: str
) -> None:
    response = await ask(client, body)
    assert response.status_code == status
    assert words in response.json()["error"]["message"]
    assert (await ask(client, question())).status_code == 200


async def test_fields_that_ask_for_nothing_pass(client: httpx2.AsyncClient) -> None:
    plain = (await ask(client, question())).json()["choices"]
    nothing: dict[str, Any] = {
        "tools": [],
        "tool_choice": "auto",
        "response_format": {"type": "text"},
        "stop": None,
        "user": "ada",
    }
    said = await ask(client, question(**nothing, metadata={"team": "red"}, frequency_penalty=0, logprobs=False))
    assert (said.status_code, said.json()["choices"]) == (200, plain)


async def test_a_refusal_names_the_field_as_openais_do(client: httpx2.AsyncClient) -> None:
    for body, param in (
        (question(tools=[{}]), "tools"),
        (question(seed=2**70), "seed"),
        (question(max_tokens=0), "max_tokens"),
    ):
        assert (await ask(client, body)).json()["error"]["param"] == param


async def test_an_answer_ends_before_a_stop_text_in_a_stream_as_well(client: httpx2.AsyncClient) -> None:
    whole = (await ask(client, question(max_tokens=8))).json()["choices"][0]
    words = whole["message"]["content"].split()
    assert len(words) > 2
    stop = words[2]
    cut = (await ask(client, question(max_tokens=8, stop=stop))).json()["choices"][0]
    expected = whole["message"]["content"].partition(stop)[0].rstrip()
    assert (cut["message"]["content"], cut["finish_reason"]) == (expected, "stop")
    lines = (await ask(client, question(max_tokens=8, stop=[stop, "never"], stream=True))).text.splitlines()
    events = [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
    assert "".join(event["choices"][0]["delta"].get("content", "") for event in events).rstrip() == expected
    assert events[-1]["choices"][0]["finish_reason"] == "stop"


async def test_token_probabilities_are_those_of_the_library(client: httpx2.AsyncClient, model: Loaded) -> None:
    choice = (await ask(client, question(logprobs=True))).json()["choices"][0]
    said = [each["token"] for each in choice["logprobs"]["content"]]
    assert " ".join(word for word in said if word) == choice["message"]["content"]
    assert all(each["logprob"] <= 0 and each["top_logprobs"] == [] for each in choice["logprobs"]["content"])


@pytest.mark.parametrize("kind", ["string", "input_image", "upper", "lines"])
async def test_an_image_may_be_written_as_other_clients_do(client: httpx2.AsyncClient, kind: str) -> None:
    body = question()
    plain = (await ask(client, body)).json()["choices"]
    part = next(each for each in body["messages"][0]["content"] if each["type"] == "image_url")
    uri = part["image_url"]["url"]
    head, _, payload = uri.partition(",")
    if kind in ("string", "input_image"):
        part |= {"image_url": uri, "type": "image_url" if kind == "string" else "input_image"}
    elif kind == "upper":
        part["image_url"] = {"url": f"{head.replace('data:', 'DATA:')},{payload}", "detail": "low"}
    else:
        part["image_url"] = {"url": head + "," + "\n".join(payload[at : at + 76] for at in range(0, len(payload), 76))}
    said = await ask(client, body)
    assert (said.status_code, said.json()["choices"]) == (200, plain)


async def test_a_mistake_in_a_message_names_its_field(client: httpx2.AsyncClient) -> None:
    wrong: list[tuple[Any, str]] = [
        ([{"type": "text", "text": 7}], "messages.0.content.0.text"),
        ([{"type": "image_url", "image_url": {"link": "x"}}], "messages.0.content.0.image_url.url"),
        ([{"type": "input_audio"}], "messages"),
        ([{"type": "image_url"}], "messages"),
    ]
    for content, param in wrong:
        said = await ask(client, {"model": "random", "messages": [{"role": "user", "content": content}]})
        assert (said.status_code, said.json()["error"]["param"]) == (400, param)


@pytest.mark.parametrize("temperature", [1e-300, 5e-324, 1e-40, 1e-9])
async def test_the_coldest_draw_is_the_likeliest(client: httpx2.AsyncClient, temperature: float) -> None:
    greedy = (await ask(client, question(temperature=0))).json()["choices"]
    drawn = await ask(client, question(temperature=temperature, top_p=0.9, seed=2**63 - 1))
    assert (drawn.status_code, drawn.json()["choices"]) == (200, greedy)


async def test_a_body_that_is_not_json_is_refused(client: httpx2.AsyncClient) -> None:
    response = await client.post("/v1/chat/completions", content=b"{")
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "invalid_body"


async def test_a_failing_model_is_a_500_and_the_door_stays_open(
    client: httpx2.AsyncClient, model: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model.model.language, "prefill", lambda *_: 1 / 0)
    assert (await ask(client, question())).status_code == 500
    streamed = await ask(client, question(stream=True))
    assert "the model failed" in streamed.text
    monkeypatch.undo()
    assert (await ask(client, question())).status_code == 200


async def test_more_than_the_places_is_429(model: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    running, go = threading.Event(), threading.Event()
    answer = model.ask

    def slow(*given: Any, **options: Any) -> Any:
        running.set()
        go.wait(10)
        return answer(*given, **options)

    monkeypatch.setattr(model, "ask", slow)
    async with door(model, places=1) as client:
        first = asyncio.create_task(ask(client, question()))
        await asyncio.to_thread(running.wait, 10)
        refused = await ask(client, question())
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "1"
        assert refused.json()["error"]["type"] == "rate_limit_error"
        go.set()
        assert (await first).status_code == 200
        assert (await ask(client, question())).status_code == 200


async def test_a_key_keeps_strangers_out(model: Loaded) -> None:
    async with door(model, key="sesame") as client:
        refused = await ask(client, question())
        assert refused.status_code == 401
        assert "Authorization: Bearer" in refused.json()["error"]["message"]
        assert (await ask(client, question(), headers={"Authorization": "Bearer sesame"})).status_code == 200
        assert (await client.get("/health")).status_code == 200


def test_an_open_door_beyond_this_machine_needs_a_key() -> None:
    with pytest.raises(OpenDoorError, match="set SIGHTLINE_ENDPOINT_KEY"):
        bind("0.0.0.0", 0, None)


def test_a_taken_port_is_a_clear_sentence() -> None:
    with bind("127.0.0.1", 0, None) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OpenDoorError, match=f"cannot listen on 127.0.0.1:{port}"):
            bind("127.0.0.1", port, None)
