"""Decoding of stored JSON text."""

from collections.abc import Mapping
from typing import Any

from sightline.server.runtime.errors import InvalidRequest
from sightline.server.runtime.json_reading import NotJson, guarded
from sightline.server.tracing.records import Observation


def json_or_text(stored: str | None) -> Any:
    """The value of stored JSON text, or the text itself where it is no JSON, or too deep to be written as such."""
    if stored is None:
        return None
    try:
        return guarded(stored)
    except (NotJson, InvalidRequest):
        return stored


def decoded(metadata: Mapping[str, str]) -> dict[str, Any]:
    return {key: json_or_text(value) for key, value in metadata.items()}


def typed(stored: str) -> Any:
    """A metadata value as Langfuse reads it: text that is JSON itself is what it says, so "3" reads as 3.

    What is stored, and what the pages show, keeps the two apart.
    """
    value = json_or_text(stored)
    inner = json_or_text(value) if isinstance(value, str) else value
    return value if isinstance(inner, str) else inner


def typed_metadata(metadata: Mapping[str, str]) -> dict[str, Any]:
    return {key: typed(value) for key, value in metadata.items()}


def latency_s(observation: Observation) -> float | None:
    if observation.end_time is None:
        return None
    return (observation.end_time - observation.start_time).total_seconds()


def time_to_first_token_s(observation: Observation) -> float | None:
    if observation.completion_start_time is None:
        return None
    return (observation.completion_start_time - observation.start_time).total_seconds()
