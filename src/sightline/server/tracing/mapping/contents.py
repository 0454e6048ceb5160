"""What went in and what came out, from whichever convention the span follows."""

from collections.abc import Sequence
from typing import Any

from sightline.server.tracing.mapping.tables import (
    INDEXED_INPUTS,
    INDEXED_OUTPUTS,
    INPUT_KEYS,
    MESSAGE_INPUTS,
    MESSAGE_OUTPUTS,
    OUTPUT_KEYS,
    SYSTEM_INSTRUCTIONS,
    TOOL_INPUTS,
    TOOL_OUTPUTS,
)
from sightline.server.tracing.mapping.values import Attributes, first, json_text, parsed, text


def input_of(attributes: Attributes) -> str | None:
    direct = first(attributes, INPUT_KEYS)
    if direct is not None:
        return text(direct)
    indexed = indexed_messages(attributes, INDEXED_INPUTS)
    if indexed:
        return json_text(indexed)
    messages = first(attributes, MESSAGE_INPUTS)
    if messages is not None:
        return _with_instructions(messages, attributes.get(SYSTEM_INSTRUCTIONS))
    return text(first(attributes, TOOL_INPUTS))


def output_of(attributes: Attributes) -> str | None:
    direct = first(attributes, OUTPUT_KEYS)
    if direct is not None:
        return text(direct)
    indexed = indexed_messages(attributes, INDEXED_OUTPUTS)
    if indexed:
        return json_text(indexed)
    return text(first(attributes, (*MESSAGE_OUTPUTS, *TOOL_OUTPUTS)))


def _with_instructions(messages: Any, instructions: Any) -> str | None:
    """Messages with the system instructions as a first message, where there are any."""
    if not instructions:
        return text(messages)
    listed = parsed(messages)
    if not isinstance(listed, list):
        return text(messages)
    parts = parsed(instructions)
    return json_text([{"role": "system", "parts" if isinstance(parts, list) else "content": parts}, *listed])


def indexed_messages(attributes: Attributes, prefixes: Sequence[str]) -> list[Any]:
    """`llm.input_messages.0.message.role`, `…0.message.content`, … gathered into a list of messages."""
    for prefix in prefixes:
        dotted = f"{prefix}."
        flat = {key[len(dotted) :]: value for key, value in attributes.items() if key.startswith(dotted)}
        if flat:
            return [_unwrapped(message) for message in _listed(_nested(flat))]
    return []


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


def _unwrapped(message: Any) -> Any:
    """OpenInference wraps each item under its singular name: `{message: {…}}` is the message."""
    if isinstance(message, dict):
        inner = message["message"] if set(message) == {"message"} else message
        return {key: _parts(value) for key, value in inner.items()} if isinstance(inner, dict) else inner
    return message


def _parts(value: Any) -> Any:
    wrappers = ({"message_content"}, {"tool_call"})
    if not isinstance(value, list):
        return value
    return [next(iter(p.values())) if isinstance(p, dict) and set(p) in wrappers else p for p in value]
