"""Small models with random weights, for tests of everything that holds a model."""

from typing import Any

import torch
from tokenizers import Tokenizer as Backend
from tokenizers import models, pre_tokenizers, processors

from sightline.vlm.bridges import QFormerConfig
from sightline.vlm.config import Config
from sightline.vlm.encoders import ConvViTConfig
from sightline.vlm.language import CausalConfig, Seq2SeqConfig
from sightline.vlm.model import Blip2Config
from sightline.vlm.weights import Checkpoint, ImageFacts, Prompts, Tokenizer

SPECIALS = ["<pad>", "<bos>", "<eos>", "<unk>"]
WORDS = [
    *SPECIALS,
    *"a red green blue one two three left of then which digit is what how many question answer : ?".split(),
]


def word_tokenizer(before: str = "<bos> $A") -> Tokenizer:
    """One token a word; `before` is the template around a text."""
    backend = Backend(models.WordLevel({word: at for at, word in enumerate(WORDS)}, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    backend.add_special_tokens(SPECIALS)
    backend.post_processor = processors.TemplateProcessing(
        single=before, special_tokens=[(name, WORDS.index(name)) for name in SPECIALS]
    )
    return Tokenizer(backend, 0)


def opt(vocab_size: int = len(WORDS), **changes: Any) -> CausalConfig:
    """OPT, two layers of 32."""
    sizes = {
        "hidden_size": 32,
        "word_embed_proj_dim": 32,
        "ffn_dim": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
    }
    specials = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    plain = {"model_type": "opt", "vocab_size": vocab_size, "max_position_embeddings": 128, "init_std": 0.4}
    return CausalConfig(architecture={**plain, **sizes, **specials, **changes})


def t5(vocab_size: int = len(WORDS), **changes: Any) -> Seq2SeqConfig:
    """T5, two layers of 32 on each side."""
    sizes = {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_decoder_layers": 2, "num_heads": 4}
    specials = {"pad_token_id": 0, "decoder_start_token_id": 0, "eos_token_id": 2}
    plain = {"model_type": "t5", "vocab_size": vocab_size, "initializer_factor": 3.0}
    return Seq2SeqConfig(architecture={**plain, **sizes, **specials, **changes})


def checkpoint(language: Config | None, seed: int = 0, **prompts: Any) -> Checkpoint:
    """A whole checkpoint with random weights; 32 px, 16 patches, 4 queries, all heads."""
    torch.manual_seed(seed)
    encoder = ConvViTConfig(image_size=32, stem=(8, 16, 32), layers=1, heads=4, mlp_width=32)
    bridge = QFormerConfig(
        patch_width=32,
        width=32,
        layers=2,
        heads=4,
        mlp_width=64,
        queries=4,
        vocab_size=len(WORDS),
        positions=64,
        contrast_width=16,
        matching=True,
    )
    config = Blip2Config(encoder=encoder, bridge=bridge, language=language)
    model = config.build().eval().requires_grad_(False)
    torch.nn.init.normal_(model.bridge.query_tokens)
    return Checkpoint(
        name="random",
        family="causal" if isinstance(language, CausalConfig) else "seq2seq" if language else "retrieval",
        config=config,
        model=model,
        image=ImageFacts(size=32),
        prompts=Prompts(question="question : {} answer :", **prompts),
        tokenizer=word_tokenizer() if language else None,
        text_tokenizer=word_tokenizer(),
        decoding={"max_new_tokens": 6},
    )
