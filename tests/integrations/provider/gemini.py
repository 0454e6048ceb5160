"""Gemini's generateContent, whole and streamed."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from integrations.provider.wire import BEFORE_FIRST_WORD_S, event, new_id
from integrations.replies import Reply, gemini_usage, reply_to


async def generate(request: Request) -> Response:
    answer = _answer(request.path_params["model"], reply_to(_as_chat(await request.json())))
    if request.path_params["method"] == "streamGenerateContent":
        return StreamingResponse(_stream(answer), media_type="text/event-stream")
    return JSONResponse(answer)


def _answer(model: str, reply: Reply) -> dict[str, Any]:
    part = {"text": reply.text}
    if reply.call:
        part = {"functionCall": {"name": reply.call.name, "args": json.loads(reply.call.arguments)}}
    return {
        "candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": gemini_usage(),
        "modelVersion": model,
        "responseId": new_id("response-"),
    }


def _as_chat(body: dict[str, Any]) -> dict[str, Any]:
    """The request as OpenAI's chat completions would spell it, which is what replies are decided by."""
    declared = [each for tool in body.get("tools") or [] for each in tool.get("functionDeclarations", [])]
    parts = [part for content in body["contents"] for part in content["parts"]]
    return {
        "tools": [{"name": each["name"], "parameters": _schema(each)} for each in declared],
        "messages": [spelt for part in parts if (spelt := _as_message(part))],
    }


def _schema(declared: dict[str, Any]) -> dict[str, Any]:
    """A JSON schema, in either spelling that the interface takes."""
    schema: dict[str, Any] = declared.get("parametersJsonSchema") or declared["parameters_json_schema"]
    return schema


def _as_message(part: dict[str, Any]) -> dict[str, Any] | None:
    if call := part.get("functionCall"):
        return {"role": "assistant", "tool_calls": [{"function": {"name": call["name"]}}]}
    if result := part.get("functionResponse"):
        return {"role": "tool", "content": str(result["response"].get("result"))}
    return None


async def _stream(answer: dict[str, Any]) -> AsyncIterator[str]:
    await asyncio.sleep(BEFORE_FIRST_WORD_S)
    yield event(answer)


ROUTES = [Route("/{version}/models/{model}:{method}", generate, methods=["POST"])]
