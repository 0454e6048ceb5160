"""Parameter names of published checkpoints beside ours, as data.

A rule is a pair of prefixes; `{}` stands for a layer's number, and what follows a prefix (".weight", ".bias", a whole
sub-model) is kept. Where ours fuses matrices that theirs keeps apart, each of theirs is one `part` of the first
dimension of ours.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Rule:
    """One of their names beside one of ours."""

    theirs: str
    ours: str
    part: int = 0
    parts: int = 1
    lead: int = 0
    """Leading dimensions of size 1 that theirs has and ours has not; -1 where ours has one that theirs has not."""


@dataclass(frozen=True)
class Place:
    """Where a tensor belongs: the whole of `name`, or one of its `parts` along the first dimension."""

    name: str
    part: int
    parts: int
    lead: int

    def outer(self, shape: Sequence[int]) -> tuple[int, ...]:
        """The shape in their file of what has this shape in our model."""
        return tuple(shape[1:]) if self.lead < 0 else (1,) * self.lead + tuple(shape)

    def outward(self, tensor: Tensor) -> Tensor:
        """A copy of our tensor, or of their part of it, in the shape of their file."""
        part = tensor.tensor_split(self.parts)[self.part] if self.parts > 1 else tensor
        return part.reshape(self.outer(part.shape)).clone(memory_format=torch.contiguous_format)


class NameMap:
    """A table of rules, read in both directions."""

    def __init__(self, rules: Sequence[Rule], ignored: Sequence[str] = ()) -> None:
        self.rules = tuple((_pattern(rule.theirs), _pattern(rule.ours), rule) for rule in rules)
        self.ignored = tuple(re.compile(pattern) for pattern in ignored)

    def ours(self, key: str) -> Place | None:
        """Where their tensor `key` belongs in our model; none for a name no rule knows."""
        for theirs, _, rule in self.rules:
            if found := theirs.fullmatch(key):
                return Place(_moved(rule.ours, found), rule.part, rule.parts, rule.lead)
        return None

    def theirs(self, name: str) -> list[tuple[str, Place]]:
        """Their tensors that make up our parameter `name`, in order."""
        keys = []
        for _, ours, rule in self.rules:
            if found := ours.fullmatch(name):
                keys.append((_moved(rule.theirs, found), Place(name, rule.part, rule.parts, rule.lead)))
        return sorted(keys, key=lambda pair: pair[1].part)

    def ignores(self, key: str) -> bool:
        """Whether their tensor `key` is known to carry nothing."""
        return any(pattern.search(key) for pattern in self.ignored)


def _pattern(prefix: str) -> re.Pattern[str]:
    return re.compile(re.escape(prefix).replace(r"\{\}", r"(?P<layer>\d+)") + r"(?P<rest>(\..+)?)")


def _moved(prefix: str, found: re.Match[str]) -> str:
    layer = found.groupdict().get("layer")
    return (prefix.replace("{}", layer) if layer is not None else prefix) + found["rest"]


_VISION = "vision_model.encoder.layers.{}."
"""Prefix of an encoder layer in transformers' BLIP-2."""
_EVA = "encoder.layers.{}."
"""Prefix of an encoder layer of ours."""
_BERT = "qformer.encoder.layer.{}."
"""Prefix of a Q-Former layer in transformers' BLIP-2."""
_OURS = "bridge.layers.{}."
"""Prefix of a Q-Former layer of ours."""

