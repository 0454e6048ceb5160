"""New identifiers: random, lower-case hexadecimal, in OpenTelemetry's widths where spans are concerned."""

import secrets


def new_id() -> str:
    """128 random bits as 32 hex digits, for rows of ours."""
    return secrets.token_hex(16)


def new_trace_id() -> str:
    """32 hex digits, as OpenTelemetry writes a trace id."""
    return secrets.token_hex(16)


def new_span_id() -> str:
    """16 hex digits, as OpenTelemetry writes a span id."""
    return secrets.token_hex(8)
