"""Anthropic's messages, whole and streamed."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from integrations.provider.wire import BEFORE_FIRST_WORD_S, event, new_id, words
from integrations.replies import Reply, anthropic_usage, reply_to


async def messages(request: Request) -> Response:
    body = await request.json()
    reply = reply_to(_as_chat(body))
    answer = {
        "id": new_id("msg_"),
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": [_block(reply)],
        "stop_reason": "tool_use" if reply.call else "end_turn",
        "stop_sequence": None,
        "usage": anthropic_usage(),
    }
    if body.get("stream"):
        return StreamingResponse(_stream(answer, reply), media_type="text/event-stream")
    return JSONResponse(answer)


def _as_chat(body: dict[str, Any]) -> dict[str, Any]:
    """The request as OpenAI's chat completions would spell it, which is what replies are decided by."""
    tools = [{"name": each["name"], "parameters": each["input_schema"]} for each in body.get("tools") or []]
    blocks = [
        (message["role"], block)
        for message in body["messages"]
        for block in ([] if isinstance(message["content"], str) else message["content"])
    ]
    return {"tools": tools, "messages": [spelt for role, block in blocks if (spelt := _as_message(role, block))]}


def _as_message(role: str, block: dict[str, Any]) -> dict[str, Any] | None:
    match block["type"]:
        case "tool_use":
            return {"role": role, "tool_calls": [{"function": {"name": block["name"]}}]}
        case "tool_result":
            return {"role": "tool", "content": block["content"]}
        case _:
            return None


def _block(reply: Reply) -> dict[str, Any]:
    if reply.call:
        wanted = json.loads(reply.call.arguments)
        return {"type": "tool_use", "id": new_id("toolu_"), "name": reply.call.name, "input": wanted}
    return {"type": "text", "text": reply.text, "citations": None}


async def _stream(answer: dict[str, Any], reply: Reply) -> AsyncIterator[str]:
    [block] = answer["content"]
    usage = answer["usage"]
    empty = {"input": {}} if reply.call else {"text": ""}
    await asyncio.sleep(BEFORE_FIRST_WORD_S)
    begun = answer | {"content": [], "stop_reason": None, "usage": usage | {"output_tokens": 1}}
    yield event({"type": "message_start", "message": begun})
    yield event({"type": "content_block_start", "index": 0, "content_block": block | empty})
    for delta in _deltas(reply):
        yield event({"type": "content_block_delta", "index": 0, "delta": delta})
    yield event({"type": "content_block_stop", "index": 0})
    ended = {"stop_reason": answer["stop_reason"], "stop_sequence": None}
    yield event({"type": "message_delta", "delta": ended, "usage": {"output_tokens": usage["output_tokens"]}})
    yield event({"type": "message_stop"})


def _deltas(reply: Reply) -> list[dict[str, Any]]:
    if reply.call:
        return [{"type": "input_json_delta", "partial_json": reply.call.arguments}]
    return [{"type": "text_delta", "text": word} for word in words(reply)]


ROUTES = [Route("/v1/messages", messages, methods=["POST"])]
