"""Observations and traces as Langfuse writes them."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sightline.server.edges.answers import iso
from sightline.server.edges.langfuse.scores.shapes import listed
from sightline.server.edges.langfuse.wire.links import Links
from sightline.server.edges.stored import json_or_text, latency_s, time_to_first_token_s, typed, typed_metadata
from sightline.server.tracing.records import Kind, Observation, Trace

METADATA_PREVIEW = 200
"""Characters of a metadata value in a v2 read, unless its key is expanded."""

PRICES = ("inputPrice", "outputPrice", "totalPrice")
"""Fields of an observation's prices."""
NOT_ASKED_FOR = dict.fromkeys(("modelId", *PRICES))
"""The published shape of a row has these fields always; they are null without their group."""
V2_GROUPS = ("core", "basic", "time", "io", "metadata", "model", "usage", "prompt", "metrics", "trace_context")
"""Groups of fields of an observation's v2 read, for `fields`."""


def observation_v1(observation: Observation, links: Links) -> dict[str, Any]:
    """The legacy view: everything, with input and output as JSON values."""
    usage, cost = observation.usage, observation.cost_usd
    tokens = {name: usage.get(name, 0) for name in ("input", "output", "total")}
    return {
        **_core(observation),
        "name": observation.name,
        "completionStartTime": iso(observation.completion_start_time),
        "model": observation.model,
        **_priced(observation, links),
        "modelParameters": dict(observation.model_parameters),
        "input": json_or_text(observation.input),
        "output": json_or_text(observation.output),
        "metadata": typed_metadata(observation.metadata),
        "level": observation.level,
        "statusMessage": observation.status_message,
        "version": observation.version,
        "environment": observation.environment,
        **_prompt(observation, links),
        "usage": {
            "unit": "TOKENS" if observation.kind is Kind.GENERATION else None,
            **tokens,
            **{f"{name}Cost": cost.get(name) for name in ("input", "output", "total")},
        },
        "usageDetails": dict(usage),
        "costDetails": dict(cost),
        "unit": "TOKENS" if observation.kind is Kind.GENERATION else None,
        "promptTokens": tokens["input"],
        "completionTokens": tokens["output"],
        "totalTokens": tokens["total"],
        "calculatedInputCost": cost.get("input"),
        "calculatedOutputCost": cost.get("output"),
        "calculatedTotalCost": cost.get("total"),
        "usagePricingTierId": links.tier_id(observation),
        "usagePricingTierName": observation.pricing_tier,
        "latency": latency_s(observation),
        "timeToFirstToken": time_to_first_token_s(observation),
        "createdAt": iso(observation.start_time),
        "updatedAt": iso(observation.end_time or observation.start_time),
    }


def observation_v2(
    observation: Observation, links: Links, groups: frozenset[str], expanded: frozenset[str]
) -> dict[str, Any]:
    """The current view: core fields and the groups asked for; input and output as they were sent."""
    row = _core(observation) | NOT_ASKED_FOR
    for group in V2_GROUPS:
        if group in groups and group in _GROUPS:
            row |= _GROUPS[group](observation)
    if "model" in groups:
        row |= _model(observation, links)
    if "prompt" in groups:
        row |= _prompt(observation, links)
    if "metadata" in groups:
        row["metadata"] = _short_metadata(observation, expanded)
    return row


def _core(observation: Observation) -> dict[str, Any]:
    return {
        "id": observation.id,
        "traceId": observation.trace_id,
        "startTime": iso(observation.start_time),
        "endTime": iso(observation.end_time),
        "projectId": observation.project_id,
        "parentObservationId": observation.parent_id,
        "type": observation.kind,
    }


def _short_metadata(observation: Observation, expanded: frozenset[str]) -> dict[str, Any]:
    """The span's metadata merged over the trace's, long values truncated unless their key is expanded."""
    merged = {**observation.trace.metadata, **observation.metadata}
    return {
        key: typed(value) if len(value) <= METADATA_PREVIEW or key in expanded else _cut(json_or_text(value), value)
        for key, value in merged.items()
    }


