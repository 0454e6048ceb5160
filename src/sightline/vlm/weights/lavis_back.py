"""Weights under LAVIS' names for a model that is there: its files read into it, written from it, and its state dict."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sightline.vlm.bridges import QFormerConfig
from sightline.vlm.encoders import EvaConfig
from sightline.vlm.language import LanguageConfig
from sightline.vlm.weights.checkpoint import Checkpoint
from sightline.vlm.weights.errors import CheckpointError
from sightline.vlm.weights.fill import Fill
from sightline.vlm.weights.hub import fetched
from sightline.vlm.weights.lavis_files import (
    PLACES,
    TWINS,
    file_state,
    names_in,
    names_of,
    prefix_of,
    put_all,
    streamed,
    torn,
)

POSITIONS = 512
"""Positions of a Q-Former in LAVIS, whether it reads text or not."""
VICUNA = 32_000
"""Tokens of Vicuna; LAVIS adds [PAD], which makes its embeddings a row longer."""


Keys = tuple[list[str], list[str]]
"""Names of the model that a state dict lacks, and names in it that the model has no place for."""


def update_from_lavis(checkpoint: Checkpoint, source: str | Path, *, strict: bool = True) -> Keys:
    """Puts a file of trained tensors only (a runner's, a second stage without its frozen parts) into its base's model.

    The base's language model decides under which prefix the file's is looked for. Raises `CheckpointError` when a
    tensor has another shape or, if `strict`, no place in the base; the model is then partly changed and should be
    dropped. `source` is a path or a URL, as for `read_lavis`. What is missing and unexpected is given back.
    """
    path = fetched(source)
    state = file_state(path)
    keys, torn_apart = list(state), torn(state)
    del state
    return _update(checkpoint, (streamed(path), keys, torn_apart), str(path), strict)


def load_state(checkpoint: Checkpoint, state: Mapping[str, Tensor], *, strict: bool = True) -> Keys:
    """Puts tensors by LAVIS' names into a model; `strict` as in torch: every name must be there, and none beyond."""
    missing, unexpected = _update(checkpoint, (state.items(), list(state), torn(state)), "the state dict", strict)
    if strict and missing:
        more = f" and {len(missing) - 6} more" if len(missing) > 6 else ""
        raise CheckpointError(f"the state dict lacks {', '.join(missing[:6])}{more}: strict=False leaves these as is")
    return missing, unexpected


def _update(
    checkpoint: Checkpoint, given: tuple[Iterable[tuple[str, Tensor]], list[str], list[str]], where: str, strict: bool
) -> Keys:
    tensors, keys, torn_apart = given
    names = names_of(checkpoint, prefix_of(dict.fromkeys(keys)))
    fill = Fill(checkpoint.model, names, optional=checkpoint.model.state_dict().keys())
    fill.unexpected += torn_apart
    put_all(fill, tensors)
    unexpected = list(fill.unexpected)
    if not strict:
        fill.unexpected.clear()
    fill.finish(where)
    told = set(keys)
    return [key for key in state_of(checkpoint) if key not in told and not names.ignores(key)], unexpected


def save_lavis(checkpoint: Checkpoint, path: Path, *, like: Path | None = None) -> None:
    """Writes a LAVIS `.pth`.

    Args:
        checkpoint: With an encoder of BLIP-2 and a Q-Former. A key bias of EVA's encoder, which LAVIS does not have, is
            left out: it adds the same number to all scores of a query, so the softmax is invariant to it.
        path: The file, replaced when it is whole.
        like: A LAVIS file whose names and dtypes the new one takes, so that what was read from it is written back bit
            for bit; none: every tensor, in its dtype in memory.
    """
    config = checkpoint.config
    if not isinstance(config.encoder, EvaConfig) or not isinstance(config.bridge, QFormerConfig):
        kinds = f"{type(config.encoder).__name__} and {type(config.bridge).__name__}"
        raise CheckpointError(f"LAVIS' layout has an EVA-style encoder and a Q-Former, this model has {kinds}")
    theirs = state_of(checkpoint)
    theirs = _padded(theirs) if like is None else _like(theirs, file_state(like), like)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    torch.save({"model": theirs}, partial)
    partial.replace(path)


def language_prefix(checkpoint: Checkpoint) -> str | None:
    """How LAVIS begins the names of a checkpoint's language model; none without one."""
    language = checkpoint.config.language
    kind = language.architecture["model_type"] if isinstance(language, LanguageConfig) else None
    return None if kind is None else {"opt": "opt", "t5": "t5"}.get(str(kind), "llm")


def state_of(checkpoint: Checkpoint) -> dict[str, Tensor]:
    """A model's weights under LAVIS' names, those that LAVIS ties twice, and its buffers."""
    names = names_of(checkpoint, language_prefix(checkpoint))
    theirs: dict[str, Tensor] = {}
    for name, tensor in checkpoint.model.state_dict().items():
        for key, place in names.theirs(name):
            theirs[key] = place.outward(tensor)
    bridge = checkpoint.config.bridge
    if isinstance(bridge, QFormerConfig):
        theirs[PLACES] = torch.arange(bridge.positions if bridge.vocab_size else POSITIONS)[None]
        if bridge.vocab_size:
            theirs |= {key: theirs[twin] for key, twin in TWINS.items() if bridge.captioning}
    return theirs | _rotary(checkpoint)


def _rotary(checkpoint: Checkpoint) -> dict[str, Tensor]:
    """The rotary frequencies that LAVIS' Llama stores, the same in every layer."""
    language = checkpoint.config.language
    shape: Mapping[str, Any] = language.architecture if isinstance(language, LanguageConfig) else {}
    if shape.get("model_type") != "llama":
        return {}
    width = shape.get("head_dim") or shape["hidden_size"] // shape["num_attention_heads"]
    theta = shape.get("rope_theta") or (shape.get("rope_parameters") or {}).get("rope_theta") or 10000.0
    steps = 1.0 / (float(theta) ** (torch.arange(0, width, 2, dtype=torch.float32) / width))
    layers = range(shape["num_hidden_layers"])
    return {f"llm_model.model.layers.{at}.self_attn.rotary_emb.inv_freq": steps for at in layers}


def _padded(theirs: dict[str, Tensor]) -> dict[str, Tensor]:
    """With the row of [PAD] in Vicuna's embeddings, which LAVIS will not load without; its values are never read."""
    names = ("llm_model.model.embed_tokens.weight", "llm_model.lm_head.weight")
    grown = {name: theirs[name] for name in names if name in theirs and len(theirs[name]) == VICUNA}
    return theirs | {name: torch.cat([rows, rows.mean(0, keepdim=True)]) for name, rows in grown.items()}


def _like(theirs: dict[str, Tensor], model: Mapping[str, Tensor], path: Path) -> dict[str, Tensor]:
    names: Callable[[str], bool] = names_in(model).ignores
    if absent := [key for key in model if key not in theirs and not names(key)]:
        raise CheckpointError(f"{path} has {absent[0]}, this model has not: is it a file of another model?")
    own = {key: tensor for key, tensor in theirs.items() if not names(key)}  # buffers are the file's
    return {key: own[key].to(tensor.dtype) if key in own else tensor for key, tensor in model.items()}
