"""Prompts: immutable numbered versions under a name, labels that point at one version, tags on all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NewType

from sightline.server.accounts.records import ProjectId
from sightline.server.questions import Condition

PromptId = NewType("PromptId", str)
"""Of one version; a name has none of its own outside the store."""

Kind = Literal["text", "chat"]
Content = str | Sequence[Mapping[str, Any]]
"""A text, or messages `{role, content}` and placeholders `{type: "placeholder", name}`."""

LATEST = "latest"
"""The label of the newest version; the server moves it."""
PRODUCTION = "production"
"""The label that is meant where none is named."""


@dataclass(frozen=True, kw_only=True)
class Selector:
    """Which version of a prompt: by its number, or by a label."""

    name: str
    version: int | None = None
    label: str | None = None

    def __str__(self) -> str:
        which = f"version {self.version}" if self.version is not None else f"label {self.label!r}"
        return f"{self.name!r} with {which}"


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A version about to be made."""

    name: str
    kind: Kind
    content: Content
    config: Any = field(default_factory=dict)
    labels: Sequence[str] = ()
    tags: Sequence[str] | None = None
    """None keeps the tags that the prompt has."""
    commit_message: str | None = None
    created_by: str


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """One version of a prompt, as stored."""

    id: PromptId
    project_id: ProjectId
    name: str
    kind: Kind
    version: int
    content: Content
    config: Any
    labels: tuple[str, ...]
    """In alphabetical order, `latest` at the end."""
    tags: tuple[str, ...]
    commit_message: str | None
    created_by: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class Inclusion:
    """A version that another one includes."""

    id: PromptId
    name: str
    version: int


@dataclass(frozen=True, kw_only=True)
class Composed:
    """A version with the texts it includes put in place of their tags."""

    prompt: Prompt
    inclusions: Mapping[PromptId, Sequence[Inclusion]]
    """By the version that includes; empty when nothing is included or nothing was resolved."""


@dataclass(frozen=True, kw_only=True)
class PromptQuery:
    """Which versions a list is made of; what it says of a prompt is about the matching versions only."""

    conditions: Sequence[Condition] = ()
    limit: int = 50
    offset: int = 0


@dataclass(frozen=True, kw_only=True)
class PromptSummary:
    """A prompt in a list."""

    name: str
    kind: Kind
    versions: tuple[int, ...]
    labels: tuple[str, ...]
    tags: tuple[str, ...]
    updated_at: datetime
    config: Any
    """Of the newest matching version."""
