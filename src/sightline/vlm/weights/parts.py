"""The frozen parts of a model of one's own: a published vision model, a published language model.

encoder = read_encoder("facebook/dinov2-base")
language = read_language("Qwen/Qwen2.5-0.5B")
bridge = QFormerConfig(patch_width=encoder.width)
config = Blip2Config(encoder=encoder.config, bridge=bridge, language=language.config)
model = Blip2(encoder, nn.LayerNorm(encoder.width), bridge.build(), nn.Linear(bridge.width, language.width), language)
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from sightline.vlm.config import ConfigError
from sightline.vlm.encoders import ForeignEncoder, ForeignEncoderConfig
from sightline.vlm.language import CausalConfig, CausalLanguage, Seq2SeqConfig, Seq2SeqLanguage
from sightline.vlm.weights.adapters import Adapter, read_adapter
from sightline.vlm.weights.errors import CheckpointError
from sightline.vlm.weights.hub import TEXTS, download
from sightline.vlm.weights.huggingface import check_plain

PICKLED = (*TEXTS, "pytorch_model*.bin")
"""What is fetched of a hub id without safetensors (OPT, Vicuna): transformers reads these as tensors only."""


def read_encoder(
    name_or_folder: str | Path, *, drop_layers: int = 1, dtype: torch.dtype = torch.float32
) -> ForeignEncoder:
    """A frozen vision model of transformers by hub id or folder; of a two-tower model (CLIP, SigLIP) its image tower.

    Raises `CheckpointError` for a kind of model that has no adapter, `UnknownModelError` for one that is not there.
    """
    from transformers import AutoModel  # late: importing transformers takes a second

    check_depth(config_of(name_or_folder), drop_layers, name_or_folder)
    whole = _pretrained(AutoModel, name_or_folder, dtype)
    tower = getattr(whole, "vision_model", whole)
    config = ForeignEncoderConfig(architecture=tower.config.to_dict(), drop_layers=drop_layers)
    try:
        return ForeignEncoder(config, tower).eval().requires_grad_(False)
    except ConfigError as problem:
        raise CheckpointError(f"{name_or_folder}: {problem}") from problem


def read_language(
    name_or_folder: str | Path, *, dtype: torch.dtype = torch.float32, changes: Mapping[str, Any] | None = None
) -> CausalLanguage | Seq2SeqLanguage:
    """A frozen language model of transformers, causal or encoder-decoder, by hub id or folder.

    `changes` are settings of its config that are to be others than in the file.

    Raises `CheckpointError` for a model that writes no text, `UnknownModelError` for one that is not there.
    """
    from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM  # late, as above

    config = config_of(name_or_folder)
    language: CausalLanguage | Seq2SeqLanguage
    if config.is_encoder_decoder:
        model = _pretrained(AutoModelForSeq2SeqLM, name_or_folder, dtype, changes)
        language = Seq2SeqLanguage(Seq2SeqConfig(architecture=model.config.to_dict()), model)
    else:
        model = _pretrained(AutoModelForCausalLM, name_or_folder, dtype, changes)
        language = CausalLanguage(CausalConfig(architecture=model.config.to_dict()), model)
    return language.eval().requires_grad_(False)


def outline_language(name_or_folder: str | Path) -> CausalLanguage | Seq2SeqLanguage:
    """A language model's modules with fresh weights, in PyTorch's default dtype and on its default device."""
    config = config_of(name_or_folder)
    kind = Seq2SeqConfig if config.is_encoder_decoder else CausalConfig
    return kind(architecture=config.to_dict()).build()


def config_of(name_or_folder: str | Path) -> Any:
    """transformers' config of a hub id or folder; of a hub id no weights are fetched for it.

    Raises `UnknownModelError` for one that is not there, `CheckpointError` for a folder without a config.
    """
    from transformers import AutoConfig  # late, as above

    folder = Path(name_or_folder).expanduser()
    folder = folder if folder.is_dir() else download(str(name_or_folder), TEXTS)
    adapter = read_adapter(folder)
    if adapter is not None:
        return config_of(adapter.base)
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
        check_plain(config.to_dict(), folder)
        return config
    except (OSError, ValueError) as problem:
        raise CheckpointError(f"{folder} cannot be read as a model of transformers: {problem}") from problem


def check_depth(config: Any, drop_layers: int, name: str | Path) -> None:
    """Raises `CheckpointError` where cutting off so many of a vision model's layers leaves none."""
    layers = getattr(getattr(config, "vision_config", config), "num_hidden_layers", None)
    if isinstance(layers, int) and not 0 <= drop_layers < layers:
        raise CheckpointError(
            f"{name}: drop_layers is {drop_layers}, but this encoder has {layers} layers: keep one at least"
        )


def _pretrained(
    automatic: Any, name_or_folder: str | Path, dtype: torch.dtype, changes: Mapping[str, Any] | None = None
) -> Any:
    folder = folder_of(name_or_folder)
    adapter = read_adapter(folder)
    if adapter is not None:
        return _adapted(_pretrained(automatic, adapter.base, dtype, changes), adapter)
    if not Path(name_or_folder).expanduser().is_dir() and not any(folder.glob("*.safetensors")):
        folder = download(str(name_or_folder), PICKLED)  # published before safetensors were; read as tensors only
    try:
        return automatic.from_pretrained(
            folder, dtype=dtype, local_files_only=True, weights_only=True, **(changes or {})
        )
    except (OSError, ValueError) as problem:
        raise CheckpointError(f"{folder} cannot be read as a model of transformers: {problem}") from problem


def _adapted(model: Any, adapter: Adapter) -> Any:
    """The model with a LoRA adapter merged into it."""
    weights = model.state_dict()
    with torch.no_grad():
        for key, merged in adapter.merged(weights.items()):
            if merged is not weights[key]:
                weights[key].copy_(merged)
    return model


def folder_of(name_or_folder: str | Path) -> Path:
    """A folder as it stands, anything else from the hub; raises `UnknownModelError` when it is not there."""
    folder = Path(name_or_folder).expanduser()
    return folder if folder.is_dir() else download(str(name_or_folder))
