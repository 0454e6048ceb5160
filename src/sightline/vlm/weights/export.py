"""Writing a model as transformers reads it: `Blip2ForConditionalGeneration` or `Blip2ForImageTextRetrieval`.

What Hugging Face's classes have no place for (the captioning head, the temperature) goes into a file of its own beside
them, so that a first-stage model can be trained on after the way there and back.
"""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from sightline.vlm.bridges import QFormerConfig
from sightline.vlm.encoders import EvaConfig
from sightline.vlm.language import LanguageConfig
from sightline.vlm.model import Blip2Config
from sightline.vlm.weights.checkpoint import Checkpoint, ImageFacts
from sightline.vlm.weights.errors import CheckpointError
from sightline.vlm.weights.huggingface import EXTRA, RESAMPLES
from sightline.vlm.weights.names import HUGGINGFACE
from sightline.vlm.weights.tokenizer import Tokenizer


def save_huggingface(checkpoint: Checkpoint, folder: Path, *, max_shard_size: str = "5GB") -> None:
    """Writes config.json, sharded safetensors, preprocessor and tokenizer files that transformers 5 reads.

    Raises `CheckpointError` for a model that its classes cannot express: another encoder or another bridge.
    """
    from huggingface_hub import save_torch_state_dict  # late: it brings an HTTP client along

    config = _config(checkpoint.config)
    folder.mkdir(parents=True, exist_ok=True)
    config.architectures = [_architecture(checkpoint.config)]
    config.save_pretrained(folder)
    theirs, extra = _weights(checkpoint.model.state_dict(keep_vars=True))
    save_torch_state_dict(theirs, folder, max_shard_size=max_shard_size, metadata={"format": "pt"})
    if extra:
        save_file(extra, folder / EXTRA, metadata={"format": "pt"})
    _preprocessor(checkpoint.image, folder)
    tokenizer = checkpoint.tokenizer or checkpoint.text_tokenizer
    if tokenizer is not None:
        _tokenizer(tokenizer, folder)


def _architecture(config: Blip2Config) -> str:
    return "Blip2ForImageTextRetrieval" if config.language is None else "Blip2ForConditionalGeneration"


def _config(config: Blip2Config) -> Any:
    from transformers import AutoConfig  # late: importing transformers takes a second
    from transformers import Blip2Config as ForeignConfig

    encoder, bridge, language = config.encoder, config.bridge, config.language
    if not isinstance(encoder, EvaConfig):
        raise CheckpointError(
            f"Hugging Face's BLIP-2 has the EVA-style encoder only, this model has {type(encoder).__name__}: "
            "save it in Sightline's layout"
        )
    if not isinstance(bridge, QFormerConfig):
        raise CheckpointError(f"Hugging Face's BLIP-2 has a Q-Former, this model has {type(bridge).__name__}")
    text: Any = None
    if isinstance(language, LanguageConfig):
        values = dict(language.architecture)
        text = AutoConfig.for_model(values.pop("model_type"), **values)
    return ForeignConfig(
        vision_config=_vision(encoder, config.norm_eps),
        qformer_config=_qformer(bridge),
        text_config=text,
        num_query_tokens=bridge.queries,
        image_text_hidden_size=bridge.contrast_width or 256,
    )


def _vision(encoder: EvaConfig, norm_eps: float) -> dict[str, Any]:
    if norm_eps != encoder.eps:
        raise CheckpointError(
            f"Hugging Face's BLIP-2 has one eps for encoder and norm, this model has {encoder.eps} and {norm_eps}: "
            "save it in Sightline's layout, which keeps both"
        )
    return {
        "image_size": encoder.image_size,
        "patch_size": encoder.patch_size,
        "hidden_size": encoder.width,
        "num_hidden_layers": encoder.layers,
        "num_attention_heads": encoder.heads,
        "intermediate_size": encoder.mlp_width,
        "hidden_act": encoder.activation,
        "layer_norm_eps": encoder.eps,
        "qkv_bias": encoder.qkv_bias,
    }


def _qformer(bridge: QFormerConfig) -> dict[str, Any]:
    return {
        "vocab_size": bridge.vocab_size or 30522,
        "hidden_size": bridge.width,
        "num_hidden_layers": bridge.layers,
        "num_attention_heads": bridge.heads,
        "intermediate_size": bridge.mlp_width,
        "hidden_act": bridge.activation,
        "hidden_dropout_prob": bridge.dropout,
        "attention_probs_dropout_prob": bridge.dropout,
        "max_position_embeddings": bridge.positions,
        "layer_norm_eps": bridge.eps,
        "cross_attention_frequency": bridge.cross_every,
        "encoder_hidden_size": bridge.patch_width,
        "use_qformer_text_input": bridge.vocab_size is not None,
    }


def _weights(ours: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Tensors under their names, and those they have no name for."""
    theirs: dict[str, Tensor] = {}
    extra: dict[str, Tensor] = {}
    seen: set[int] = set()
    for name, tensor in ours.items():
        if id(tensor) in seen:
            continue  # shared with one already stored
        seen.add(id(tensor))
        keys = HUGGINGFACE.theirs(name)
        if not keys:
            extra[name] = tensor.detach().contiguous()
        for key, place in keys:
            part = tensor.detach().tensor_split(place.parts)[place.part] if place.parts > 1 else tensor.detach()
            theirs[key] = part.reshape((1,) * place.lead + tuple(part.shape)).clone(
                memory_format=torch.contiguous_format
            )
    return theirs, extra


def _preprocessor(image: ImageFacts, folder: Path) -> None:
    from transformers import BlipImageProcessorPil  # late: importing transformers takes a second

    numbers = {filter_name: number for number, filter_name in RESAMPLES.items()}
    BlipImageProcessorPil(
        size={"height": image.size, "width": image.size},
        image_mean=list(image.mean),
        image_std=list(image.std),
        resample=numbers[image.resample],
    ).save_pretrained(folder)


def _tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    from transformers import PreTrainedTokenizerFast  # late: importing transformers takes a second

    pad = tokenizer.backend.id_to_token(tokenizer.pad_id)
    foreign: Any = PreTrainedTokenizerFast
    foreign(tokenizer_object=tokenizer.backend, pad_token=pad).save_pretrained(folder)
