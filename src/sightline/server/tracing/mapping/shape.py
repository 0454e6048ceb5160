"""What the keys of a span's attributes say by themselves: which fields something is there for.

Spans of the same call site have the same keys, so the shape is memoized by key set (LRU), and a field that nothing
can fill costs nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from sightline.server.tracing.mapping.contents import INPUT_READERS, OUTPUT_READERS, Reader
from sightline.server.tracing.mapping.kind_tables import KIND_TABLES
from sightline.server.tracing.mapping.tables import (
    CALL_ID_KEYS,
    COMPLETION_START,
    CONSUMED,
    CONSUMED_PREFIXES,
    ENVIRONMENT_KEYS,
    EXPERIMENT_PREFIX,
    FIRST_TOKEN_DELAYS_S,
    FOREIGN_PREFIXES,
    INVOCATION_PARAMETERS,
    MODEL_KEYS,
    NAME_KEYS,
    OBSERVATION_METADATA,
    OWN_METADATA,
    PARAMETER_PREFIX,
    PARAMETERS,
    RELEASE_KEYS,
    ROOT_KEYS,
    SESSION_KEYS,
    TAG_KEYS,
    TOOL_KEYS,
    TRACE_PREFIX,
    USER_KEYS,
    VERSION_KEYS,
)
from sightline.server.tracing.mapping.usage import Counter, counters_among, unexplained_among
from sightline.server.tracing.mapping.usage_tables import COST_BY_ATTRIBUTE, COST_DETAILS, USAGE_DETAILS
from sightline.server.tracing.records import Kind

REMEMBERED = 1_024
"""Shapes in the LRU cache."""
MOST_KEYS = 64
"""Limit of keys of a cached shape: a long conversation, with a key for each part of each message, rarely repeats."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """Of each list of keys those that are there, in the list's order."""

    kinds: Sequence[tuple[str, Mapping[str, Kind], Callable[[str], str]]]
    tools: Sequence[str]
    models: Sequence[str]
    names: Sequence[str]
    sessions: Sequence[str]
    users: Sequence[str]
    tags: Sequence[str]
    environments: Sequence[str]
    versions: Sequence[str]
    releases: Sequence[str]
    roots: Sequence[str]
    inputs: Sequence[Reader]
    outputs: Sequence[Reader]
    call_ids: Sequence[str]
    counters: Sequence[Counter]
    unexplained_counters: Sequence[Counter]
    tells_usage: bool
    tells_cost: bool
    tells_parameters: bool
    tells_completion: bool
    tells_experiment: bool
    tells_trace: bool
    """Something in Langfuse's own words about the trace, metadata included."""
    own_metadata: bool
    foreign_metadata: Sequence[tuple[str, str]]
    """Keys of what users of other libraries call metadata, and the names they gave."""
    langfuse_metadata: bool
    rest: Sequence[str]
    """What no field takes."""


def shape_of(keys: Iterable[str]) -> Shape:
    listed = tuple(keys)
    return _remembered(listed) if len(listed) <= MOST_KEYS else _shape(listed)


def _shape(keys: tuple[str, ...]) -> Shape:
    there = frozenset(keys)
    counters, unexplained = counters_among(keys), unexplained_among(keys)
    counted = {key for key, _ in counters}

    def among(wanted: Iterable[str]) -> tuple[str, ...]:
        return tuple(key for key in wanted if key in there)

    def under(*prefixes: str) -> bool:
        return any(key.startswith(prefixes) for key in keys)

    return Shape(
        kinds=tuple(table for table in KIND_TABLES if table[0] in there),
        tools=among(TOOL_KEYS),
        models=among(MODEL_KEYS),
        names=among(NAME_KEYS),
        sessions=among(SESSION_KEYS),
        users=among(USER_KEYS),
        tags=among(TAG_KEYS),
        environments=among(ENVIRONMENT_KEYS),
        versions=among(VERSION_KEYS),
        releases=among(RELEASE_KEYS),
        roots=among(ROOT_KEYS),
        inputs=tuple(reader for reader in INPUT_READERS if reader.may_find(keys)),
        outputs=tuple(reader for reader in OUTPUT_READERS if reader.may_find(keys)),
        call_ids=among(CALL_ID_KEYS),
        counters=counters,
        unexplained_counters=unexplained,
        tells_usage=bool(counters or unexplained or among(USAGE_DETAILS)),
        tells_cost=bool(among((*COST_DETAILS, *USAGE_DETAILS, *COST_BY_ATTRIBUTE))),
        tells_parameters=bool(among((PARAMETERS, *INVOCATION_PARAMETERS))) or under(PARAMETER_PREFIX),
        tells_completion=bool(among((COMPLETION_START, *FIRST_TOKEN_DELAYS_S))),
        tells_experiment=under(EXPERIMENT_PREFIX),
        tells_trace=under(TRACE_PREFIX),
        own_metadata=OWN_METADATA in there,
        foreign_metadata=tuple(
            (key, key.removeprefix(prefix)) for key in keys for prefix in FOREIGN_PREFIXES if _foreign(key, prefix)
        ),
        langfuse_metadata=OBSERVATION_METADATA in there or under(f"{OBSERVATION_METADATA}."),
        rest=tuple(
            key for key in keys if key not in CONSUMED and key not in counted and not key.startswith(CONSUMED_PREFIXES)
        ),
    )


_remembered = lru_cache(REMEMBERED)(_shape)


def _foreign(key: str, prefix: str) -> bool:
    return key.startswith(prefix) and key not in CONSUMED
