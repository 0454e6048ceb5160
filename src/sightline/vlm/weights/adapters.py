"""LoRA adapters as PEFT writes them (arXiv 2106.09685): merged into the weights they were trained on.

    adapter_config.json         what kind, on which base, how strong
    adapter_model.safetensors   A and B of every module, W + scale × B A; modules that were trained whole

Shapes: R rank, I inputs, O outputs of a linear map.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from sightline.vlm.weights.errors import CheckpointError
from sightline.vlm.weights.shards import file_tensors

CONFIG = "adapter_config.json"
"""File that makes a folder an adapter."""
WEIGHTS = "adapter_model.safetensors"
"""Its weights."""
BEFORE = "base_model.model."
"""What PEFT puts before every name of the base."""
OTHERWISE = ("use_dora", "alora_invocation_tokens", "layer_replication", "target_parameters", "lora_bias")
"""Settings under which the weights mean something else than W + scale × B A."""


@dataclass(frozen=True)
class Adapter:
    """What an adapter changes, by the base's names."""

    folder: Path
    base: str
    changes: Mapping[str, tuple[Tensor, Tensor, float]]
    """A `[R, I]`, B `[O, R]` and the scale of their product."""
    whole: Mapping[str, Tensor]
    """Weights that take the place of the base's."""

    def merged(self, tensors: Iterable[tuple[str, Tensor]]) -> Iterator[tuple[str, Tensor]]:
        """The base's tensors with the adapter in them; raises `CheckpointError` for parts of it that found no place."""
        left = {*self.changes, *self.whole}
        for key, tensor in tensors:
            left.discard(key)
            yield key, self.changed(key, tensor)
        if left:
            some = ", ".join(sorted(left)[:3])
            raise CheckpointError(
                f"{self.folder} adapts {len(left)} weights that {self.base} lacks ({some}): was it another model?"
            )

    def changed(self, key: str, tensor: Tensor) -> Tensor:
        """One of the base's tensors with the adapter in it."""
        if key in self.whole:
            return self.whole[key]
        if key not in self.changes:
            return tensor
        down_RI, up_OR, scale = self.changes[key]
        delta_OI = scale * (up_OR.float() @ down_RI.float())
        if delta_OI.shape != tensor.shape:
            raise CheckpointError(
                f"{self.folder} changes {key} by {list(delta_OI.shape)}, which is {list(tensor.shape)} in {self.base}"
            )
        return (tensor.float() + delta_OI).to(tensor.dtype)


def read_adapter(folder: Path) -> Adapter | None:
    """The adapter in a folder; none where it is none.

    Raises `CheckpointError` for a kind that is not merged, naming the setting.
    """
    path = folder / CONFIG
    if not path.exists():
        return None
    try:
        facts = json.loads(path.read_text())
        kind, base = facts.get("peft_type"), facts.get("base_model_name_or_path")
    except (ValueError, AttributeError) as problem:
        raise CheckpointError(f"{path} is not a JSON object: {problem}") from problem
    if kind != "LORA":
        raise CheckpointError(
            f"{path} is an adapter of the kind {kind!r}: LORA is merged, merge others with PEFT first"
        )
    if odd := next((name for name in OTHERWISE if facts.get(name)), None):
        raise CheckpointError(f"{path}: {odd} is {facts[odd]!r}, which is not merged here: merge it with PEFT first")
    if not base:
        raise CheckpointError(f"{path} does not say on which model it was trained: set base_model_name_or_path")
    if not (folder / WEIGHTS).exists():
        raise CheckpointError(f"{folder} has {CONFIG} and no {WEIGHTS}: was the download cut short?")
    return _adapter(folder, str(base), facts)


def _adapter(folder: Path, base: str, facts: Mapping[str, Any]) -> Adapter:
    halves: dict[str, dict[str, Tensor]] = {}
    whole: dict[str, Tensor] = {}
    for key, tensor in file_tensors(folder / WEIGHTS):
        name = key.removeprefix(BEFORE).replace(".modules_to_save.", ".").replace(".base_layer.", ".")
        module, _, half = name.rpartition(".lora_")
        if not module:
            whole[name] = tensor.clone()
        elif half.startswith(("A.", "B.")):
            halves.setdefault(f"{module}.weight", {})[half[0]] = tensor.clone()
        else:
            raise CheckpointError(f"{folder / WEIGHTS}: {key} is no part of a linear map: merge it with PEFT first")
    if torn := next((name for name, pair in halves.items() if set(pair) != {"A", "B"}), None):
        raise CheckpointError(f"{folder / WEIGHTS}: of {torn} there is only one half")
    changes = {name: (pair["A"], pair["B"], _scale(name, pair["A"], facts)) for name, pair in halves.items()}
    return Adapter(folder, base, changes, whole)


def _scale(name: str, down_RI: Tensor, facts: Mapping[str, Any]) -> float:
    """alpha / R, or alpha / sqrt(R) (rsLoRA), by the module's own alpha and rank where it has one."""
    module = name.removesuffix(".weight")
    alphas, rank = facts.get("alpha_pattern") or {}, down_RI.shape[0]
    own = next(
        (value for pattern, value in alphas.items() if module == pattern or module.endswith(f".{pattern}")), None
    )
    alpha = float(facts.get("lora_alpha", rank) if own is None else own)
    return alpha / (math.sqrt(rank) if facts.get("use_rslora") else rank)