HUGGINGFACE = NameMap(
    (
        Rule("vision_model.embeddings.class_embedding", "encoder.cls", lead=1),
        Rule("vision_model.embeddings.position_embedding", "encoder.positions", lead=1),
        Rule("vision_model.embeddings.patch_embedding", "encoder.patches"),
        Rule(_VISION + "layer_norm1", _EVA + "norm1"),
        Rule(_VISION + "self_attn.qkv", _EVA + "attention.qkv"),
        Rule(_VISION + "self_attn.projection", _EVA + "attention.out"),
        Rule(_VISION + "layer_norm2", _EVA + "norm2"),
        Rule(_VISION + "mlp.fc1", _EVA + "mlp.up"),
        Rule(_VISION + "mlp.fc2", _EVA + "mlp.down"),
        Rule("vision_model.post_layernorm", "norm"),
        Rule("query_tokens", "bridge.query_tokens", lead=1),
        Rule("embeddings.word_embeddings", "bridge.text.words"),
        Rule("embeddings.position_embeddings", "bridge.text.places"),
        Rule("qformer.layernorm", "bridge.norm"),
        Rule(_BERT + "attention.attention.query", _OURS + "attention.qkv", 0, 3),
        Rule(_BERT + "attention.attention.key", _OURS + "attention.qkv", 1, 3),
        Rule(_BERT + "attention.attention.value", _OURS + "attention.qkv", 2, 3),
        Rule(_BERT + "attention.output.dense", _OURS + "attention.out"),
        Rule(_BERT + "attention.output.LayerNorm", _OURS + "attention_norm"),
        Rule(_BERT + "crossattention.attention.query", _OURS + "cross.q"),
        Rule(_BERT + "crossattention.attention.key", _OURS + "cross.kv", 0, 2),
        Rule(_BERT + "crossattention.attention.value", _OURS + "cross.kv", 1, 2),
        Rule(_BERT + "crossattention.output.dense", _OURS + "cross.out"),
        Rule(_BERT + "crossattention.output.LayerNorm", _OURS + "cross_norm"),
        Rule(_BERT + "intermediate_query.dense", _OURS + "query_feed.mlp.up"),
        Rule(_BERT + "output_query.dense", _OURS + "query_feed.mlp.down"),
        Rule(_BERT + "output_query.LayerNorm", _OURS + "query_feed.norm"),
        Rule(_BERT + "intermediate.dense", _OURS + "text_feed.mlp.up"),
        Rule(_BERT + "output.dense", _OURS + "text_feed.mlp.down"),
        Rule(_BERT + "output.LayerNorm", _OURS + "text_feed.norm"),
        Rule("vision_projection", "bridge.image_contrast"),
        Rule("text_projection", "bridge.text_contrast"),
        Rule("itm_head", "bridge.matching"),
        Rule("language_projection", "project"),
        Rule("language_model", "language.model"),
    ),
    ignored=(r"(^|\.)position_ids$", r"\.rotary_emb\.inv_freq$", r"\.(masked_)?bias_mask$"),
)
"""transformers' Blip2Model, Blip2ForConditionalGeneration and Blip2ForImageTextRetrieval."""

# Second-stage checkpoints may still carry the text feed-forward of the first stage, which nothing reads.
WITHOUT_TEXT = NameMap(
    tuple(rule for _, _, rule in HUGGINGFACE.rules if "text_feed" not in rule.ours),
    (*(pattern.pattern for pattern in HUGGINGFACE.ignored), r"^qformer\.encoder\.layer\.\d+\.(intermediate|output)\."),
)

_EMBEDDINGS = {
    "bridge.text.words": "qformer.embeddings.word_embeddings",
    "bridge.text.places": "qformer.embeddings.position_embeddings",
    "bridge.norm": "qformer.embeddings.layernorm",
}
"""Where InstructBLIP keeps what BLIP-2 has beside the Q-Former."""
_HEADS = ("bridge.image_contrast", "bridge.text_contrast", "bridge.matching")
"""First-stage heads, which InstructBLIP dropped."""

INSTRUCT = NameMap(
    tuple(
        replace(rule, theirs=_EMBEDDINGS.get(rule.ours, rule.theirs))
        for _, _, rule in HUGGINGFACE.rules
        if rule.ours not in _HEADS
    ),
    tuple(pattern.pattern for pattern in HUGGINGFACE.ignored),
)
"""transformers' InstructBlipForConditionalGeneration: a Q-Former with its embeddings inside, and no heads."""

_BLOCK = "visual_encoder.blocks.{}."
"""Prefix of an encoder layer in LAVIS (timm's names)."""
_BERT_LAVIS = "Qformer.bert.encoder.layer.{}."
"""Prefix of a Q-Former layer in LAVIS."""

_CLIP = "visual_encoder.transformer.resblocks.{}."
"""Prefix of an encoder layer of CLIP (OpenAI's names)."""

_LAVIS_CLIP = (
    Rule("visual_encoder.class_embedding", "encoder.cls", lead=-1),
    Rule("visual_encoder.positional_embedding", "encoder.positions"),
    Rule("visual_encoder.conv1", "encoder.patches"),
    Rule("visual_encoder.ln_pre", "encoder.first_norm"),
    Rule(_CLIP + "ln_1", _EVA + "norm1"),
    Rule(_CLIP + "attn.in_proj_weight", _EVA + "attention.qkv.weight"),
    Rule(_CLIP + "attn.in_proj_bias", _EVA + "attention.qkv.bias"),
    Rule(_CLIP + "attn.out_proj", _EVA + "attention.out"),
    Rule(_CLIP + "ln_2", _EVA + "norm2"),
    Rule(_CLIP + "mlp.c_fc", _EVA + "mlp.up"),
    Rule(_CLIP + "mlp.c_proj", _EVA + "mlp.down"),
)
"""Encoder of LAVIS' models with CLIP's ViT-L."""

