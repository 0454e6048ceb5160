"""Percentiles in the engine's words."""

EXACT_UP_TO = 8_192


def percentile(level: float, value: str) -> str:
    """Exact and interpolated of up to 8,192 values; of more `quantile` takes as many at random, a digest is closer.

    NULL is no value; of none the percentile is NaN, which an answer has as null.
    """
    return f"if(count({value}) > {EXACT_UP_TO}, quantileTDigest({level})({value}), quantile({level})({value}))"
