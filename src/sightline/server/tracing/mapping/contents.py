"""What went in and what came out, from whichever convention the span follows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sightline.server.tracing.mapping.dialects import (
    Event,
    ai_sdk_input,
    ai_sdk_output,
    event_messages,
    pydantic_ai_input,
)
from sightline.server.tracing.mapping.kind_tables import AI_SDK_OPERATION
from sightline.server.tracing.mapping.tables import (
    DOCUMENTS,
    FIRST_INPUTS,
    FIRST_OUTPUTS,
    INDEXED_INPUTS,
    INDEXED_OUTPUTS,
    INPUT_EVENTS,
    INPUT_KEYS,
    MESSAGE_INPUTS,
    MESSAGE_OUTPUTS,
    MODEL_INPUTS,
    MODEL_MARKS,
    MODEL_OUTPUTS,
    OUTPUT_EVENTS,
    OUTPUT_KEYS,
    PYDANTIC_AI_MESSAGES,
    RAW_INPUT,
    RAW_OUTPUT,
    SYSTEM_INSTRUCTIONS,
    TOOL_INPUTS,
    TOOL_OUTPUTS,
)
from sightline.server.tracing.mapping.values import Attributes, parsed, says_nothing, telling, text


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Finds a value in a span's attributes or events; None where it has nothing to say."""

    read: Callable[[Attributes, Sequence[Event]], Any]
    keys: Sequence[str] = ()
    """Attributes without which, and without one below `prefixes`, it has nothing to say."""
    prefixes: Sequence[str] = ()
    of_events: bool = False

    def may_find(self, keys: Sequence[str]) -> bool:
        below = tuple(f"{prefix}." for prefix in self.prefixes)
        return self.of_events or any(key in self.keys or key.startswith(below) for key in keys)


def first_found(readers: Sequence[Reader], attributes: Attributes, events: Sequence[Event]) -> str | None:
    """What the first reader finds, as it is stored; an empty object only where no other finds more."""
    empty = None
    for reader in readers:
        if reader.of_events and not events:
            continue
        found = text(reader.read(attributes, events))
        if found is not None and not says_nothing(found):
            return found
        empty = empty or found
    return empty


def _keys(*names: str) -> Reader:
    return Reader(read=lambda attributes, _: telling(attributes, names), keys=names)


def _events(*names: str) -> Reader:
    return Reader(read=lambda _, events: event_messages(events, names), of_events=True)


def _indexed(*prefixes: str) -> Reader:
    return Reader(read=lambda attributes, _: indexed_messages(attributes, prefixes), prefixes=prefixes)


def _model_messages(*prefixes: str) -> Reader:
    """Messages a key each where the span is a model's call; elsewhere they repeat those of the spans inside."""
    return Reader(
        read=lambda attributes, _: (
            indexed_messages(attributes, prefixes)
            if any(attributes.get(key) == call for key, call in MODEL_MARKS.items())
            else None
        ),
        prefixes=prefixes,
    )


def _asked(attributes: Attributes, _: Sequence[Event]) -> Any:
    return _with_instructions(telling(attributes, MESSAGE_INPUTS), attributes)


def _asked_of_an_agent(attributes: Attributes, _: Sequence[Event]) -> Any:
    return _with_instructions(pydantic_ai_input(attributes), attributes)


def _with_instructions(messages: Any, attributes: Attributes) -> Any:
    """Messages with the system instructions as a first message, where there are any."""
    instructions = attributes.get(SYSTEM_INSTRUCTIONS)
    listed = parsed(messages)
    if not instructions or not isinstance(listed, list):
        return messages
    parts = parsed(instructions)
    return [{"role": "system", "parts" if isinstance(parts, list) else "content": parts}, *listed]


INPUT_READERS: Sequence[Reader] = (
    _keys(*FIRST_INPUTS),
    Reader(read=lambda attributes, _: ai_sdk_input(attributes), keys=(AI_SDK_OPERATION,)),
    _events(*INPUT_EVENTS),
    _model_messages(*MODEL_INPUTS),
    _keys(*INPUT_KEYS),
    Reader(read=_asked_of_an_agent, keys=PYDANTIC_AI_MESSAGES),
    Reader(read=_asked, keys=MESSAGE_INPUTS),
    _indexed(*INDEXED_INPUTS),
    _keys(*TOOL_INPUTS, RAW_INPUT),
)
"""Tried in order, the first that finds something wins."""
OUTPUT_READERS: Sequence[Reader] = (
    _keys(*FIRST_OUTPUTS),
    Reader(read=lambda attributes, _: ai_sdk_output(attributes), keys=(AI_SDK_OPERATION,)),
    _events(*OUTPUT_EVENTS),
    _model_messages(*MODEL_OUTPUTS),
    _keys(*OUTPUT_KEYS, *MESSAGE_OUTPUTS),
    _indexed(*INDEXED_OUTPUTS),
    _indexed(*DOCUMENTS),
    _keys(*TOOL_OUTPUTS, RAW_OUTPUT),
)
"""Tried in order, the first that finds something wins."""


def indexed_messages(attributes: Attributes, prefixes: Sequence[str]) -> list[Any] | None:
    """`llm.input_messages.0.message.role`, `…0.message.content`, … gathered into a list of messages."""
    for prefix in prefixes:
        dotted = f"{prefix}."
        flat = {key[len(dotted) :]: value for key, value in attributes.items() if key.startswith(dotted)}
        if flat:
            return [_unwrapped(message) for message in _listed(_nested(flat))]
    return None


def _nested(flat: dict[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path, value in flat.items():
        *branches, leaf = path.split(".")
        node = tree
        for branch in branches:
            child = node.get(branch)
            if not isinstance(child, dict):
                child = node[branch] = {}
            node = child
        node[leaf] = value
    return tree


def _listed(tree: dict[str, Any]) -> list[Any]:
    return [_lists(tree[key]) for key in sorted(tree, key=_position)]


def _lists(node: Any) -> Any:
    """Dicts whose keys are all numbers, as lists."""
    if not isinstance(node, dict):
        return node
    if node and all(key.isdecimal() for key in node):
        return _listed(node)
    return {key: _lists(value) for key, value in node.items()}


def _position(key: str) -> tuple[int, str]:
    return (int(key) if key.isdecimal() else len(key) + 1_000_000, key)


WRAPPED = ({"message"}, {"document"})
"""Keys of an item that is wrapped under its singular name."""


def _unwrapped(message: Any) -> Any:
    """OpenInference wraps each item under its singular name: `{message: {…}}` is the message."""
    if isinstance(message, dict):
        inner = next(iter(message.values())) if set(message) in WRAPPED else message
        return {key: _parts(value) for key, value in inner.items()} if isinstance(inner, dict) else inner
    return message


def _parts(value: Any) -> Any:
    wrappers = ({"message_content"}, {"tool_call"})
    if not isinstance(value, list):
        return value
    return [next(iter(p.values())) if isinstance(p, dict) and set(p) in wrappers else p for p in value]
