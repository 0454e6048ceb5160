"""OpenAI's chat completions, responses and embeddings."""

import asyncio
import base64
import struct
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from integrations.provider.wire import BEFORE_FIRST_WORD_S, event, new_id, words
from integrations.replies import (
    EMBEDDING_TOKENS,
    MISSING_MODELS,
    Reply,
    chat_usage,
    embedding_of,
    reply_to,
    responses_usage,
)

CREATED = 1_770_000_000


def refusal(model: str) -> JSONResponse:
    message = f"The model `{model}` does not exist or you do not have access to it."
    problem = {"message": message, "type": "invalid_request_error", "param": None, "code": "model_not_found"}
    return JSONResponse({"error": problem}, 404)


async def chat(request: Request) -> Response:
    body = await request.json() | {"answer_id": new_id("chatcmpl-")}
    if body["model"] in MISSING_MODELS:
        return refusal(body["model"])
    reply = reply_to(body)
    if body.get("stream"):
        return StreamingResponse(_chat_stream(body, reply), media_type="text/event-stream")
    message: dict[str, Any] = {"role": "assistant", "content": reply.text, "refusal": None}
    if reply.call:
        message["tool_calls"] = [_chat_call(reply)]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(reply)}
    return JSONResponse(_chat(body, "chat.completion", [choice]) | {"usage": chat_usage()})


def _chat(body: dict[str, Any], kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
    common = {"id": body["answer_id"], "object": kind, "created": CREATED, "model": body["model"]}
    return {**common, "system_fingerprint": "fp_1", "service_tier": "default", "choices": choices}


def _chat_call(reply: Reply) -> dict[str, Any]:
    assert reply.call is not None
    function = {"name": reply.call.name, "arguments": reply.call.arguments}
    return {"id": reply.call.id, "type": "function", "function": function}


def _finish(reply: Reply) -> str:
    return "tool_calls" if reply.call else "stop"


async def _chat_stream(body: dict[str, Any], reply: Reply) -> AsyncIterator[str]:
    def chunk(delta: dict[str, Any], finish: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return event(_chat(body, "chat.completion.chunk", [choice]))

    await asyncio.sleep(BEFORE_FIRST_WORD_S)
    yield chunk({"role": "assistant", "content": "" if reply.text else None})
    if reply.call:
        yield chunk({"tool_calls": [{"index": 0, **_chat_call(reply)}]})
    for word in words(reply):
        yield chunk({"content": word})
    yield chunk({}, _finish(reply))
    if (body.get("stream_options") or {}).get("include_usage"):
        yield event(_chat(body, "chat.completion.chunk", []) | {"usage": chat_usage()})
    yield "data: [DONE]\n\n"


async def embeddings(request: Request) -> Response:
    body = await request.json()
    if body["model"] in MISSING_MODELS:
        return refusal(body["model"])
    given = body["input"]
    texts = given if isinstance(given, list) and not isinstance(given[0], int) else [given]
    data = [
        {"object": "embedding", "index": place, "embedding": _packed(embedding_of(text), body)}
        for place, text in enumerate(texts)
    ]
    usage = {"prompt_tokens": EMBEDDING_TOKENS, "total_tokens": EMBEDDING_TOKENS}
    return JSONResponse({"object": "list", "data": data, "model": body["model"], "usage": usage})


def _packed(vector: list[float], body: dict[str, Any]) -> list[float] | str:
    if body.get("encoding_format") != "base64":
        return vector
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


async def responses(request: Request) -> Response:
    body = await request.json() | {"answer_id": new_id("resp_")}
    if body["model"] in MISSING_MODELS:
        return refusal(body["model"])
    reply = reply_to(body)
    if body.get("stream"):
        return StreamingResponse(_response_stream(body, reply), media_type="text/event-stream")
    return JSONResponse(_response(body, [_item(reply)]))


def _response(body: dict[str, Any], output: list[dict[str, Any]]) -> dict[str, Any]:
    echoed = {name: body.get(name) for name in ("instructions", "temperature", "top_p", "max_output_tokens", "model")}
    return {
        "id": body["answer_id"],
        "object": "response",
        "created_at": CREATED,
        "status": "completed" if output else "in_progress",
        "error": None,
        "incomplete_details": None,
        "metadata": {},
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": body.get("tools") or [],
        "text": body.get("text") or {"format": {"type": "text"}},
        "output": output,
        "usage": responses_usage() if output else None,
        **echoed,
    }


def _item(reply: Reply) -> dict[str, Any]:
    if reply.call:
        call = {"call_id": reply.call.id, "name": reply.call.name, "arguments": reply.call.arguments}
        return {"id": new_id("fc_"), "type": "function_call", "status": "completed", **call}
    content = [{"type": "output_text", "text": reply.text, "annotations": [], "logprobs": []}]
    return {"id": new_id("msg_"), "type": "message", "role": "assistant", "status": "completed", "content": content}


async def _response_stream(body: dict[str, Any], reply: Reply) -> AsyncIterator[str]:
    item = _item(reply)
    await asyncio.sleep(BEFORE_FIRST_WORD_S)
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": _response(body, [])},
        {"type": "response.output_item.added", "output_index": 0, "item": item | {"status": "in_progress"}},
        *(_spoken(item, reply) if reply.text else _called(item)),
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": _response(body, [item])},
    ]
    for number, each in enumerate(events):
        yield event(each | {"sequence_number": number})


def _spoken(item: dict[str, Any], reply: Reply) -> list[dict[str, Any]]:
    part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
    place = {"item_id": item["id"], "output_index": 0, "content_index": 0}
    return [
        {"type": "response.content_part.added", **place, "part": part},
        *({"type": "response.output_text.delta", **place, "delta": word, "logprobs": []} for word in words(reply)),
        {"type": "response.output_text.done", **place, "text": reply.text, "logprobs": []},
        {"type": "response.content_part.done", **place, "part": part | {"text": reply.text}},
    ]


def _called(item: dict[str, Any]) -> list[dict[str, Any]]:
    place = {"item_id": item["id"], "output_index": 0}
    return [
        {"type": "response.function_call_arguments.delta", **place, "delta": item["arguments"]},
        {"type": "response.function_call_arguments.done", **place, "arguments": item["arguments"]},
    ]


ROUTES = [
    Route("/v1/chat/completions", chat, methods=["POST"]),
    Route("/v1/embeddings", embeddings, methods=["POST"]),
    Route("/v1/responses", responses, methods=["POST"]),
]