_LAVIS_EVA = (
    Rule("visual_encoder.cls_token", "encoder.cls", lead=1),
    Rule("visual_encoder.pos_embed", "encoder.positions", lead=1),
    Rule("visual_encoder.patch_embed.proj", "encoder.patches"),
    Rule(_BLOCK + "norm1", _EVA + "norm1"),
    Rule(_BLOCK + "attn.qkv.weight", _EVA + "attention.qkv.weight"),
    Rule(_BLOCK + "attn.q_bias", _EVA + "attention.qkv.bias", 0, 3),
    Rule(_BLOCK + "attn.v_bias", _EVA + "attention.qkv.bias", 2, 3),
    Rule(_BLOCK + "attn.proj", _EVA + "attention.out"),
    Rule(_BLOCK + "norm2", _EVA + "norm2"),
    Rule(_BLOCK + "mlp.fc1", _EVA + "mlp.up"),
    Rule(_BLOCK + "mlp.fc2", _EVA + "mlp.down"),
)
"""Encoder of LAVIS' models with EVA's ViT-g, which has no key bias."""

_LAVIS = (
    Rule("ln_vision", "norm"),
    Rule("query_tokens", "bridge.query_tokens", lead=1),
    Rule("Qformer.bert.embeddings.word_embeddings", "bridge.text.words"),
    Rule("Qformer.bert.embeddings.position_embeddings", "bridge.text.places"),
    Rule("Qformer.bert.embeddings.LayerNorm", "bridge.norm"),
    Rule(_BERT_LAVIS + "attention.self.query", _OURS + "attention.qkv", 0, 3),
    Rule(_BERT_LAVIS + "attention.self.key", _OURS + "attention.qkv", 1, 3),
    Rule(_BERT_LAVIS + "attention.self.value", _OURS + "attention.qkv", 2, 3),
    Rule(_BERT_LAVIS + "attention.output.dense", _OURS + "attention.out"),
    Rule(_BERT_LAVIS + "attention.output.LayerNorm", _OURS + "attention_norm"),
    Rule(_BERT_LAVIS + "crossattention.self.query", _OURS + "cross.q"),
    Rule(_BERT_LAVIS + "crossattention.self.key", _OURS + "cross.kv", 0, 2),
    Rule(_BERT_LAVIS + "crossattention.self.value", _OURS + "cross.kv", 1, 2),
    Rule(_BERT_LAVIS + "crossattention.output.dense", _OURS + "cross.out"),
    Rule(_BERT_LAVIS + "crossattention.output.LayerNorm", _OURS + "cross_norm"),
    Rule(_BERT_LAVIS + "intermediate_query.dense", _OURS + "query_feed.mlp.up"),
    Rule(_BERT_LAVIS + "output_query.dense", _OURS + "query_feed.mlp.down"),
    Rule(_BERT_LAVIS + "output_query.LayerNorm", _OURS + "query_feed.norm"),
    Rule(_BERT_LAVIS + "intermediate.dense", _OURS + "text_feed.mlp.up"),
    Rule(_BERT_LAVIS + "output.dense", _OURS + "text_feed.mlp.down"),
    Rule(_BERT_LAVIS + "output.LayerNorm", _OURS + "text_feed.norm"),
    Rule("Qformer.cls.predictions.transform.dense", "bridge.captioning.dense"),
    Rule("Qformer.cls.predictions.transform.LayerNorm", "bridge.captioning.norm"),
    Rule("Qformer.cls.predictions.bias", "bridge.captioning.bias"),
    Rule("vision_proj", "bridge.image_contrast"),
    Rule("text_proj", "bridge.text_contrast"),
    Rule("temp", "bridge.temperature"),
    Rule("itm_head", "bridge.matching"),
)
"""The rest of LAVIS' models: norm, Q-Former and first-stage heads."""


def lavis(language: str | None, *, clip: bool = False) -> NameMap:
    """LAVIS' names.

    Args:
        language: Its prefix of the language model ("opt", "t5", "llm"), none for a first stage.
        clip: Whether the encoder is CLIP's ViT-L, else EVA's ViT-g.
    """
    rules = (
        () if language is None else (Rule(f"{language}_proj", "project"), Rule(f"{language}_model", "language.model"))
    )
    encoder = _LAVIS_CLIP if clip else _LAVIS_EVA
    return NameMap((*encoder, *_LAVIS, *rules), ignored=(r"(^|\.)position_ids$", r"\.rotary_emb\.inv_freq$"))
