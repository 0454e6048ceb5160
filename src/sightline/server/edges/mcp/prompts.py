"""Langfuse's own names for the tools of prompts: the public API's operations, with arguments side by side."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_NAME = {"type": "string", "description": "The prompt's name."}
_LABELS = {"type": "array", "items": {"type": "string"}, "description": "Labels move here from other versions."}
_MESSAGES = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"role": {"type": "string"}, "content": {"type": "string"}},
        "required": ["role", "content"],
    },
}
_NEW = {
    "name": _NAME,
    "labels": _LABELS,
    "config": {"description": "Any JSON, kept with the version."},
    "tags": {"type": "array", "items": {"type": "string"}},
    "commitMessage": {"type": "string"},
}
_ONE = ("name", "version", "label")


@dataclass(frozen=True, kw_only=True)
class Known:
    """A tool by the name Langfuse gives it. What is in `body` travels in the request's body, the rest where the
    operation has it."""

    operation: tuple[str, str]
    """Method and path."""
    description: str
    parameters: tuple[str, ...] = ()
    """Those of the operation's own that the tool takes."""
    body: Mapping[str, Any] = field(default_factory=dict)
    """Properties of the body by name."""
    required: tuple[str, ...] = ("name",)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """What the tool says by itself: in the body, or in the query where there is none."""


PROMPT, PROMPTS = "/api/public/v2/prompts/{name}", "/api/public/v2/prompts"
KNOWN: Mapping[str, Known] = {
    "getPrompt": Known(
        operation=("get", PROMPT),
        description="A prompt's version with the prompts it includes: by label, by version, else in production.",
        parameters=_ONE,
    ),
    "getPromptUnresolved": Known(
        operation=("get", PROMPT),
        description="A prompt's version as it was written, with its references to other prompts.",
        parameters=_ONE,
        fixed={"resolve": False},
    ),
    "listPrompts": Known(
        operation=("get", PROMPTS),
        description="Prompts by name, with their versions, labels and tags.",
        parameters=("name", "label", "tag", "page", "limit", "fromUpdatedAt", "toUpdatedAt"),
        required=(),
    ),
    "createTextPrompt": Known(
        operation=("post", PROMPTS),
        description="A new version of a text prompt; the first one makes the prompt.",
        body=_NEW | {"prompt": {"type": "string"}},
        required=("name", "prompt"),
        fixed={"type": "text"},
    ),
    "createChatPrompt": Known(
        operation=("post", PROMPTS),
        description="A new version of a chat prompt, a list of messages; the first one makes the prompt.",
        body=_NEW | {"prompt": _MESSAGES},
        required=("name", "prompt"),
        fixed={"type": "chat"},
    ),
    "updatePromptLabels": Known(
        operation=("patch", "/api/public/v2/prompts/{name}/versions/{version}"),
        description="Move labels to one version of a prompt.",
        parameters=("name", "version"),
        body={"newLabels": _LABELS},
        required=("name", "version", "newLabels"),
    ),
}
"""Langfuse's name of a tool to the operation it calls."""
