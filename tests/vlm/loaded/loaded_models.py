"""What tests of a loaded model share: a picture, texts, and a first-stage checkpoint that can caption."""

from dataclasses import replace

import numpy as np
import torch
from PIL import Image
from random_models import WORDS, checkpoint
from tokenizers import AddedToken

from sightline.vlm.bridges import QFormerConfig
from sightline.vlm.weights import Checkpoint

TEXTS = ["a red one", "two", "three left of blue", "green", "which digit"]


def picture(seed: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (40, 32, 3), dtype=np.uint8))


def first_stage() -> Checkpoint:
    """A first-stage checkpoint whose Q-Former can caption."""
    held = checkpoint(None)
    assert isinstance(held.config.bridge, QFormerConfig)
    bridge = replace(held.config.bridge, captioning=True, vocab_size=len(WORDS) + 1)
    config = replace(held.config, bridge=bridge)
    model = config.build().eval().requires_grad_(False)
    for parameter in model.bridge.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    assert held.text_tokenizer is not None
    held.text_tokenizer.backend.add_special_tokens([AddedToken("[DEC]", special=True)])
    return replace(held, config=config, model=model)
