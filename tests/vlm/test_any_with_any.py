"""Any encoder with any language model: composed from configs, trained a step, saved, reloaded, answering the same."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from random_models import WORDS, word_tokenizer
from torch import nn

from sightline.vlm import weights
from sightline.vlm.bridges import QFormerConfig, Text
from sightline.vlm.config import Config
from sightline.vlm.encoders import ConvViTConfig, EvaConfig, ForeignEncoderConfig
from sightline.vlm.language import CausalConfig, Seq2SeqConfig
from sightline.vlm.loaded import Loaded
from sightline.vlm.model import Blip2Config
from sightline.vlm.training import AdamWConfig, language_loss
from sightline.vlm.weights import Checkpoint, ImageFacts, Prompts, read_encoder, read_language

SIDE = 28
VISION: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "image_size": SIDE,
    "patch_size": 7,
}


def foreign(kind: str, **changes: Any) -> ForeignEncoderConfig:
    return ForeignEncoderConfig(architecture={"model_type": kind, **VISION, **changes})


ENCODERS: dict[str, Config] = {
    "CLIP": foreign("clip_vision_model"),
    "SigLIP": foreign("siglip_vision_model"),
    "SigLIP2": foreign("siglip2_vision_model", num_patches=16),
    "DINOv2": foreign("dinov2", mlp_ratio=2),
    "DINOv3": foreign("dinov3_vit", num_register_tokens=2),
    "ViT": foreign("vit"),
    "EVA": EvaConfig(image_size=SIDE, patch_size=7, width=32, layers=2, heads=4, mlp_width=64),
    "ConvViT": ConvViTConfig(image_size=SIDE, stem=(8, 16, 32), layers=1, heads=4, mlp_width=64),
}

SPECIALS: dict[str, Any] = {"vocab_size": len(WORDS), "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
BODY: dict[str, Any] = {
    "hidden_size": 24,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
}
T5: dict[str, Any] = {"d_model": 24, "d_ff": 48, "d_kv": 6, "num_layers": 2, "num_heads": 4}
BART: dict[str, Any] = {
    "d_model": 24,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 48,
    "decoder_ffn_dim": 48,
    "max_position_embeddings": 64,
}


def causal(kind: str, **shape: Any) -> CausalConfig:
    return CausalConfig(architecture={"model_type": kind, **SPECIALS, **shape})


LANGUAGES: dict[str, CausalConfig | Seq2SeqConfig] = {
    "OPT": causal("opt", word_embed_proj_dim=24, ffn_dim=48, **BODY),
    "Llama": causal("llama", **BODY),
    "Qwen": causal("qwen3", head_dim=6, **BODY),
    "Gemma": causal("gemma3_text", head_dim=6, sliding_window=8, **BODY),
    "GPT-2": causal("gpt2", n_embd=24, n_layer=2, n_head=4, n_positions=64),
    "FlanT5": Seq2SeqConfig(
        architecture={
            "model_type": "t5",
            **SPECIALS,
            **T5,
            "feed_forward_proj": "gated-gelu",
            "tie_word_embeddings": False,
            "decoder_start_token_id": 0,
        }
    ),
    "BART": Seq2SeqConfig(architecture={"model_type": "bart", **SPECIALS, **BART, "decoder_start_token_id": 2}),
}


def composed(encoder: Config, language: CausalConfig | Seq2SeqConfig) -> Checkpoint:
    """A whole model with random weights, large enough that a lost one changes an answer."""
    bridge = QFormerConfig(patch_width=32, width=16, layers=2, heads=2, mlp_width=32, queries=4, dropout=0.0)
    config = Blip2Config(encoder=encoder, bridge=bridge, language=language)
    model = config.build()
    for name, parameter in model.named_parameters():
        if parameter.dim() > 1 and "norm" not in name:
            nn.init.normal_(parameter, std=0.3)
    for part in (model.encoder, model.language):
        assert isinstance(part, nn.Module)
        part.requires_grad_(False)
    return Checkpoint(
        name="composed",
        family="seq2seq" if isinstance(language, Seq2SeqConfig) else "causal",
        config=config,
        model=model,
        image=ImageFacts(size=SIDE),
        prompts=Prompts(question="question : {} answer :"),
        tokenizer=word_tokenizer(),
        text_tokenizer=None,
        decoding={"max_new_tokens": 6, "min_new_tokens": 3},
    )


def trained_one_step(checkpoint: Checkpoint) -> float:
    """How far the step moved the trained weights; the frozen parts get no gradient."""
    model = checkpoint.model.train()
    trained = nn.ModuleDict({"norm": model.norm, "bridge": model.bridge, "project": model.project})  # type: ignore[dict-item]
    before = torch.cat([each.detach().flatten().clone() for each in trained.parameters()])
    optimiser = AdamWConfig().build_for(trained)
    for group in optimiser.param_groups:
        group["lr"] = 1e-2
    targets = Text(torch.tensor([[5, 8, 2], [6, 2, 0]]), torch.tensor([[1, 1, 1], [1, 1, 0]]))
    prompt = Text(torch.tensor([[1, 4], [1, 7]]), torch.ones(2, 2, dtype=torch.long))
    loss = language_loss(model(torch.randn(2, 3, SIDE, SIDE), targets.tokens_BL, prompt), targets)
    loss.backward()
    optimiser.step()
    assert not any(each.grad is not None for part in (model.encoder, model.language) for each in part.parameters())  # type: ignore[attr-defined,union-attr]
    model.eval().requires_grad_(False)
    after = torch.cat([each.detach().flatten() for each in trained.parameters()])
    return float((after - before).abs().max())


@pytest.fixture(scope="module")
def picture() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 31, 3), dtype=np.uint8))


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES.keys())
@pytest.mark.parametrize("encoder", ENCODERS.values(), ids=ENCODERS.keys())
def test_a_composition_learns_is_saved_and_answers_the_same_again(
    encoder: Config, language: CausalConfig | Seq2SeqConfig, picture: Image.Image, tmp_path: Path
) -> None:
    checkpoint = composed(encoder, language)
    assert 5e-3 < trained_one_step(checkpoint) < 5e-2
    weights.save_folder(checkpoint, tmp_path)
    model, again = Loaded(checkpoint), Loaded(weights.read(tmp_path))
    questions = ["how many", "which digit is red ?"]
    answers, answers_again = (each.ask(picture, questions, looked="attention") for each in (model, again))
    assert [each.tokens for each in answers_again] == [each.tokens for each in answers]
    assert [each.tokens for each in again.caption([picture] * 2, num_beams=3)] == [
        each.tokens for each in model.caption([picture] * 2, num_beams=3)
    ]
    grid = checkpoint.model.encoder.grid(SIDE, SIDE)
    for answer in answers:
        assert answer.looked is not None
        assert all(word.grid.shape == (grid.rows, grid.cols) for word in answer.looked.words)


def test_compositions_differ_in_what_they_answer(picture: Image.Image) -> None:
    torch.manual_seed(1)
    said = {
        name: Loaded(composed(ENCODERS["CLIP"], language)).ask(picture, "how many")[0].tokens
        for name, language in LANGUAGES.items()
    }
    assert len(set(said.values())) > len(said) // 2


def test_published_parts_compose_as_they_are(picture: Image.Image, tmp_path: Path) -> None:
    ENCODERS["ViT"].build().model.save_pretrained(tmp_path / "vision")
    LANGUAGES["Qwen"].build().model.save_pretrained(tmp_path / "language")
    encoder, language = read_encoder(tmp_path / "vision", drop_layers=0), read_language(tmp_path / "language")
    checkpoint = composed(encoder.config, language.config)  # type: ignore[arg-type]
    checkpoint.model.encoder, checkpoint.model.language = encoder, language
    trained_one_step(checkpoint)
    weights.save_folder(checkpoint, tmp_path / "whole")
    assert [each.tokens for each in Loaded(weights.read(tmp_path / "whole")).ask(picture, "how many")] == [
        each.tokens for each in Loaded(checkpoint).ask(picture, "how many")
    ]


def test_parts_of_other_widths_are_refused_with_both_numbers_and_the_fix() -> None:
    bridge = QFormerConfig(patch_width=48, width=16, layers=1, heads=2, mlp_width=32, queries=4)
    with pytest.raises(ValueError, match="32 wide, the bridge reads 48: set the bridge's patch_width to 32"):
        Blip2Config(encoder=ENCODERS["CLIP"], bridge=bridge).build()
