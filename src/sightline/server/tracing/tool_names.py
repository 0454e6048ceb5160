"""Tools in an observation's texts: those it was offered, and those its answer called. Pure."""

from collections.abc import Iterator
from typing import Any

from sightline.server.runtime.json_reading import NotJson, loads
from sightline.server.tracing.records import Kind, Observation

CALLS = frozenset(("tool_use", "tool_call", "tool-call", "function_call"))
"""Types of parts of an answer that are calls."""
SIGNS_OF_CALLS = ("tool", "function_call")
"""Prefilter: every output with a call contains one of these."""
OFFERS = "gen_ai.tool.definitions"
"""Span attribute with the tool definitions."""
SILENT = frozenset((Kind.SPAN, Kind.EVENT, Kind.TOOL, Kind.RETRIEVER, Kind.EMBEDDING))
"""Kinds that no model answers in."""
DEEPEST = 20
"""Nesting limit of the search."""


def tools_of(observation: Observation) -> tuple[list[str], list[str]]:
    """Names of the tools that were offered, each once; and of those called, once a call.

    Most observations have neither: only those that hold the words are looked into.
    """
    if observation.kind in SILENT:
        return [], []
    return _offered(observation), _called_in(observation.output)


def _offered(observation: Observation) -> list[str]:
    names: list[str] = []
    if observation.input and '"tools"' in observation.input:
        document = _parsed(observation.input)
        names += _names(document.get("tools") if isinstance(document, dict) else None)
    if "tools" in observation.model_parameters:
        names += _names(_parsed(observation.model_parameters["tools"]))
    attributes = observation.metadata.get("attributes")
    if attributes and OFFERS in attributes:
        document = _parsed(attributes)
        given = document.get(OFFERS) if isinstance(document, dict) else None
        names += _names(_parsed(given) if isinstance(given, str) else given)
    return list(dict.fromkeys(names))


def _names(tools: Any) -> Iterator[str]:
    """Of definitions as the APIs of model providers take them."""
    for tool in tools if isinstance(tools, list) else ():
        described = tool.get("function") if isinstance(tool, dict) and isinstance(tool.get("function"), dict) else tool
        if isinstance(described, dict) and isinstance(described.get("name"), str):
            yield described["name"]


def _called_in(output: str | None) -> list[str]:
    if output and (SIGNS_OF_CALLS[0] in output or SIGNS_OF_CALLS[1] in output):
        return list(_calls(_parsed(output), DEEPEST))
    return []


def _calls(value: Any, depth: int) -> Iterator[str]:
    if depth == 0:
        return
    if isinstance(value, list):
        for each in value:
            yield from _calls(each, depth - 1)
    elif isinstance(value, dict):
        if value.get("type") in CALLS:
            name = value.get("name") or value.get("toolName")
            if isinstance(name, str):
                yield name
            return
        calls = value.get("tool_calls")
        if isinstance(calls, list) and calls:
            # Some frameworks say the same calls again in other words beside them.
            yield from _names(calls)
            return
        for inner in value.values():
            if isinstance(inner, list | dict):
                yield from _calls(inner, depth - 1)


def _parsed(text: str) -> Any:
    try:
        return loads(text)
    except NotJson:
        return None
