"""Maps OTLP spans to observations. The rules are data in `tables`; the functions here only interpret them."""

from sightline.server.tracing.mapping.sdk import SdkInfo
from sightline.server.tracing.mapping.spans import (
    InvalidSpan,
    sourced_spans,
    span_to_observation,
    spans_to_observations,
)
from sightline.server.tracing.mapping.usage import model_parameters, normalised_usage, told_cost

__all__ = [
    "InvalidSpan",
    "SdkInfo",
    "model_parameters",
    "normalised_usage",
    "sourced_spans",
    "span_to_observation",
    "spans_to_observations",
    "told_cost",
]
