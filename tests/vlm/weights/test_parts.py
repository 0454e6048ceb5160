"""Frozen parts from published checkpoints, put together into a model of one's own."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from transformers import (
    BertConfig,
    BertModel,
    CLIPConfig,
    CLIPModel,
    CLIPTextConfig,
    CLIPVisionConfig,
    Dinov2Config,
    Dinov2Model,
    GPT2Config,
    GPT2LMHeadModel,
    SiglipConfig,
    SiglipModel,
    SiglipTextConfig,
    SiglipVisionConfig,
    T5Config,
    T5ForConditionalGeneration,
)

from sightline.vlm.bridges import QFormerConfig
from sightline.vlm.model import Blip2, Blip2Config
from sightline.vlm.weights import CheckpointError, UnknownModelError, read_encoder, read_language

SMALL: dict[str, Any] = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4}
IMAGE: dict[str, Any] = {**SMALL, "image_size": 28, "patch_size": 7}


def clip() -> Any:
    text = CLIPTextConfig(**SMALL, intermediate_size=64, vocab_size=50)
    return CLIPModel(CLIPConfig(text_config=text, vision_config=CLIPVisionConfig(**IMAGE, intermediate_size=64)))


def siglip() -> Any:
    text = SiglipTextConfig(**SMALL, intermediate_size=64, vocab_size=50)
    return SiglipModel(SiglipConfig(text_config=text, vision_config=SiglipVisionConfig(**IMAGE, intermediate_size=64)))


def dinov2() -> Any:
    return Dinov2Model(Dinov2Config(**IMAGE, mlp_ratio=2))


def gpt2() -> Any:
    return GPT2LMHeadModel(GPT2Config(vocab_size=50, n_embd=24, n_layer=2, n_head=4, bos_token_id=0, eos_token_id=1))


def t5() -> Any:
    return T5ForConditionalGeneration(
        T5Config(vocab_size=50, d_model=24, d_ff=48, d_kv=6, num_layers=2, num_heads=4, decoder_start_token_id=0)
    )


@pytest.mark.parametrize("kind", [clip, siglip, dinov2])
@torch.no_grad()
def test_an_encoder_gives_the_second_last_layer_of_its_checkpoint(kind: Any, tmp_path: Path) -> None:
    whole = kind().eval()
    whole.save_pretrained(tmp_path)
    pixels_BCHW = torch.randn(2, 3, 28, 28)
    tower = getattr(whole, "vision_model", whole)
    hidden = tower(pixels_BCHW, output_hidden_states=True).hidden_states[-2]
    encoder = read_encoder(tmp_path)
    torch.testing.assert_close(encoder(pixels_BCHW), hidden, atol=1e-6, rtol=0)
    assert not any(parameter.requires_grad for parameter in encoder.parameters())


@pytest.mark.parametrize("kind", [gpt2, t5])
@torch.no_grad()
def test_parts_make_a_model_whose_config_rebuilds_it(kind: Any, tmp_path: Path) -> None:
    dinov2().save_pretrained(tmp_path / "vision")
    kind().save_pretrained(tmp_path / "language")
    encoder, language = read_encoder(tmp_path / "vision"), read_language(tmp_path / "language")
    bridge = QFormerConfig(patch_width=encoder.width, width=16, layers=2, heads=2, mlp_width=32, queries=4)
    project = nn.Linear(bridge.width, language.width)
    model = Blip2(encoder, nn.LayerNorm(encoder.width), bridge.build(), project, language).eval()
    targets_BT = torch.randint(2, 50, (2, 3))
    logits_BTV = model(torch.randn(2, 3, 28, 28), targets_BT)
    assert logits_BTV.shape == (2, 3, 50)
    config = Blip2Config(encoder=encoder.config, bridge=bridge, language=language.config)
    again = Blip2Config.from_dict(config.to_dict()).build()
    assert {name: tensor.shape for name, tensor in again.state_dict().items()} == {
        name: tensor.shape for name, tensor in model.state_dict().items()
    }


def test_a_bridge_for_another_encoder_is_refused(tmp_path: Path) -> None:
    dinov2().save_pretrained(tmp_path)
    bridge = QFormerConfig(patch_width=40, width=16, layers=1, heads=2, mlp_width=32, queries=4).build()
    with pytest.raises(ValueError, match="features 32 wide, the bridge reads 40: set the bridge's patch_width to 32"):
        Blip2(read_encoder(tmp_path), nn.LayerNorm(32), bridge)


def test_a_model_that_sees_nothing_is_refused_as_an_encoder(tmp_path: Path) -> None:
    BertModel(BertConfig(**SMALL, intermediate_size=64, vocab_size=50)).save_pretrained(tmp_path)
    with pytest.raises(
        CheckpointError,
        match=r"no adapter for the vision model type 'bert' \(its config names no square patch\): known are: clip_v",
    ):
        read_encoder(tmp_path)


def test_a_model_that_writes_nothing_is_refused_as_a_language_model(tmp_path: Path) -> None:
    dinov2().save_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match="cannot be read as a model of transformers"):
        read_language(tmp_path)


def test_parts_that_are_not_there_are_named() -> None:
    with pytest.raises(UnknownModelError, match="'nobody/nothing' is neither in the local cache"):
        read_encoder("nobody/nothing")
