"""What the stand-in model answers: decided by the request alone, counted as a provider counts."""

import json
from dataclasses import dataclass
from typing import Any

TEXT = "A red three and a blue seven."
CITY = "Paris"
MISSING_MODELS = ("gpt-missing", "gpt-4-32k")
INPUT_TOKENS, CACHED_TOKENS, OUTPUT_TOKENS, REASONING_TOKENS = 40, 16, 12, 5
WRITTEN_TOKENS = 8
EMBEDDING_TOKENS = 6
WIDTH = 8


@dataclass(frozen=True)
class Call:
    """A call of one of the tools that the request offers."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class Reply:
    """Text, or a call of a tool."""

    text: str | None
    call: Call | None = None


def reply_to(body: dict[str, Any]) -> Reply:
    """The first tool offered that was not called yet; with none left, JSON where a schema is asked for, else text."""
    messages = _messages(body)
    for tool in body.get("tools") or []:
        function = tool.get("function", tool)
        if not _called(function["name"], messages):
            arguments = json.dumps(example_of(function.get("parameters", {})))
            return Reply(None, Call(f"call_{function['name']}", function["name"], arguments))
    schema = _schema(body)
    if schema is not None:
        return Reply(json.dumps(example_of(schema)))
    results = [result for message in messages if (result := _result(message)) is not None]
    return Reply(f"In {CITY}: {results[-1]}" if results else TEXT)


def _messages(body: dict[str, Any]) -> list[dict[str, Any]]:
    given = body.get("messages", body.get("input", []))
    return given if isinstance(given, list) else [{"role": "user", "content": given}]


def _called(tool: str, messages: list[dict[str, Any]]) -> bool:
    chat = {call["function"]["name"] for message in messages for call in message.get("tool_calls") or []}
    responses = {message["name"] for message in messages if message.get("type") == "function_call"}
    # smolagents tells the model of earlier calls in words.
    told = any(f"'name': '{tool}'" in str(each.get("content")) for each in messages if each.get("role") == "assistant")
    return told or tool in chat | responses


def _result(message: dict[str, Any]) -> str | None:
    if message.get("role") == "tool":
        content = message["content"]
        return content if isinstance(content, str) else content[0]["text"]
    return message["output"] if message.get("type") == "function_call_output" else None


def _schema(body: dict[str, Any]) -> dict[str, Any] | None:
    wanted = body.get("response_format") or (body.get("text") or {}).get("format") or {}
    if wanted.get("type") != "json_schema":
        return None
    return wanted["json_schema"]["schema"] if "json_schema" in wanted else wanted["schema"]


def example_of(schema: dict[str, Any]) -> Any:
    """A value that fits a JSON schema, the same every time."""
    match schema.get("type"):
        case "object":
            return {name: example_of(each) for name, each in schema.get("properties", {}).items()}
        case "array":
            return [example_of(schema["items"])]
        case "integer" | "number":
            return 3
        case "boolean":
            return True
        case _:
            return CITY


def chat_usage() -> dict[str, Any]:
    return {
        "prompt_tokens": INPUT_TOKENS,
        "completion_tokens": OUTPUT_TOKENS,
        "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
        "prompt_tokens_details": {"cached_tokens": CACHED_TOKENS, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": REASONING_TOKENS,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def responses_usage() -> dict[str, Any]:
    return {
        "input_tokens": INPUT_TOKENS,
        "input_tokens_details": {"cached_tokens": CACHED_TOKENS},
        "output_tokens": OUTPUT_TOKENS,
        "output_tokens_details": {"reasoning_tokens": REASONING_TOKENS},
        "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
    }


def anthropic_usage() -> dict[str, Any]:
    """What was read from the cache and written to it stands beside the input here, not inside it."""
    return {
        "input_tokens": INPUT_TOKENS - CACHED_TOKENS,
        "cache_read_input_tokens": CACHED_TOKENS,
        "cache_creation_input_tokens": WRITTEN_TOKENS,
        "cache_creation": {"ephemeral_5m_input_tokens": WRITTEN_TOKENS, "ephemeral_1h_input_tokens": 0},
        "output_tokens": OUTPUT_TOKENS,
        "service_tier": "standard",
    }


def gemini_usage() -> dict[str, Any]:
    """What was thought stands beside the answer here, not inside it."""
    return {
        "promptTokenCount": INPUT_TOKENS,
        "cachedContentTokenCount": CACHED_TOKENS,
        "candidatesTokenCount": OUTPUT_TOKENS - REASONING_TOKENS,
        "thoughtsTokenCount": REASONING_TOKENS,
        "totalTokenCount": INPUT_TOKENS + OUTPUT_TOKENS,
    }


def embedding_of(text: Any) -> list[float]:
    """A vector that is the same for the same text and differs between texts."""
    spelt = json.dumps(text).encode()
    return [round(sum(spelt[place::WIDTH]) % 97 / 97 + 0.01, 3) for place in range(WIDTH)]
