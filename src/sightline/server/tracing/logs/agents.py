"""Mapping of coding agents' log events to observations, as data: agents log what others trace.

From what the programs send: Claude Code 2.1 (`user_prompt`, `api_request`, …) and Codex 0.171 (`codex.…`). Each event
becomes an observation, a model's answer a generation with its usage and cost.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sightline.server.tracing.mapping.values import Attributes, first, json_text, number
from sightline.server.tracing.records import Kind

SESSIONS = ("session.id", "gen_ai.conversation.id", "langfuse.session.id", "conversation.id")
"""Attributes of the session id, first match wins."""
TURN = "prompt.id"
"""Claude Code's id of a prompt: all that is done for it is one trace."""
USERS = ("user.email", "user.account_id", "user.account_uuid")
"""Say more than `user.id`, which is an installation's."""
DURATION_MS = "duration_ms"
PREFIXES = ("claude_code.",)
"""Prefixes stripped from event names."""


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What an event stands for, and which of its attributes say what."""

    kind: Kind = Kind.EVENT
    name: str | None = None
    """Attribute that names it."""
    input: Sequence[str] = ()
    output: Sequence[str] = ()
    failure: Sequence[str] = ()
    usage: Mapping[str, str] = field(default_factory=dict)
    """Attribute to usage type."""
    only_with: str | None = None
    """Required attribute: a stream logs an event for every chunk, and only those with it are kept."""
    parts_of_input: Sequence[str] = ()
    """Usage types that the sender counts within `input` too."""
    cost: str | None = None
    of_trace: bool = False
    """Its input or output is the trace's."""
    opens: bool = False
    """The first of its trace, which the others are under."""


PLAIN = Meaning()
FAILURES = ("error", "error_message", "error.message")
"""Attributes of an error message."""

CLAUDE_USAGE = {
    "input_tokens": "input",
    "output_tokens": "output",
    "cache_read_tokens": "input_cached_tokens",
    "cache_creation_tokens": "input_cache_creation",
}
CODEX_USAGE = {
    "input_token_count": "input",
    "output_token_count": "output",
    "cached_token_count": "input_cached_tokens",
    "cache_write_token_count": "input_cache_creation",
}

MEANINGS = {
    "user_prompt": Meaning(input=("prompt",), of_trace=True, opens=True),
    "assistant_response": Meaning(output=("response",), of_trace=True),
    "api_request": Meaning(kind=Kind.GENERATION, usage=CLAUDE_USAGE, cost="cost_usd"),
    "api_error": Meaning(kind=Kind.GENERATION, failure=FAILURES),
    "tool_result": Meaning(
        kind=Kind.TOOL,
        name="tool_name",
        input=("tool_input", "tool_parameters"),
        failure=FAILURES,
    ),
    "codex.user_prompt": Meaning(input=("prompt",), of_trace=True),
    "codex.sse_event": Meaning(
        kind=Kind.GENERATION,
        usage=CODEX_USAGE,
        only_with="input_token_count",
        parts_of_input=("input_cached_tokens", "input_cache_creation"),
        failure=("error.message",),
    ),
    "codex.tool_result": Meaning(
        kind=Kind.TOOL, name="tool_name", input=("arguments",), output=("output",), failure=FAILURES
    ),
}
"""Event name to its meaning."""


def short_name(name: str) -> str:
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    return name


def meaning_of(name: str, attributes: Attributes) -> Meaning | None:
    """None for an event that says nothing."""
    found = MEANINGS.get(short_name(name), PLAIN)
    silent = found.only_with and found.only_with not in attributes and first(attributes, found.failure) is None
    return None if silent else found


def translated(meaning: Meaning, attributes: Attributes) -> dict[str, str]:
    """The attributes that the mapping of spans reads, made from an agent's."""
    said = {
        "langfuse.observation.type": meaning.kind.value.lower(),
        "langfuse.observation.input": first(attributes, meaning.input),
        "langfuse.observation.output": first(attributes, meaning.output),
        "langfuse.observation.status_message": first(attributes, meaning.failure),
        "langfuse.observation.usage_details": _usage(meaning, attributes),
        "langfuse.observation.cost_details": _cost(meaning, attributes),
        "langfuse.user.id": first(attributes, USERS),
        "langfuse.session.id": first(attributes, SESSIONS),
    }
    if meaning.of_trace:
        said["langfuse.trace.input"] = said["langfuse.observation.input"]
        said["langfuse.trace.output"] = said["langfuse.observation.output"]
    if meaning.failure and _failed(attributes, said["langfuse.observation.status_message"]):
        said["langfuse.observation.level"] = "ERROR"
    return {key: value if isinstance(value, str) else json_text(value) for key, value in said.items() if value}


def _failed(attributes: Attributes, message: object) -> bool:
    return message is not None or str(attributes.get("success", "")).lower() == "false"


def _usage(meaning: Meaning, attributes: Attributes) -> dict[str, int]:
    counted = {name: number(attributes.get(key)) for key, name in meaning.usage.items()}
    usage = {name: int(count) for name, count in counted.items() if count}
    inside = sum(usage.get(name, 0) for name in meaning.parts_of_input)
    if inside:
        usage["input"] = max(0, usage.get("input", 0) - inside)
    return usage


def _cost(meaning: Meaning, attributes: Attributes) -> dict[str, float]:
    dollars = number(attributes.get(meaning.cost)) if meaning.cost else None
    return {} if dollars is None else {"total": dollars}
