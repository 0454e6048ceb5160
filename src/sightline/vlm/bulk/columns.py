"""The columns of every task's rows, name and kind (`results.KINDS`): known before torch is, so a call fails early."""

from collections.abc import Mapping

ANSWERED = {
    "tokens": "counts",
    "logprobs": "numbers",
    "usage": "usage",
    "finish": "text",
    "trace_id": "text",
    "error": "text",
}
"""Columns of every answer."""

CAPTIONS: Mapping[str, str] = {"image": "text", "caption": "text", **ANSWERED}
ANSWERS: Mapping[str, str] = {"image": "text", "question": "text", "answer": "text", **ANSWERED}
MATCHES: Mapping[str, str] = {"image": "text", "text": "text", "itm": "number", "itc": "number", "error": "text"}
LABELS: Mapping[str, str] = {
    "image": "text",
    "label": "text",
    "probability": "number",
    "probabilities": "shares",
    "error": "text",
}


def vectors(mode: str) -> Mapping[str, str]:
    """`raw`: a vector a query (text: one); `projected`: unit vectors of the shared space, where there are any."""
    kind = "vector" if mode == "text" else "vectors"
    return {"image": "text", "text": "text", "raw": kind, "projected": kind, "error": "text"}
