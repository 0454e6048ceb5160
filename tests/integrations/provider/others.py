"""Interfaces of their own: Cohere, Ollama, Bedrock, Replicate and Aleph Alpha, whole answers."""

import json

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from integrations.provider import openai
from integrations.provider.wire import new_id
from integrations.replies import (
    CACHED_TOKENS,
    EMBEDDING_TOKENS,
    INPUT_TOKENS,
    OUTPUT_TOKENS,
    TEXT,
    WRITTEN_TOKENS,
    anthropic_usage,
    embedding_of,
)

_COHERE_UNITS = {"input_tokens": INPUT_TOKENS, "output_tokens": OUTPUT_TOKENS}
_TIMES_NS = {"total_duration": 50_000_000, "load_duration": 1_000_000, "eval_duration": 40_000_000}


async def cohere_chat(request: Request) -> Response:
    """Version 2: billed units beside the tokens that were really read."""
    answer = {
        "id": new_id("cohere-"),
        "finish_reason": "COMPLETE",
        "message": {"role": "assistant", "content": [{"type": "text", "text": TEXT}]},
        "usage": {"billed_units": _COHERE_UNITS, "tokens": _COHERE_UNITS, "cached_tokens": CACHED_TOKENS},
    }
    return JSONResponse(answer)


async def cohere_embed(request: Request) -> Response:
    texts = (await request.json())["texts"]
    meta = {"api_version": {"version": "2"}, "billed_units": {"input_tokens": EMBEDDING_TOKENS}}
    vectors = {"float": [embedding_of(text) for text in texts]}
    return JSONResponse(
        {"id": new_id("cohere-"), "response_type": "embeddings_by_type", "embeddings": vectors, "texts": texts}
        | {"meta": meta}
    )


async def cohere_rerank(request: Request) -> Response:
    meta = {"api_version": {"version": "2"}, "billed_units": {"search_units": 1}}
    return JSONResponse({"id": new_id("cohere-"), "results": [{"index": 0, "relevance_score": 0.9}], "meta": meta})


async def ollama_chat(request: Request) -> Response:
    body = await request.json()
    counted = {"prompt_eval_count": INPUT_TOKENS, "eval_count": OUTPUT_TOKENS, **_TIMES_NS}
    common = {"model": body["model"], "created_at": "2026-01-01T00:00:00Z"}
    whole = {
        **common,
        "message": {"role": "assistant", "content": TEXT},
        "done": True,
        "done_reason": "stop",
        **counted,
    }
    if not body.get("stream"):
        return JSONResponse(whole)
    piece = {**common, "message": {"role": "assistant", "content": TEXT}, "done": False}
    last = whole | {"message": {"role": "assistant", "content": ""}}
    return StreamingResponse(
        iter([json.dumps(each) + "\n" for each in (piece, last)]), media_type="application/x-ndjson"
    )


async def ollama_embed(request: Request) -> Response:
    body = await request.json()
    texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
    vectors = [embedding_of(text) for text in texts]
    return JSONResponse({"model": body["model"], "embeddings": vectors, "prompt_eval_count": EMBEDDING_TOKENS})


async def bedrock_converse(request: Request) -> Response:
    """Like Anthropic's, caches stand beside the input, and the total counts them."""
    usage = {
        "inputTokens": INPUT_TOKENS - CACHED_TOKENS,
        "outputTokens": OUTPUT_TOKENS,
        "cacheReadInputTokens": CACHED_TOKENS,
        "cacheWriteInputTokens": WRITTEN_TOKENS,
        "totalTokens": INPUT_TOKENS + WRITTEN_TOKENS + OUTPUT_TOKENS,
    }
    message = {"role": "assistant", "content": [{"text": TEXT}]}
    return JSONResponse(
        {"output": {"message": message}, "stopReason": "end_turn", "usage": usage, "metrics": {"latencyMs": 50}}
    )


async def bedrock_invoke(request: Request) -> Response:
    answer = {
        "id": new_id("msg_bdrk_"),
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-4-5",
        "content": [{"type": "text", "text": TEXT}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": anthropic_usage(),
    }
    counted = {
        "x-amzn-bedrock-input-token-count": str(INPUT_TOKENS - CACHED_TOKENS),
        "x-amzn-bedrock-output-token-count": str(OUTPUT_TOKENS),
    }
    return JSONResponse(answer, headers=counted)


async def replicate_predict(request: Request) -> Response:
    metrics = {"input_token_count": INPUT_TOKENS, "output_token_count": OUTPUT_TOKENS, "predict_time": 0.05}
    identity = new_id("rp")
    return JSONResponse(
        {
            "id": identity,
            "model": "meta/meta-llama-3-8b-instruct",
            "version": "hidden",
            "input": (await request.json())["input"],
            "logs": "",
            "output": TEXT.split(" "),
            "error": None,
            "status": "succeeded",
            "created_at": "2026-01-01T00:00:00Z",
            "metrics": metrics,
            "urls": {"get": f"{request.base_url}v1/predictions/{identity}", "cancel": ""},
        },
        201,
    )


async def aleph_alpha_complete(request: Request) -> Response:
    return JSONResponse(
        {
            "model_version": "2026-01",
            "completions": [{"completion": TEXT, "finish_reason": "end_of_text"}],
            "num_tokens_prompt_total": INPUT_TOKENS,
            "num_tokens_generated": OUTPUT_TOKENS,
        }
    )


async def aleph_alpha_version(request: Request) -> Response:
    return Response("1.0.0", media_type="text/plain")


ROUTES = [
    Route("/{name}/v1/chat/completions", openai.chat, methods=["POST"]),
    Route("/v1/chat", openai.chat, methods=["POST"]),
    Route("/v2/chat", cohere_chat, methods=["POST"]),
    Route("/v2/embed", cohere_embed, methods=["POST"]),
    Route("/v2/rerank", cohere_rerank, methods=["POST"]),
    Route("/api/chat", ollama_chat, methods=["POST"]),
    Route("/api/embed", ollama_embed, methods=["POST"]),
    Route("/model/{model}/converse", bedrock_converse, methods=["POST"]),
    Route("/model/{model}/invoke", bedrock_invoke, methods=["POST"]),
    Route("/v1/models/{owner}/{name}/predictions", replicate_predict, methods=["POST"]),
    Route("/complete", aleph_alpha_complete, methods=["POST"]),
    Route("/version", aleph_alpha_version, methods=["GET"]),
]
