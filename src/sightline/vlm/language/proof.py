"""The self-check of language models: what a twin answers by our adapter beside the twin itself, uncached, a row alone.

Checks run on the adapter's own methods with a `Way`; the first that fails says which part of the way to slow down, and
all run again, until they pass or nothing slower is left. What then runs is right by the numbers, whatever the family.

Shapes: L positions of a prefix, E embedding width, V vocabulary.
"""

import inspect
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch

from sightline.vlm.families import FamilyRefusedError, NotShrunkError, Way, plain, proved, shrunk, twin
from sightline.vlm.language.checks import FailedError, Trial

log = logging.getLogger("sightline.vlm")

ROOT = "root"
"""The scale of embeddings that is the root of their width."""
WINDOWS = (
    "sliding_window",
    "sliding_window_size",
    "attention_window_size",
    "window_size",
    "attention_chunk_size",
    "local_attention",
    "swa_window_size",
)
"""Settings that say how far a position looks back."""
CACHES = ("past_key_values", "cache_params", "state", "mems")
"""Arguments under which models take what they gave back after the last step."""
HABITS = ((True, False, True), (True, True, True), (True, True, False), (False, False, True), (False, True, False))
"""How a cache may have to be treated: masked, copies, reorders of a `Way`."""
NARROWEST = 64
"""A window below it is not worth waiting for."""


def found(adapter: Any, config: Any) -> Way:
    """How a model is called. Raises `FamilyRefusedError` for one that no way makes right; a slower way is said once."""
    architecture = config.known().to_dict()
    kind = str(architecture.get("model_type"))
    small = shrunk(architecture)
    values = proved(adapter.automatic, small, lambda: _kept(adapter, config, small))
    if values.get("refused"):
        why = values["refused"]
        raise FamilyRefusedError(why, f"the language model type {kind!r} cannot be used: {why}")
    way = _windowed(adapter, config, architecture, Way.from_dict(values["way"]))
    if way.slower and (kind, way) not in _SAID:
        _SAID.add((kind, way))
        log.warning("%s runs by a slower right way: %s", kind, ", ".join(way.slower))
    return way


_SAID: set[tuple[str, Way]] = set()


def accepts(model: Any, name: str) -> bool:
    """Whether the model's forward has a parameter of this name."""
    return name in inspect.signature(model.forward).parameters


def _windowed(adapter: Any, config: Any, architecture: Mapping[str, Any], way: Way) -> Way:
    """Up to which length padding does no harm, where only windows make it harmful."""
    widths = [value for value in _windows(architecture) if value >= NARROWEST]
    if way.padded or not way.batched or not widths:
        return way
    wide = shrunk(architecture)
    wide = {**wide, **{name: NARROWEST for name in WINDOWS if isinstance(wide.get(name), int)}}
    values = proved(f"{adapter.automatic} within its windows", wide, lambda: _kept(adapter, config, wide))
    padded = bool(values.get("way", {}).get("padded"))
    return replace(way, until=min(widths)) if padded else way


def _windows(architecture: Mapping[str, Any]) -> Iterator[int]:
    for name, value in architecture.items():
        if name in WINDOWS and isinstance(value, int) and not isinstance(value, bool):
            yield value
        elif isinstance(value, Mapping) and name == "text_config":
            yield from _windows(value)


def _kept(adapter: Any, config: Any, small: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return {"way": prove(adapter, config, small).to_dict()}
    except FamilyRefusedError as problem:
        return {"refused": str(problem)}


def prove(adapter: Any, config: Any, small: Mapping[str, Any]) -> Way:
    """The fastest way that passes every check; raises `FamilyRefusedError` with the reason where none does."""
    import transformers  # late: importing it takes a second

    with plain():
        try:
            model = twin(getattr(transformers, adapter.automatic), small)
        except NotShrunkError as problem:
            raise FamilyRefusedError(f"its self-check could not be made: {problem}") from problem
        alike = replace(config, architecture=dict(small))
        return _fastest(lambda way: Trial(adapter(alike, model, way)), model)


def _fastest(trial: Callable[[Way], Trial], model: Any) -> Way:
    way = Way()
    slower = {name: iter(ways(model)) for name, ways in LADDERS.items()}
    while True:
        try:
            torch.manual_seed(0)
            trial(way).run()
        except FailedError as failure:
            changes = next(slower.get(failure.dimension, iter(())), None)
            if changes is None:
                raise FamilyRefusedError(failure.sentence) from failure
            way = replace(way, **changes)
        else:
            return way


def _batches(model: Any) -> Iterator[dict[str, Any]]:
    pad = getattr(model.config.get_text_config(), "pad_token_id", None)
    if isinstance(pad, int):
        yield {"positions": pad + 1}
    yield from ({"positions": None}, {"positions": 0, "batched": False}, {"positions": None, "batched": False})


def _caches(model: Any) -> Iterator[dict[str, Any]]:
    names = [name for name in CACHES if accepts(model, name)]
    for name in names:
        for made in (True, False) if name != "mems" else (False,):
            for masked, copies, reorders in HABITS:
                yield {"cache": name, "made": made, "masked": masked, "copies": copies, "reorders": reorders}
    yield {"cache": "", "masked": True}
    yield {"cache": "", "masked": True, "encodes": False}


LADDERS: dict[str, Callable[[Any], Iterator[dict[str, Any]]]] = {
    "scale": lambda _: iter([{"scale": ROOT}]),
    "batch": _batches,
    "cache": _caches,
    "continues": lambda _: iter([{"continues": "single"}, {"continues": ""}]),
    "padded": lambda _: iter([{"padded": False}]),
}
"""What is slowed down, step by step, by the dimension that a failed check blames; others have no remedy."""
