"""Checkpoints in and out: Sightline's own folders, Hugging Face's BLIP-2, and LAVIS' files."""

from sightline.vlm.encoders import ImageFacts
from sightline.vlm.weights.catalog import CATALOG, Known
from sightline.vlm.weights.checkpoint import Checkpoint, Family, Prompts
from sightline.vlm.weights.compose import ModelConfig, PretrainedEncoder, PretrainedLanguage
from sightline.vlm.weights.errors import CheckpointError, UnknownModelError
from sightline.vlm.weights.export import save_huggingface
from sightline.vlm.weights.folder import save_folder
from sightline.vlm.weights.lavis import Beside, read_lavis, save_lavis, update_from_lavis
from sightline.vlm.weights.parts import read_encoder, read_language
from sightline.vlm.weights.read import read
from sightline.vlm.weights.tokenizer import Tokenizer
from sightline.vlm.weights.vocabulary import embedded

__all__ = [
    "CATALOG",
    "Beside",
    "Checkpoint",
    "CheckpointError",
    "Family",
    "ImageFacts",
    "Known",
    "ModelConfig",
    "PretrainedEncoder",
    "PretrainedLanguage",
    "Prompts",
    "Tokenizer",
    "UnknownModelError",
    "embedded",
    "read",
    "read_encoder",
    "read_language",
    "read_lavis",
    "save_folder",
    "save_huggingface",
    "save_lavis",
    "update_from_lavis",
]
