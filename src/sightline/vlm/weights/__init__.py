"""Checkpoints in and out: Sightline's own folders, and Hugging Face's BLIP-2."""

from sightline.vlm.weights.checkpoint import Checkpoint, ImageFacts, Prompts
from sightline.vlm.weights.tokenizer import Tokenizer

__all__ = ["Checkpoint", "ImageFacts", "Prompts", "Tokenizer"]
