"""Checkpoints in and out: Sightline's own folders, and Hugging Face's BLIP-2."""

from sightline.vlm.weights.catalog import CATALOG, Known
from sightline.vlm.weights.checkpoint import Checkpoint, Family, ImageFacts, Prompts
from sightline.vlm.weights.errors import CheckpointError, UnknownModelError
from sightline.vlm.weights.export import save_huggingface
from sightline.vlm.weights.folder import save_folder
from sightline.vlm.weights.parts import read_encoder, read_language
from sightline.vlm.weights.read import read
from sightline.vlm.weights.tokenizer import Tokenizer

__all__ = [
    "CATALOG",
    "Checkpoint",
    "CheckpointError",
    "Family",
    "ImageFacts",
    "Known",
    "Prompts",
    "Tokenizer",
    "UnknownModelError",
    "read",
    "read_encoder",
    "read_language",
    "save_folder",
    "save_huggingface",
]
