"""A model's twin: the same architecture by transformers' config, every setting kept but its sizes, with random weights.

What is true of how a twin must be called (its cache, its windows, its positions) is true of the model: both run the
same code by the same settings. A twin is made and tried in less than a second.
"""

import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from sightline.vlm.config import SightlineVlmError
from sightline.vlm.families.sizes import LAYERS, OF_KIND, SIZES, WORDS

FEW = 2
"""Sizes up to it are counts of layers and groups, of which a model may have fewer; all others fit each other only."""
MOST = 4_000_000
"""Parameters of a twin at most: beyond it a size was not understood."""
DEEPEST = 6
"""Layers of a twin at most."""
TWICE = 2
"""How often each kind of layer is there, if there is room: some share weights with the next of their kind."""
INDICES = ("attn_layer_indices", "hybrid_layer_ids", "full_attn_idxs", "mlp_only_layers", "full_attention_layers")
"""Lists of numbers of layers."""
FIRST_SPECIAL = 72
"""Special tokens of a twin lie from here on, where no self-check reads."""
PATTERNS = ("block_types", "attn_layers")
"""Lists of kinds of layers that are repeated until every layer has one."""
LABELS = ("id2label", "label2id", "architectures", "dtype", "torch_dtype", "transformers_version", "_name_or_path")
"""What does not change how a model is called: a classifier's labels, the file's own facts."""
STAGES = ("out_features", "out_indices", "stage_names")
"""What a vision model gives as a backbone of a detector: layers by number, which a twin lacks."""
LOWEST = 8
"""Special tokens below it keep their number: positions may be counted from them."""


class NotShrunkError(SightlineVlmError):
    """No twin can be made of an architecture; the message says why."""


def shrunk(values: Mapping[str, Any]) -> dict[str, Any]:
    """An architecture as transformers' `to_dict` gives it, small."""
    kept = _layers(values)
    return {key: _small(key, value, values, kept) for key, value in values.items() if key not in LABELS + STAGES}


def _small(key: str, value: Any, values: Mapping[str, Any], kept: list[int]) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, Mapping):
        return _mapping(key, value, values, kept)
    if key.endswith(("token_id", "token_ids", "token_index", "_index", "_idx")) and "layer" not in key:
        return _special(value)
    if isinstance(value, list | tuple):
        return _list(key, value, values, kept)
    return _size(key, value, values, kept) if isinstance(value, int) else value


def _mapping(key: str, value: Mapping[str, Any], values: Mapping[str, Any], kept: list[int]) -> Mapping[Any, Any]:
    if _numbered(value):
        return _by_layer(value, values, kept)
    return value if key.startswith("rope") else shrunk(value)


def _list(key: str, value: Any, values: Mapping[str, Any], kept: list[int]) -> Any:
    if key in ("image_size", "patch_size"):
        return [SIZES[key]] * len(value)
    if key in INDICES:
        return [kept.index(at) for at in value if at in kept]
    if isinstance(value, list) and len(value) == _depth(values):
        return [_small(key, value[at], values, kept) for at in kept]
    return value


def _size(key: str, value: int, values: Mapping[str, Any], kept: list[int]) -> int:
    if key in LAYERS and value == _depth(values):
        return len(kept)
    small = OF_KIND.get(str(values.get("model_type")), {}).get(key, SIZES.get(key, value))
    if key.endswith(("key_value_heads", "kv_heads", "kv_n_heads")):
        queries = next((values[name] for name in ("num_attention_heads", "n_heads", "n_head") if name in values), 0)
        return SIZES["num_attention_heads"] if value == queries else min(value, small)
    return min(value, small) if small <= FEW or value <= 1 else small  # 0 and 1 mostly switch something off


def _by_layer(value: Mapping[Any, Any], values: Mapping[str, Any], kept: list[int]) -> dict[Any, Any]:
    """Settings of single layers, under their new numbers."""
    return {
        type(key)(kept.index(int(key))): _small("", each, values, kept)
        for key, each in value.items()
        if int(key) in kept
    }


