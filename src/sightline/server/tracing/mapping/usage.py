"""Token usage, costs and model parameters in one shape, whoever counted."""

from collections.abc import Mapping
from typing import Any

from sightline.server.tracing.mapping.tables import (
    COST_BY_ATTRIBUTE,
    COST_DETAILS,
    INVOCATION_PARAMETERS,
    OPENAI_SHAPES,
    PARAMETER_PREFIX,
    PARAMETERS,
    USAGE_BY_ATTRIBUTE,
    USAGE_DETAILS,
    USAGE_PARTS,
    USAGE_RENAMES,
)
from sightline.server.tracing.mapping.values import Attributes, first, json_text, number, parsed_object

WHOLES = ("input", "output")
MOST_UNITS = 2**53
"""Beyond it JSON readers no longer agree what a number is."""


def usage_of(attributes: Attributes) -> dict[str, int]:
    """Units per usage type with `total`, from Langfuse's JSON or else from whatever counters are there."""
    given = parsed_object(first(attributes, USAGE_DETAILS))
    return normalised_usage(given) if given else counted_usage(attributes)


def normalised_usage(given: Mapping[str, Any]) -> dict[str, int]:
    """OpenAI's shape becomes input, output and total; its details become parts and are taken out of the whole.

    `{prompt_tokens: 10, prompt_tokens_details: {cached_tokens: 4}}` is `{input: 6, input_cached_tokens: 4}`: summing
    the types gives the total, where a naive reading would count cached tokens twice. Only OpenAI's whole shape is
    read so: with a name missing, or another beside them, somebody else counted, and every type stays as it is.
    """
    if not any(wholes <= set(given) <= wholes | details for wholes, details in OPENAI_SHAPES):
        return _with_total({key: count for key, value in given.items() if (count := units(value)) is not None})
    usage: dict[str, int] = {}
    parts: dict[str, int] = {}
    for key, value in given.items():
        if key in USAGE_PARTS and isinstance(value, Mapping):
            whole = USAGE_PARTS[key]
            parts |= {f"{whole}_{name}": count for name, given in value.items() if (count := units(given))}
        elif key in USAGE_RENAMES and (count := units(value)) is not None:
            usage[USAGE_RENAMES[key]] = count
    return _with_total(_taken_out(usage, parts))


def counted_usage(attributes: Attributes) -> dict[str, int]:
    """Usage from single attributes (gen_ai.usage.*, llm.token_count.*); the first of two names for one thing wins."""
    found: dict[str, int] = {}
    for key, name in USAGE_BY_ATTRIBUTE.items():
        if key in attributes and name not in found and (count := units(attributes[key])) is not None:
            found[name] = count
    wholes = {name: count for name, count in found.items() if name in (*WHOLES, "total")}
    return _with_total(_taken_out(wholes, {name: count for name, count in found.items() if name not in wholes}))


def units(value: Any) -> int | None:
    """A count of units; what no meter could have counted is none."""
    count = number(value)
    return int(count) if count is not None and 0 <= count <= MOST_UNITS else None


def _taken_out(usage: dict[str, int], parts: Mapping[str, int]) -> dict[str, int]:
    for whole in WHOLES:
        if whole in usage:
            inside = sum(count for name, count in parts.items() if name.startswith(f"{whole}_"))
            usage[whole] = max(0, usage[whole] - inside)
    return usage | {name: count for name, count in parts.items() if count}


def _with_total(usage: dict[str, int]) -> dict[str, int]:
    if usage and "total" not in usage:
        usage["total"] = sum(usage.values())
    return usage


def cost_of(attributes: Attributes) -> dict[str, float]:
    """US dollars per usage type with `total`, as the client counted them."""
    given = parsed_object(attributes.get(COST_DETAILS))
    named = given or {name: attributes[key] for key, name in COST_BY_ATTRIBUTE.items() if key in attributes}
    cost = {name: dollars for name, value in named.items() if (dollars := number(value)) is not None}
    if cost and "total" not in cost:
        cost["total"] = sum(cost.values())
    return cost


def parameters_of(attributes: Attributes) -> dict[str, str]:
    """Model parameters, every value as text: Langfuse reads them back as strings, a list as its JSON."""
    given = parsed_object(attributes.get(PARAMETERS))
    if not given:
        given = parsed_object(attributes.get(INVOCATION_PARAMETERS)) | {
            key.removeprefix(PARAMETER_PREFIX): value
            for key, value in attributes.items()
            if key.startswith(PARAMETER_PREFIX) and key != "gen_ai.request.model"
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
