"""Small random checkpoints where the hub's cache would hold the published ones."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from random_models import SPECIALS, WORDS, opt, t5, word_tokenizer
from tokenizers import Tokenizer as Backend
from tokenizers import models, pre_tokenizers, processors

from sightline.vlm.bridges import QFormerConfig
from sightline.vlm.encoders import EvaConfig
from sightline.vlm.language import CausalConfig, LanguageConfig
from sightline.vlm.model import Blip2Config
from sightline.vlm.weights import Checkpoint, ImageFacts, Prompts, Tokenizer, save_huggingface

SIDE = 28
ROOM = len(WORDS) + 4
"""Words of the language models, with room for the token that stands for the image."""


def bert_tokenizer() -> Tokenizer:
    """Words between [CLS] and [SEP], as the Q-Former reads them."""
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[DEC]", *WORDS[len(SPECIALS) :]]
    backend = Backend(models.WordLevel({word: at for at, word in enumerate(words)}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    backend.add_special_tokens(words[:5])
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return Tokenizer(backend, 0)


def llama() -> CausalConfig:
    """Llama, two layers of 32."""
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    specials = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "initializer_range": 0.4}
    return CausalConfig(architecture={"model_type": "llama", "vocab_size": ROOM, **sizes, **specials})


def made(language: LanguageConfig | None, *, text: bool) -> Checkpoint:
    """A checkpoint of Hugging Face's layout: EVA-style encoder, Q-Former with or without its text side."""
    torch.manual_seed(7)
    encoder = EvaConfig(image_size=SIDE, patch_size=14, width=32, layers=1, heads=4, mlp_width=32)
    bridge = QFormerConfig(patch_width=32, width=32, layers=2, heads=4, mlp_width=64, queries=4, positions=64)
    if text:
        bridge = replace(bridge, vocab_size=len(WORDS) + 5)
    if language is None:
        bridge = replace(bridge, contrast_width=16, matching=True, captioning=True)
    config = Blip2Config(encoder=encoder, bridge=bridge, language=language)
    model = config.build().eval().requires_grad_(False)
    torch.nn.init.normal_(model.bridge.query_tokens)
    return Checkpoint(
        name="small",
        family="retrieval" if language is None else "causal" if isinstance(language, CausalConfig) else "seq2seq",
        config=config,
        model=model,
        image=ImageFacts(size=SIDE),
        prompts=Prompts(),
        tokenizer=word_tokenizer() if language else None,
        text_tokenizer=bert_tokenizer() if text else None,
    )


MODELS = {
    **{f"blip2-opt-{size}": lambda: made(opt(ROOM), text=False) for size in ("2.7b", "6.7b", "2.7b-coco", "6.7b-coco")},
    **{f"blip2-flan-t5-{size}": lambda: made(t5(ROOM), text=False) for size in ("xl", "xl-coco", "xxl")},
    **{f"blip2-itm-vit-g{kind}": lambda: made(None, text=True) for kind in ("", "-coco")},
    **{f"instructblip-vicuna-{size}": lambda: made(llama(), text=True) for size in ("7b", "13b")},
    **{f"instructblip-flan-t5-{size}": lambda: made(t5(ROOM), text=True) for size in ("xl", "xxl")},
}


def fill_cache(folder: Path) -> None:
    """Writes every small model where the hub's client looks for the published one."""
    for name, make in MODELS.items():
        model = folder / f"models--Salesforce--{name}"
        (model / "refs").mkdir(parents=True)
        (model / "refs" / "main").write_text("0" * 40)
        save_huggingface(make(), model / "snapshots" / ("0" * 40))


@pytest.fixture(scope="session")
def small_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hub")
    fill_cache(folder)
    return folder


@pytest.fixture
def hub(small_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub's cache holds small models under the published names; nothing is downloaded."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(small_cache))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    return small_cache
