"""LAVIS' `.pth` checkpoints as models: the first-stage Q-Former, and the second stage with OPT, T5 or Vicuna.

A `.pth` holds tensors and no config, so shapes say how large the parts are; what shapes cannot say (the number of
heads, the language model) is asked for.

Shapes in names: P positions of the encoder, CLS included.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sightline.vlm.bridges import QFormerConfig
from sightline.vlm.encoders import EvaConfig, ImageFacts
from sightline.vlm.language import LanguageConfig
from sightline.vlm.model import Blip2, Blip2Config
from sightline.vlm.placement import Devices, Dtypes, Layout
from sightline.vlm.weights.checkpoint import Checkpoint
from sightline.vlm.weights.errors import CheckpointError
from sightline.vlm.weights.fill import Fill, empty
from sightline.vlm.weights.hub import fetched
from sightline.vlm.weights.huggingface import decoding_of, family_of, prompts_of, read_tokenizer
from sightline.vlm.weights.lavis_files import (
    BERT,
    CLIP,
    CLIP_LAYER,
    EVA_LAYER,
    LAYER,
    WORDS,
    file_state,
    names_in,
    prefix_of,
    put,
    streamed,
    torn,
)
from sightline.vlm.weights.lavis_habits import grow, habits
from sightline.vlm.weights.parts import folder_of, outline_language, read_language
from sightline.vlm.weights.tokenizer import Tokenizer

NORM_EPS = 1e-5
"""Of LAVIS' `ln_vision`; its blocks have the encoder's own 1e-6."""

RUN_WITH = {"t5": {"dense_act_fn": "gelu"}}
"""Where LAVIS runs a language model otherwise than it was published: FlanT5 with the exact GELU."""


@dataclass(frozen=True, kw_only=True)
class Beside:
    """What a `.pth` does not say; the defaults are those of every published file."""

    vision_heads: int = 16
    bridge_heads: int = 12
    encoder: str | Path | None = None
    """Path or URL of the frozen encoder's own file (eva_vit_g.pth, clip_vit_L.pth), for files of trained tensors."""
    language: LanguageConfig | None = None
    """Of a second-stage file."""
    language_model: str | None = None
    """Hub id or folder of the frozen language model, for files that do not hold it."""
    tokenizer: Tokenizer | None = None
    """Of the language model."""
    text_tokenizer: Tokenizer | None = None
    """Of the Q-Former's text side."""


def read_lavis(
    source: str | Path, beside: Beside | None = None, *, dtype: Dtypes = torch.float32, device: Devices = "cpu"
) -> Checkpoint:
    """A LAVIS file as a `Checkpoint`.

    Args:
        source: Path or URL (`#sha256=…` at its end is checked) of a `.pth`, or of a safetensors file with its names.
        beside: What the file does not hold or say.
        dtype: As `Layout.of` takes it; float32, the default, holds files of mixed precision without loss.
        device: As `Layout.of` takes it.

    Raises:
        CheckpointError: The file is not one, or its tensors do not make a whole model.
        UnknownModelError: It cannot be fetched.
    """
    beside, layout = beside or Beside(), Layout.of(dtype, device)
    path, frozen = fetched(source), None if beside.encoder is None else fetched(beside.encoder)
    own = file_state(path)
    language = None if beside.language_model is None else _language(beside.language_model, layout, prefix_of(own))
    if language is not None:
        grow(language, own, prefix_of(own))
        beside = replace(beside, language=language.config)
    state = own if frozen is None else {**_encoder_state(frozen), **own}
    config = lavis_config(state, beside, path)
    model = empty(config, layout)
    if language is not None:
        model.language = None  # the empty one goes before the full one comes
        model.language = layout.move_language(language)
    _without_key_bias(model)
    fill = Fill(model, names_in(state), optional=() if language is None else _within(model, "language."))
    fill.unexpected += torn(own)
    missing, prefix = state.keys() - own.keys(), prefix_of(state)
    del state, own  # what follows maps the files anew, piece by piece
    for key, tensor in () if frozen is None else streamed(frozen):
        if (name := f"visual_encoder.{key}") in missing:
            fill.put(name, tensor)
    put(fill, path)
    fill.finish(str(path))
    return habits(_checkpoint(path, config, model.eval().requires_grad_(False), beside), prefix)


def _language(name: str, layout: Layout, prefix: str | None) -> Any:
    """A frozen language model as LAVIS runs it; a split is checked before its weights are read."""
    layout.check_language(lambda: outline_language(name))
    return read_language(name, dtype=layout.language.dtype, changes=RUN_WITH.get(prefix or "", {}))


def _without_key_bias(model: Blip2) -> None:
    """LAVIS' EVA has no key bias, and its files none to read."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("attention.qkv.bias") and name.startswith("encoder."):
                parameter.zero_()


def _within(model: Blip2, prefix: str) -> list[str]:
    return [name for name in model.state_dict() if name.startswith(prefix)]


def lavis_config(state: Mapping[str, Tensor], beside: Beside, path: Path) -> Blip2Config:
    """The config that a file's shapes and what is known `beside` them make."""
    prefix = prefix_of(state)
    if prefix is not None and beside.language is None:
        raise CheckpointError(
            f"{path} was trained with a language model ({prefix}_proj), whose config a .pth does not hold: "
            f"give Beside(language=…)"
        )
    return Blip2Config(
        encoder=_encoder(state, beside, path),
        bridge=_bridge(state, beside, path),
        language=beside.language if prefix is not None else None,
        norm_eps=NORM_EPS,
    )


