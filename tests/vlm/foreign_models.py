"""Small random BLIP-2 models of transformers, in differing shapes: what parity is measured against."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import (
    Blip2Config,
    Blip2ForConditionalGeneration,
    Blip2ForImageTextRetrieval,
    Blip2Model,
    Blip2QFormerConfig,
    Blip2VisionConfig,
    GPT2Config,
    InstructBlipConfig,
    InstructBlipForConditionalGeneration,
    InstructBlipQFormerConfig,
    InstructBlipVisionConfig,
    LlamaConfig,
    OPTConfig,
    PreTrainedModel,
    T5Config,
)

IMAGE_TOKEN = 59
WORDS = 60


@dataclass(frozen=True)
class Shape:
    """What may differ between BLIP-2 models, small."""

    image: int = 56
    patch: int = 14
    vision_width: int = 48
    vision_layers: int = 2
    vision_heads: int = 4
    vision_eps: float = 1e-6
    qkv_bias: bool = True
    width: int = 48
    layers: int = 2
    heads: int = 4
    queries: int = 8
    cross_every: int = 2
    language_width: int = 32
    contrast: int = 16
    batch: int = 2
    eos: int | tuple[int, ...] = 3


SHAPES = {
    "plain": Shape(),
    "deep, narrow, one query": Shape(
        vision_layers=4, vision_width=32, vision_heads=2, width=64, layers=4, heads=8, queries=1, batch=3
    ),
    "cross-attention everywhere, coarse eps": Shape(
        cross_every=1, layers=3, width=96, heads=3, queries=5, vision_eps=1e-5, language_width=64, contrast=24, batch=1
    ),
    "cross-attention every third, odd image": Shape(
        image=70, patch=10, cross_every=3, layers=5, heads=2, vision_heads=3, queries=12, qkv_bias=False, batch=5
    ),
}


def _several(eos: int | tuple[int, ...]) -> int | list[int]:
    return eos if isinstance(eos, int) else list(eos)


def opt(shape: Shape) -> OPTConfig:
    return OPTConfig(
        vocab_size=WORDS,
        hidden_size=shape.language_width,
        word_embed_proj_dim=shape.language_width,
        ffn_dim=2 * shape.language_width,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=80,
        eos_token_id=_several(shape.eos),
    )


def gpt2(shape: Shape) -> GPT2Config:
    return GPT2Config(
        vocab_size=WORDS,
        n_embd=shape.language_width,
        n_layer=2,
        n_head=4,
        n_positions=80,
        bos_token_id=2,
        eos_token_id=_several(shape.eos),
    )


def llama(shape: Shape) -> LlamaConfig:
    return LlamaConfig(
        vocab_size=WORDS,
        hidden_size=shape.language_width,
        intermediate_size=2 * shape.language_width,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        eos_token_id=_several(shape.eos),
        pad_token_id=1,
    )


def t5(shape: Shape) -> T5Config:
    return T5Config(
        vocab_size=WORDS,
        d_model=shape.language_width,
        d_ff=2 * shape.language_width,
        d_kv=8,
        num_layers=2,
        num_heads=4,
        decoder_start_token_id=0,
        bos_token_id=0,
        eos_token_id=_several(shape.eos),
    )


def flan_t5(shape: Shape) -> T5Config:
    """Gated, exact GELU, and an output matrix of its own."""
    config = t5(shape)
    values = config.to_dict() | {"feed_forward_proj": "gated-gelu", "dense_act_fn": "gelu", "is_gated_act": True}
    return T5Config(**(values | {"tie_word_embeddings": False, "scale_decoder_outputs": False}))


LANGUAGES: dict[str, Any] = {
    "opt": opt,
    "gpt2": gpt2,
    "llama": llama,
    "t5": t5,
    "flan-t5": flan_t5,
}


def config_of(shape: Shape, language: str = "opt", *, text: bool = False) -> Blip2Config:
    return Blip2Config(
        vision_config=Blip2VisionConfig(**_vision(shape)),
        qformer_config=Blip2QFormerConfig(**_qformer(shape), use_qformer_text_input=text),
        text_config=LANGUAGES[language](shape),
        num_query_tokens=shape.queries,
        image_text_hidden_size=shape.contrast,
        image_token_index=None if text else IMAGE_TOKEN,
    )


def instruct_config_of(shape: Shape, language: str) -> InstructBlipConfig:
    return InstructBlipConfig(
        vision_config=InstructBlipVisionConfig(**_vision(shape)),
        qformer_config=InstructBlipQFormerConfig(**_qformer(shape)),
        text_config=LANGUAGES[language](shape),
        num_query_tokens=shape.queries,
        image_token_index=IMAGE_TOKEN,
    )


def _vision(shape: Shape) -> dict[str, Any]:
    return {
        "image_size": shape.image,
        "patch_size": shape.patch,
        "hidden_size": shape.vision_width,
        "intermediate_size": 2 * shape.vision_width + 3,
        "num_hidden_layers": shape.vision_layers,
        "num_attention_heads": shape.vision_heads,
        "layer_norm_eps": shape.vision_eps,
        "qkv_bias": shape.qkv_bias,
    }


def _qformer(shape: Shape) -> dict[str, Any]:
    return {
        "vocab_size": WORDS,
        "hidden_size": shape.width,
        "intermediate_size": 2 * shape.width + 5,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "cross_attention_frequency": shape.cross_every,
        "max_position_embeddings": 30,
    }


def randomised(model: PreTrainedModel, std: float = 0.2) -> PreTrainedModel:
    """Weights large enough that a wrong one shows, and that tokens differ."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" in name.lower() and name.endswith("weight"):
                parameter.normal_(1.0, 0.1)
            elif parameter.dim() > 0:
                parameter.normal_(0.0, std)
        for name, parameter in model.named_parameters():
            if name.endswith("qkv.bias"):
                parameter.chunk(3)[1].zero_()
    return model.eval()


