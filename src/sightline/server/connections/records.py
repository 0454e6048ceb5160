"""Connections to model providers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NewType

from sightline.server.accounts.records import ProjectId

ConnectionId = NewType("ConnectionId", str)

Adapter = Literal["anthropic", "openai", "azure", "bedrock", "google-vertex-ai", "google-ai-studio"]


@dataclass(frozen=True, kw_only=True)
class LlmConnection:
    """A model provider, without its secrets."""

    id: ConnectionId
    project_id: ProjectId
    provider: str
    """The project's own name for it; unique in the project."""
    adapter: Adapter
    display_secret_key: str
    base_url: str | None
    custom_models: Sequence[str]
    with_default_models: bool
    header_names: Sequence[str]
    config: Mapping[str, Any] | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class LlmConnectionDraft:
    """A connection to upsert by provider."""

    provider: str
    adapter: Adapter
    secret_key: str = field(repr=False)
    base_url: str | None = None
    custom_models: Sequence[str] = ()
    with_default_models: bool = True
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    config: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A connection's decrypted secrets, to call the provider with."""

    connection: LlmConnection
    secret_key: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
