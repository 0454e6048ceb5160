"""Normalises token usage, costs and model parameters of all senders to one shape."""

from collections.abc import Iterable, Mapping
from typing import Any

from sightline.server.tracing.mapping.balance import balanced
from sightline.server.tracing.mapping.tables import INVOCATION_PARAMETERS, PARAMETER_PREFIX, PARAMETERS
from sightline.server.tracing.mapping.usage_names import names_tokens, usage_type
from sightline.server.tracing.mapping.usage_tables import (
    COST_BY_ATTRIBUTE,
    COST_DETAILS,
    COST_NAMES,
    COST_PARTS,
    COUNTER_PREFIXES,
    KEPT_PREFIX,
    USAGE_BY_ATTRIBUTE,
    USAGE_DETAILS,
    ZERO_IS_UNKNOWN,
)
from sightline.server.tracing.mapping.values import Attributes, first, json_text, number, parsed_object

MOST_UNITS = 2**53
"""Largest count: beyond it JSON numbers lose precision (IEEE 754 doubles)."""
OWN_NAMES = frozenset(("input", "output", "total"))
NO_PARAMETERS = frozenset(("gen_ai.request.model", *INVOCATION_PARAMETERS))
Counter = tuple[str, str]
"""An attribute and the usage type it counts."""


def counters_among(keys: Iterable[str]) -> tuple[Counter, ...]:
    """Listed spellings in the order of their table, then those that only their words explain."""
    there = dict.fromkeys(keys)
    listed = [(key, name) for key, name in USAGE_BY_ATTRIBUTE.items() if key in there]
    others = (key for key in there if key.startswith(COUNTER_PREFIXES) and key not in USAGE_BY_ATTRIBUTE)
    return (*listed, *((key, name) for key in others if (name := usage_type(key)) is not None))


def unexplained_among(keys: Iterable[str]) -> tuple[Counter, ...]:
    """`gen_ai.usage.*` that may be usage types of the sender's own."""
    return tuple(
        (key, key.removeprefix(KEPT_PREFIX))
        for key in keys
        if key.startswith(KEPT_PREFIX)
        and not key.startswith(f"{KEPT_PREFIX}details.")
        and key not in USAGE_BY_ATTRIBUTE
        and key not in COST_BY_ATTRIBUTE
        and usage_type(key) is None
    )


def usage_of(attributes: Attributes, counters: Iterable[Counter], unexplained: Iterable[Counter]) -> dict[str, int]:
    """Units per usage type with `total`, from a JSON object or else from whatever counters are there."""
    given = parsed_object(first(attributes, USAGE_DETAILS))
    if given and (usage := normalised_usage(given)):
        return usage
    found: dict[str, int] = {}
    for key, name in counters:
        if name not in found and (count := units(attributes[key])) is not None:
            found[name] = count
    own = {name: value for key, name in unexplained if type(value := attributes[key]) is int and units(value)}
    return balanced(found, own)


def normalised_usage(given: Mapping[str, Any]) -> dict[str, int]:
    """Normalise a provider's usage object to input, output and total; details become parts, subtracted from the whole.

    `{prompt_tokens: 10, completion_tokens: 2, total_tokens: 12, prompt_tokens_details: {cached_tokens: 4}}` is
    `{input: 6, input_cached_tokens: 4, output: 2}`: summing the types gives the total, where a naive reading would
    count cached tokens twice. Only an object that tells a total beside its wholes, or writes them as JavaScript
    does, is read so: else its keys are usage types of the sender's own, and stay as they are.
    """
    return _provided(given) if _is_providers(given) else _with_total(_own_types(given))


def _is_providers(given: Mapping[str, Any]) -> bool:
    named = {name: usage_type(name) for name in given if name not in OWN_NAMES}
    wholes = [name for name, kind in named.items() if kind in ("input", "output")]
    totals = [name for name, kind in named.items() if kind == "total"]
    return bool(wholes) and bool(totals or (len(wholes) == 2 and not any("_" in name for name in wholes)))


def _provided(given: Mapping[str, Any]) -> dict[str, int]:
    found: dict[str, int] = {}
    own: dict[str, int] = {}
    for key, value in given.items():
        name = usage_type(key)
        if isinstance(value, Mapping):
            _add_details(found, name, value)
        elif (count := units(value)) is None:
            continue
        elif name is not None:
            found.setdefault(name, count)
        elif names_tokens(key):
            own[key] = count
    return balanced(found, own)


def _add_details(found: dict[str, int], whole: str | None, details: Mapping[str, Any]) -> None:
    if whole not in ("input", "output"):
        return
    for name, value in details.items():
        if (count := units(value)) and (kind := usage_type(f"{whole}_{name}")) not in (None, whole):
            found.setdefault(str(kind), count)


def _own_types(given: Mapping[str, Any]) -> dict[str, int]:
    found: dict[str, int] = {}
    for key, value in given.items():
        count = units(value)
        if count is not None and key not in COST_NAMES:
            found["total" if usage_type(key) == "total" else key] = count
    return found


def units(value: Any) -> int | None:
    """A count of units; what no meter could have counted is none."""
    count = number(value)
    return int(count) if count is not None and 0 <= count <= MOST_UNITS else None


def _with_total(usage: dict[str, int]) -> dict[str, int]:
    if usage and "total" not in usage:
        usage["total"] = sum(usage.values())
    return usage


def cost_of(attributes: Attributes) -> dict[str, float]:
    """US dollars per usage type with `total`, as the client counted them."""
    given = parsed_object(first(attributes, COST_DETAILS))
    named = _named_costs(given) if given else _attribute_costs(attributes)
    cost = {name: dollars for name, value in named.items() if (dollars := number(value)) is not None}
    if not cost:
        return told_cost(parsed_object(first(attributes, USAGE_DETAILS)))
    if "total" not in cost:
        cost["total"] = sum(cost.values())
    return cost


def told_cost(usage: Mapping[str, Any]) -> dict[str, float]:
    """The cost that an object of usage tells beside its counts, as routers do."""
    found = [number(usage[name]) for name in COST_NAMES if name in usage]
    return next(({"total": dollars} for dollars in found if dollars is not None and dollars >= 0), {})


def _attribute_costs(attributes: Attributes) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, name in COST_BY_ATTRIBUTE.items():
        if key not in attributes or name in found or (dollars := number(attributes[key])) is None:
            continue
        if dollars or key not in ZERO_IS_UNKNOWN:
            found[name] = attributes[key]
    return found


def _named_costs(given: Mapping[str, Any]) -> dict[str, Any]:
    if "total" in given or not any(name in COST_NAMES for name in given):
        return dict(given)
    names = COST_NAMES | COST_PARTS
    return {names.get(name, name): value for name, value in given.items()}


def parameters_of(attributes: Attributes) -> dict[str, str]:
    """Model parameters, every value as text: Langfuse reads them back as strings, a list as its JSON."""
    given = parsed_object(attributes.get(PARAMETERS))
    if not given:
        given = parsed_object(first(attributes, INVOCATION_PARAMETERS)) | {
            key.removeprefix(PARAMETER_PREFIX): value
            for key, value in attributes.items()
            if key.startswith(PARAMETER_PREFIX) and key not in NO_PARAMETERS
        }
    return model_parameters(given)


def model_parameters(given: Mapping[str, Any]) -> dict[str, str]:
    return {name: _parameter_text(value) for name, value in given.items() if value is not None}


def _parameter_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json_text(value)