def writing(shape: Shape, language: str = "opt", kind: Any = Blip2ForConditionalGeneration) -> Any:
    """A model with a language model."""
    return _with_head(kind(config_of(shape, language)), language)


def instructed(shape: Shape, language: str = "llama") -> Any:
    """An instruction-aware model: its Q-Former reads a text, too."""
    return _with_head(InstructBlipForConditionalGeneration(instruct_config_of(shape, language)), language)


def _with_head(model: Any, language: str) -> Any:
    if language == "flan-t5":
        head = model.language_model.lm_head
        head.weight = torch.nn.Parameter(torch.empty_like(head.weight))
    return randomised(model)


def plain(shape: Shape, language: str = "opt") -> Any:
    """The same model under its other class."""
    return writing(shape, language, Blip2Model)


def retrieval(shape: Shape) -> Any:
    """A first-stage model with the matching and contrastive heads."""
    return randomised(Blip2ForImageTextRetrieval(config_of(shape, text=True)))


def saved(model: Any, folder: Path, shard: str = "60KB") -> Path:
    """The model's checkpoint folder, in many shards."""
    model.save_pretrained(folder, max_shard_size=shard)
    return folder


def pixels(shape: Shape, side: int | None = None) -> torch.Tensor:
    """A batch of noise, `[B, 3, side, side]`."""
    side = side or shape.image
    return torch.randn(shape.batch, 3, side, side)


def prompt(shape: Shape, length: int = 4) -> torch.Tensor:
    """Prompt tokens `[B, L]`, none of them special."""
    return torch.randint(4, IMAGE_TOKEN, (shape.batch, length))


def foreign_prompt(shape: Shape, prompt_BL: torch.Tensor) -> torch.Tensor:
    """The prompt with the place holders transformers wants in front."""
    return torch.cat([torch.full((shape.batch, shape.queries), IMAGE_TOKEN), prompt_BL], 1)
