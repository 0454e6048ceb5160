"""Tools that a model was offered and those it called, in the shapes that providers and frameworks write."""

from typing import Any

import orjson
import pytest

from server.tracing.making import observation
from sightline.server.tracing.records import Kind
from sightline.server.tracing.tool_names import tools_of

DEFINED = [{"type": "function", "function": {"name": "look"}}, {"name": "search", "input_schema": {}}]
CALL = {"id": "1", "type": "function", "function": {"name": "look", "arguments": "{}"}}


def tools(**fields: Any) -> tuple[list[str], list[str]]:
    return tools_of(observation(kind=fields.pop("kind", Kind.GENERATION), **fields))


def text(value: Any) -> str:
    return orjson.dumps(value).decode()


@pytest.mark.parametrize(
    "fields",
    [
        {"input": text({"messages": [], "tools": DEFINED})},
        {"model_parameters": {"tools": text(DEFINED)}},
        {"metadata": {"attributes": text({"gen_ai.tool.definitions": text(DEFINED)})}},
    ],
)
def test_what_was_offered(fields: dict[str, Any]):
    assert tools(**fields) == (["look", "search"], [])


@pytest.mark.parametrize(
    "output",
    [
        {"role": "assistant", "content": None, "tool_calls": [CALL, CALL]},
        [{"role": "assistant", "tool_calls": [CALL]}, {"tool_calls": [CALL]}],
        {"choices": [{"message": {"tool_calls": [CALL, CALL]}}]},
        {"content": [{"type": "text", "text": "so"}, *2 * [{"type": "tool_use", "name": "look", "input": {}}]]},
        [{"role": "assistant", "parts": 2 * [{"type": "tool_call", "name": "look"}]}],
        2 * [{"type": "function_call", "name": "look", "arguments": "{}"}],
        {"content": 2 * [{"type": "tool-call", "toolName": "look", "toolCallId": "1"}]},
        {
            "tool_calls": 2 * [{"name": "look", "args": {}}],
            "additional_kwargs": {"tool_calls": [CALL, CALL]},
        },
    ],
)
def test_what_was_called(output: Any):
    assert tools(output=text(output)) == ([], ["look", "look"])


@pytest.mark.parametrize(
    "fields",
    [
        {"output": "I would use tool_calls here"},
        {"output": text({"tool_calls": []})},
        {"input": text({"messages": [{"role": "assistant", "tool_calls": [CALL]}]})},
        {"output": text({"tool_calls": [CALL]}), "kind": Kind.SPAN},
        {"output": text({"tool_calls": ["odd", {"function": "odd"}]})},
    ],
)
def test_what_only_looks_like_it(fields: dict[str, Any]):
    assert tools(**fields) == ([], [])