def _special(value: Any) -> Any:
    """Ids of special tokens inside the twin's vocabulary, different ones staying different."""
    if isinstance(value, list):
        return [_special(each) for each in value]
    if not isinstance(value, int) or value < LOWEST:
        return value
    return FIRST_SPECIAL + value % (WORDS - FIRST_SPECIAL)


def _numbered(value: Any) -> bool:
    return isinstance(value, Mapping) and bool(value) and all(str(each).isdigit() for each in value)


def _depth(values: Mapping[str, Any]) -> int:
    found = next((values[name] for name in LAYERS if isinstance(values.get(name), int)), 0)
    return found if isinstance(found, int) else 0


def _layers(values: Mapping[str, Any]) -> list[int]:
    """Layers to keep, each kind once and two at least: layers are alike where all lists by layer say the same."""
    depth = _depth(values)
    lists = [value for value in values.values() if isinstance(value, list) and len(value) == depth > 0]
    single = [{int(key): str(each) for key, each in value.items()} for value in values.values() if _numbered(value)]
    chosen = [value for key, value in values.items() if key in INDICES and isinstance(value, list)]
    turns = [value for key, value in values.items() if key in PATTERNS and isinstance(value, list) and value]
    kinds = [
        str([*(each[at] for each in lists), *(each.get(at) for each in single), *(at in each for each in chosen)])
        for at in range(depth)
    ]
    if turns:  # a pattern is counted from the first layer on
        return list(range(min(depth, max(2, *(len(each) for each in turns)))))
    seen: Counter[str] = Counter()
    ranks = []
    for at, kind in enumerate(kinds):
        ranks.append((seen[kind], at))
        seen[kind] += 1
    return sorted(at for rank, at in sorted(ranks)[:DEEPEST] if rank < TWICE)


def twin(automatic: Any, architecture: Mapping[str, Any]) -> Any:
    """A twin through one of transformers' Auto classes: float32, on the CPU, evaluating, the same weights every time.

    Raises `NotShrunkError`.
    """
    from transformers import AutoConfig  # late: importing transformers takes a second

    values = {key: value for key, value in architecture.items() if key != "model_type"}
    try:
        config = AutoConfig.for_model(architecture["model_type"], **values)
        with torch.device("meta"):
            many = sum(each.numel() for each in automatic.from_config(config, dtype=torch.float32).parameters())
    except Exception as problem:  # whatever transformers raises for sizes that do not go together
        raise NotShrunkError(" ".join(f"{type(problem).__name__}: {problem}".split())[:200]) from problem
    if many > MOST:
        raise NotShrunkError(f"its smallest form still has {many:,} parameters")
    with plain():
        model = automatic.from_config(AutoConfig.for_model(architecture["model_type"], **values), dtype=torch.float32)
        model.initialize_weights()  # nothing is left to do, unless the caller keeps models from being initialised
        _spread(model)
    return model.eval().requires_grad_(False)


@contextmanager
def plain() -> Iterator[None]:
    """Float32 on the CPU without gradients, and random numbers that are the same each time and nobody else's."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        with torch.device("cpu"), torch.random.fork_rng(devices=[]), torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a family's own code: where warnings are errors, it still is as right
            torch.manual_seed(0)
            yield
    finally:
        torch.set_default_dtype(before)


@torch.no_grad()
def _spread(model: nn.Module) -> None:
    """Weights wide enough that whatever is computed otherwise shows: matrices to 1 / sqrt(fan-in), zeros to noise."""
    for name, each in model.named_parameters():
        if each.dim() < 2:
            each.add_(torch.randn_like(each), alpha=0.05)
        elif float(each.std(correction=0)) == 0.0:
            each.add_(torch.randn_like(each), alpha=0.2)
        elif "A_log" not in name:
            each.mul_(1.2 / (each.shape[-1] ** 0.5 * float(each.std(correction=0))))