def _encoder_state(path: Path) -> dict[str, Tensor]:
    """The tensors of an encoder's own file that BLIP-2 uses: all blocks but the last, no final norm, no head."""
    state = {f"visual_encoder.{key}": tensor for key, tensor in file_state(path).items()}
    names, prefix = names_in(state), CLIP_LAYER if CLIP in state else EVA_LAYER
    last = f"{prefix}{_layers(state, prefix) - 1}."
    return {key: tensor for key, tensor in state.items() if names.ours(key) and not key.startswith(last)}


def _encoder(state: Mapping[str, Tensor], beside: Beside, path: Path) -> EvaConfig:
    if CLIP in state:
        return _clip(state, beside, path)
    patch = _of(state, "visual_encoder.patch_embed.proj.weight", path).shape
    positions = _of(state, "visual_encoder.pos_embed", path).shape[1]
    side = math.isqrt(positions - 1)
    if side * side != positions - 1:
        raise CheckpointError(f"{path} has {positions - 1} patch positions, which is no square")
    return EvaConfig(
        image_size=side * patch[2],
        patch_size=patch[2],
        channels=patch[1],
        width=patch[0],
        layers=_layers(state, EVA_LAYER),
        heads=beside.vision_heads,
        mlp_width=_of(state, "visual_encoder.blocks.0.mlp.fc1.weight", path).shape[0],
        qkv_bias="visual_encoder.blocks.0.attn.q_bias" in state,
    )


def _clip(state: Mapping[str, Tensor], beside: Beside, path: Path) -> EvaConfig:
    """CLIP's ViT, as deep as the file is: LAVIS' releases differ in how many of its last blocks they drop."""
    patch = state[CLIP].shape
    positions = len(_of(state, "visual_encoder.positional_embedding", path))
    return EvaConfig(
        image_size=math.isqrt(positions - 1) * patch[2],
        patch_size=patch[2],
        channels=patch[1],
        width=patch[0],
        layers=_layers(state, CLIP_LAYER),
        heads=beside.vision_heads,
        mlp_width=len(_of(state, f"{CLIP_LAYER}0.mlp.c_fc.weight", path)),
        activation="quick_gelu",
        eps=1e-5,
        patch_bias=False,
        norm_first=True,
        align_corners=True,
    )


def _bridge(state: Mapping[str, Tensor], beside: Beside, path: Path) -> QFormerConfig:
    queries, width = _of(state, "query_tokens", path).shape[-2:]
    crossing = sorted(
        index for index in range(_layers(state, LAYER)) if f"{LAYER}{index}.crossattention.self.query.weight" in state
    )
    words = state.get(WORDS)
    contrast = state.get("vision_proj.weight")
    places = state.get(BERT + "embeddings.position_embeddings.weight")
    return QFormerConfig(
        patch_width=_of(state, f"{LAYER}0.crossattention.self.key.weight", path).shape[1],
        width=width,
        layers=_layers(state, LAYER),
        heads=beside.bridge_heads,
        mlp_width=_of(state, f"{LAYER}0.intermediate_query.dense.weight", path).shape[0],
        queries=queries,
        cross_every=crossing[1] if len(crossing) > 1 else max(2, _layers(state, LAYER)),
        vocab_size=None if words is None else len(words),
        positions=512 if places is None else len(places),
        contrast_width=None if contrast is None else len(contrast),
        matching="itm_head.weight" in state,
        captioning="Qformer.cls.predictions.bias" in state,
    )


def _of(state: Mapping[str, Tensor], key: str, path: Path) -> Tensor:
    if key not in state:
        raise CheckpointError(
            f"{path} lacks {key}: it does not hold a whole model. If it holds trained tensors only, read the model it "
            "was trained from and call update_from_lavis"
        )
    return state[key]


def _layers(state: Mapping[str, Tensor], prefix: str) -> int:
    return len({key[len(prefix) :].partition(".")[0] for key in state if key.startswith(prefix)})


def _checkpoint(path: Path, config: Blip2Config, model: Any, beside: Beside) -> Checkpoint:
    side: Any = config.encoder
    return Checkpoint(
        name=str(path),
        family=family_of(config),
        config=config,
        model=model,
        image=ImageFacts(size=side.image_size),
        prompts=prompts_of(config),
        tokenizer=_tokenizer(beside) if config.language is not None else None,
        text_tokenizer=beside.text_tokenizer,
        decoding=decoding_of(config),
    )


def _tokenizer(beside: Beside) -> Tokenizer | None:
    if beside.tokenizer is not None or beside.language_model is None:
        return beside.tokenizer
    return read_tokenizer(folder_of(beside.language_model))
