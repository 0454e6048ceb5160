"""Normalisation of token counts: whether parts (cached, reasoning) are included in their total, from the numbers alone.

Conventions say that `input` includes what a cache held; several libraries report Anthropic's numbers, where it does
not. Two things prove the latter: a part larger than its whole, and a total that only adds up so.
"""

from collections.abc import Mapping

from sightline.server.tracing.mapping.usage_names import names_tokens
from sightline.server.tracing.mapping.usage_tables import CACHED, CACHED_AUDIO, WRITTEN

WHOLES = ("input", "output")
"""Usage types that others are parts of, by prefix."""
INSIDE = {
    CACHED_AUDIO: (CACHED, "input_audio_tokens"),
    f"{WRITTEN}_5m": (WRITTEN,),
    f"{WRITTEN}_1h": (WRITTEN,),
}
"""Parts of parts."""
OTHER = "other"
"""The remainder of a total beyond its known parts."""

Side = dict[str, int]


def balanced(told: Mapping[str, int], own: Mapping[str, int]) -> dict[str, int]:
    """Usage types that do not overlap, and their sum as `total`.

    `own` are types whose name does not say what they are a part of: kept, and counted only where no total was told.
    """
    wholes = {name: told[name] for name in WHOLES if name in told}
    parts = {whole: _parts(told, whole, wholes) for whole in WHOLES}
    total = told.get("total")
    exclusive = _exclusive(wholes, parts, total)
    if not exclusive and total is not None and len(wholes) == 1:
        missing = next(name for name in WHOLES if name not in wholes)
        if total > sum(wholes.values()):
            wholes[missing] = total - sum(wholes.values())
    usage: dict[str, int] = {}
    for whole in WHOLES:
        usage |= _side(whole, wholes.get(whole), parts[whole], beside=whole in exclusive)
    return _summed(usage, own, total)


def _parts(told: Mapping[str, int], whole: str, wholes: dict[str, int]) -> Side:
    """A side's parts without overlaps. Text is what the whole is made of: a whole of its own where none was told."""
    parts = {name: count for name, count in told.items() if name.startswith(f"{whole}_") and count}
    text = parts.pop(f"{whole}_text_tokens", None)
    if text is not None and whole not in wholes:
        wholes[whole] = text + sum(count for name, count in parts.items() if name == f"{whole}_audio_tokens")
    for inner, outers in INSIDE.items():
        for outer in outers:
            if inner in parts and outer in parts:
                parts[outer] = max(0, parts[outer] - parts[inner])
    return {name: count for name, count in parts.items() if count}


def _exclusive(wholes: Mapping[str, int], parts: Mapping[str, Side], total: int | None) -> set[str]:
    """The wholes that do not include their parts."""
    proved = {whole for whole, count in wholes.items() if _outgrown(count, parts[whole])}
    beside = {whole: sum(parts[whole].values()) for whole in WHOLES if parts[whole]}
    counted = sum(wholes.values())
    if total is None or total == counted or not wholes:
        return proved
    for sides in ({*beside}, *({each} for each in beside)):
        if total == counted + sum(beside[each] for each in sides):
            return proved | sides
    return proved


def _outgrown(whole: int, parts: Side) -> bool:
    """What was read from a cache was not written to it: those two never overlap, as audio and cached tokens do."""
    cached = sum(count for name, count in parts.items() if name == CACHED or name.startswith(WRITTEN))
    return cached > whole or any(count > whole for count in parts.values())


def _side(name: str, whole: int | None, parts: Side, *, beside: bool) -> Side:
    if whole is None:
        return dict(parts)
    if beside:
        return {name: whole, **parts}
    left = whole
    inside: Side = {}
    for part, count in parts.items():
        inside[part] = min(count, left)
        left -= inside[part]
    return {name: left, **{part: count for part, count in inside.items() if count}}


def _summed(usage: dict[str, int], own: Mapping[str, int], total: int | None) -> dict[str, int]:
    if total is None:
        counted = sum(usage.values()) + sum(count for name, count in own.items() if names_tokens(name))
        return {**usage, **own, "total": counted} if usage or own else {}
    if not usage:
        return {**own, "total": total}
    known = sum(usage.values())
    if total > known:
        usage[OTHER] = total - known
    return {**usage, **own, "total": max(total, known)}