def _cut(value: Any, stored: str) -> str:
    return (value if isinstance(value, str) else stored)[:METADATA_PREVIEW]


def _basic(observation: Observation) -> dict[str, Any]:
    return {
        "name": observation.name,
        "level": observation.level,
        "statusMessage": observation.status_message,
        "version": observation.version,
        "environment": observation.environment,
        "bookmarked": False,
        "public": bool(observation.trace.public),
        "userId": observation.trace.user_id,
        "sessionId": observation.trace.session_id,
        "isRootObservation": observation.is_root,
    }


def _time(observation: Observation) -> dict[str, Any]:
    return {
        "completionStartTime": iso(observation.completion_start_time),
        "createdAt": iso(observation.start_time),
        "updatedAt": iso(observation.end_time or observation.start_time),
    }


def _io(observation: Observation) -> dict[str, Any]:
    return {"input": observation.input, "output": observation.output}


def _model(observation: Observation, links: Links) -> dict[str, Any]:
    priced = _priced(observation, links)
    prices = {name: None if priced[name] is None else _decimal(priced[name]) for name in PRICES}
    return {"model": observation.model, "modelParameters": dict(observation.model_parameters), **priced, **prices}


def _priced(observation: Observation, links: Links) -> dict[str, Any]:
    prices = links.prices(observation)
    ids = dict.fromkeys(("modelId", "internalModelId"), observation.model_id)
    return ids | {name: prices.get(name.removesuffix("Price")) for name in PRICES}


def _decimal(price: float) -> str:
    """A price as Langfuse's current view writes it: text without an exponent."""
    return f"{Decimal(str(price)):f}"


def _usage(observation: Observation) -> dict[str, Any]:
    return {
        "usageDetails": dict(observation.usage),
        "costDetails": dict(observation.cost_usd),
        "totalCost": observation.cost_usd.get("total"),
        "usagePricingTierName": observation.pricing_tier,
    }


def _prompt(observation: Observation, links: Links) -> dict[str, Any]:
    return {
        "promptId": links.prompt_id(observation),
        "promptName": observation.prompt_name,
        "promptVersion": observation.prompt_version,
    }


def _metrics(observation: Observation) -> dict[str, Any]:
    return {"latency": latency_s(observation), "timeToFirstToken": time_to_first_token_s(observation)}


def _trace_context(observation: Observation) -> dict[str, Any]:
    return {
        "tags": list(observation.trace.tags),
        "release": observation.trace.release,
        "traceName": observation.trace.name,
    }


_GROUPS = {
    "basic": _basic,
    "time": _time,
    "io": _io,
    "usage": _usage,
    "metrics": _metrics,
    "trace_context": _trace_context,
}
"""Field group of the v2 read to the function that renders it."""


def trace_row(trace: Trace, observation_ids: Sequence[str]) -> dict[str, Any]:
    """A trace in a list: observations and scores by id."""
    return {
        "id": trace.id,
        "timestamp": iso(trace.timestamp),
        "name": trace.name,
        "input": json_or_text(trace.input),
        "output": json_or_text(trace.output),
        "sessionId": trace.session_id,
        "release": trace.release,
        "version": trace.version,
        "userId": trace.user_id,
        "metadata": typed_metadata(trace.metadata),
        "tags": list(trace.tags),
        "public": trace.public,
        "bookmarked": False,
        "environment": trace.environment,
        "externalId": None,
        "projectId": trace.project_id,
        "htmlPath": f"/project/{trace.project_id}/traces/{trace.id}",
        "latency": trace.latency_s,
        "totalCost": trace.cost_usd,
        "createdAt": iso(trace.timestamp),
        "updatedAt": iso(trace.end_time or trace.timestamp),
        "observations": list(observation_ids),
        "scores": [score.id for score in listed(trace.scores)],
    }
