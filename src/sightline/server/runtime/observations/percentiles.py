"""Percentiles as SQL."""

EXACT_UP_TO = 8_192
"""`quantile` is exact up to so many values: the size of its reservoir."""


def percentile(level: float, value: str) -> str:
    """Exact and interpolated up to 8,192 values, then approximate: a t-digest beats `quantile`'s reservoir sampling.

    NULLs are skipped; without values the result is NaN, which JSON answers carry as null.
    """
    return f"if(count({value}) > {EXACT_UP_TO}, quantileTDigest({level})({value}), quantile({level})({value}))"
