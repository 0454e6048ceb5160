"""What single libraries write where no convention says how: Vercel's AI SDK, pydantic-ai, message events."""

from collections.abc import Sequence
from typing import Any

from sightline.server.tracing.mapping.kind_tables import AI_SDK_OPERATION
from sightline.server.tracing.mapping.tables import (
    AI_SDK_INPUTS,
    AI_SDK_OUTPUTS,
    AI_SDK_TEXTS,
    AI_SDK_TOOL_CALLS,
    ANSWER_IDS,
    LLAMA_INDEX_CALL_KEYS,
    LLAMA_INDEX_SCOPE,
    MESSAGE_EVENTS,
    PYDANTIC_AI_MESSAGES,
    PYDANTIC_AI_NEW_MESSAGE,
)
from sightline.server.tracing.mapping.values import Attributes, first, number, parsed, telling

MLFLOW_TEXTS = frozenset(("mlflow.spanInputs", "mlflow.spanOutputs"))
"""MLflow's attributes that stay JSON."""

Event = tuple[str, Attributes]
"""A span event's name and attributes."""


def wraps_calls(attributes: Attributes, scope: str | None) -> bool:
    """Whether a span that calls itself a model's call is a method around one."""
    return scope == LLAMA_INDEX_SCOPE and not any(key in attributes for key in LLAMA_INDEX_CALL_KEYS)


def answer_id(answer: Any) -> str | None:
    """The id that a provider's answer begins with, where it is kept as JSON."""
    if not isinstance(answer, str) or not answer.startswith("{") or '"id"' not in answer:
        return None
    told = parsed(answer)
    named = told.get("id") if isinstance(told, dict) else None
    return named if isinstance(named, str) and named.startswith(ANSWER_IDS) else None


def bare_words(attributes: Attributes) -> Attributes:
    """MLflow's attributes without the quotes that JSON puts around a text; its inputs and outputs stay JSON."""
    return {
        key: parsed(value) if type(value) is str and value[:1] == '"' and key not in MLFLOW_TEXTS else value
        for key, value in attributes.items()
    }


def ai_sdk_input(attributes: Attributes) -> Any:
    if AI_SDK_OPERATION not in attributes:
        return None
    given = telling(attributes, AI_SDK_INPUTS)
    if given is not None:
        return given
    values = attributes.get("ai.values")
    return [parsed(value) for value in values] if isinstance(values, list) else None


def ai_sdk_output(attributes: Attributes) -> Any:
    """Text as it is; with tool calls an assistant's message; for embeddings only how many and how wide they are."""
    if AI_SDK_OPERATION not in attributes:
        return None
    said = first(attributes, AI_SDK_TEXTS)
    calls = parsed(telling(attributes, AI_SDK_TOOL_CALLS))
    if isinstance(calls, list) and calls:
        return {"role": "assistant", "content": said, "tool_calls": [_call(call) for call in calls]}
    made = said if said is not None else telling(attributes, AI_SDK_OUTPUTS)
    return made if made is not None else _embedded(attributes)


def _call(call: Any) -> Any:
    return call | {"input": parsed(call.get("input"))} if isinstance(call, dict) else call


def _embedded(attributes: Attributes) -> Any:
    vectors = attributes.get("ai.embeddings") or attributes.get("ai.embedding")
    listed = vectors if isinstance(vectors, list) else [vectors]
    if not isinstance(listed[0], str):
        return None
    return {"dimensions": listed[0].count(",") + 1, "count": len(listed)}


def pydantic_ai_input(attributes: Attributes) -> Any:
    """What an agent was asked: the conversation up to its first reply; the replies are in the spans inside it."""
    messages = parsed(telling(attributes, PYDANTIC_AI_MESSAGES))
    if not isinstance(messages, list):
        return None
    begins = int(number(attributes.get(PYDANTIC_AI_NEW_MESSAGE)) or 0)
    replies = (place for place, message in enumerate(messages) if place >= begins and _is_reply(message))
    return messages[: next(replies, len(messages))]


def _is_reply(message: Any) -> bool:
    return isinstance(message, dict) and message.get("role") == "assistant"


def event_messages(events: Sequence[Event], names: Sequence[str]) -> list[Any] | None:
    """`gen_ai.user.message`, … and `gen_ai.choice` events as messages, in the order they were written."""
    return [_message(MESSAGE_EVENTS[name], attributes) for name, attributes in events if name in names] or None


def _message(role: str, attributes: Attributes) -> Any:
    whole = first(attributes, ("gen_ai.event.content", "gen_ai.prompt", "gen_ai.completion"))
    if whole is not None:
        return parsed(whole)
    fields = {key: parsed(value) for key, value in attributes.items() if not key.startswith(("gen_ai.", "event."))}
    return {"role": role, **fields}
