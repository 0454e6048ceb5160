"""Writing a model as transformers reads it: `Blip2ForConditionalGeneration`, `Blip2ForImageTextRetrieval`, or, where
the bridge of a model that writes has a text side, `InstructBlipForConditionalGeneration`.

What Hugging Face's classes have no place for (the captioning head, the temperature) goes into a file of its own beside
them, so that a first-stage model can be trained on after the way there and back.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from tokenizers import Tokenizer as Backend
from torch import Tensor

from sightline.vlm.bridges import QFormerConfig
from sightline.vlm.encoders import EvaConfig, ImageFacts
from sightline.vlm.encoders.pixels import FILTERS
from sightline.vlm.language import LanguageConfig
from sightline.vlm.model import Blip2Config
from sightline.vlm.weights.checkpoint import Checkpoint
from sightline.vlm.weights.errors import CheckpointError
from sightline.vlm.weights.folder import check_whole, make_folder, precision_of_parts, read_back
from sightline.vlm.weights.huggingface import EXTRA, INSTRUCTED, PRECISION, RETRIEVAL, WRITING, instructed
from sightline.vlm.weights.names import HUGGINGFACE, INSTRUCT, NameMap
from sightline.vlm.weights.shards import shards
from sightline.vlm.weights.tokenizer import Tokenizer


def save_huggingface(checkpoint: Checkpoint, folder: Path, *, max_shard_size: str = "5GB") -> None:
    """Writes config.json, sharded safetensors, preprocessor and tokenizer files that transformers 5 reads.

    Raises `CheckpointError` for a model that its classes cannot express: another encoder or another bridge.
    """
    from huggingface_hub import save_torch_state_dict  # late: it brings an HTTP client along

    kind = _architecture(checkpoint.config)
    processor = _processor(checkpoint)
    config = _config(checkpoint.config, image_token=processor.image_token)
    check_whole(checkpoint)
    make_folder(folder)
    config.architectures = [kind]
    _say_precision(config, precision_of_parts(checkpoint.model))
    config.save_pretrained(folder)
    theirs, extra = _weights(
        checkpoint.model.state_dict(keep_vars=True), INSTRUCT if kind == INSTRUCTED else HUGGINGFACE
    )
    save_torch_state_dict(theirs, folder, max_shard_size=max_shard_size, metadata={"format": "pt"})
    read_back(theirs, shards(folder))
    if extra:
        save_file(extra, folder / EXTRA, metadata={"format": "pt"})
        read_back(extra, [folder / EXTRA])
    processor.save(folder)


def _say_precision(config: Any, dtypes: dict[str, str]) -> None:
    """One dtype where all parts have it; else the widest, as Hugging Face has one only, and each under our key."""
    setattr(config, PRECISION, dtypes)
    config.dtype = dtypes["encoder"] if len(set(dtypes.values())) == 1 else "float32"


def _architecture(config: Blip2Config) -> str:
    if config.language is None:
        return RETRIEVAL
    return INSTRUCTED if instructed(config) else WRITING[0]


def _config(config: Blip2Config, image_token: int | None) -> Any:
    import transformers  # late: importing it takes a second

    encoder, bridge, language = config.encoder, config.bridge, config.language
    if not isinstance(encoder, EvaConfig) or encoder.norm_first or not encoder.patch_bias:
        raise CheckpointError(
            f"Hugging Face's BLIP-2 has the EVA-style encoder only, this model has {_kind(encoder)}: "
            "save it in Sightline's layout"
        )
    if not isinstance(bridge, QFormerConfig):
        raise CheckpointError(f"Hugging Face's BLIP-2 has a Q-Former, this model has {type(bridge).__name__}")
    text: Any = None
    if isinstance(language, LanguageConfig):
        values = dict(language.architecture)
        text = transformers.AutoConfig.for_model(values.pop("model_type"), **values)
    shared = {
        "vision_config": _vision(encoder, config.norm_eps),
        "qformer_config": _qformer(bridge),
        "text_config": text,
        "num_query_tokens": bridge.queries,
        "image_token_index": image_token,
    }
    if instructed(config):
        shared["qformer_config"].pop("use_qformer_text_input")
        return transformers.InstructBlipConfig(**shared)
    return transformers.Blip2Config(**shared, image_text_hidden_size=bridge.contrast_width or 256)


def _kind(encoder: Any) -> str:
    return "CLIP's" if isinstance(encoder, EvaConfig) else type(encoder).__name__


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


def _weights(ours: dict[str, Tensor], names: NameMap) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Tensors under their names, and those they have no name for."""
    theirs: dict[str, Tensor] = {}
    extra: dict[str, Tensor] = {}
    seen: set[int] = set()
    for name, tensor in ours.items():
        if id(tensor) in seen:
            continue  # tied to one already stored
        seen.add(id(tensor))
        keys = names.theirs(name)
        if not keys:
            extra[name] = tensor.detach().contiguous()
        for key, place in keys:
            theirs[key] = place.outward(tensor.detach())
    return theirs, extra


@dataclass(frozen=True)
class Processor:
    """Their processor of images and texts, and which token of it stands for the image."""

    theirs: Any
    image_token: int | None

    def save(self, folder: Path) -> None:
        """Writes its files."""
        self.theirs.save_pretrained(folder)


def _processor(checkpoint: Checkpoint) -> Processor:
    """With tokenizers where there are any, without one the image half alone."""
    import transformers  # late: importing it takes a second

    classes: Any = transformers
    images, bridge = _images(checkpoint.image), checkpoint.config.bridge
    tokenizer = checkpoint.tokenizer or checkpoint.text_tokenizer
    if tokenizer is None or not isinstance(bridge, QFormerConfig):
        return Processor(images, None)
    if checkpoint.config.language is None:
        return Processor(classes.Blip2Processor(images, _tokenizer(tokenizer)), None)
    if instructed(checkpoint.config) and checkpoint.text_tokenizer is not None:
        both = (_tokenizer(tokenizer), _tokenizer(checkpoint.text_tokenizer))
        theirs = classes.InstructBlipProcessor(images, *both, num_query_tokens=bridge.queries)
    else:
        theirs = classes.Blip2Processor(images, _tokenizer(tokenizer), num_query_tokens=bridge.queries)
    token = int(theirs.tokenizer.convert_tokens_to_ids("<image>"))
    return Processor(theirs, token if token < checkpoint.model.writer.vocab_size else None)


def _images(image: ImageFacts) -> Any:
    from transformers import BlipImageProcessorPil  # late: importing transformers takes a second

    if image.shortest_edge is not None:
        raise CheckpointError(
            "BLIP-2's image processor squashes, this model crops after resizing the shorter side to "
            f"{image.shortest_edge}: save it in Sightline's layout"
        )
    return BlipImageProcessorPil(
        size={"height": image.size, "width": image.size},
        image_mean=list(image.mean),
        image_std=list(image.std),
        resample=FILTERS.index(image.resample),
    )


def _tokenizer(tokenizer: Tokenizer) -> Any:
    from transformers import PreTrainedTokenizerFast  # late: importing transformers takes a second

    pad = tokenizer.backend.id_to_token(tokenizer.pad_id)
    foreign: Any = PreTrainedTokenizerFast
    return foreign(tokenizer_object=Backend.from_str(tokenizer.backend.to_str()), pad_token=pad)
