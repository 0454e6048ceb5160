"""Checkpoints in and out: Sightline's own folders, Hugging Face's BLIP-2, and LAVIS' files.

Importing this package loads no torch: the catalogue of names is data, everything else loads when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sightline.vlm.encoders import ImageFacts
    from sightline.vlm.weights.catalog import CATALOG, Known
    from sightline.vlm.weights.checkpoint import Checkpoint, Family, Prompts
    from sightline.vlm.weights.compose import ModelConfig, PretrainedEncoder, PretrainedLanguage
    from sightline.vlm.weights.errors import CheckpointError, UnknownModelError
    from sightline.vlm.weights.export import save_huggingface
    from sightline.vlm.weights.folder import save_folder
    from sightline.vlm.weights.lavis import Beside, read_lavis
    from sightline.vlm.weights.lavis_back import save_lavis, update_from_lavis
    from sightline.vlm.weights.named import read
    from sightline.vlm.weights.parts import read_encoder, read_language
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

_HOMES = {
    "sightline.vlm.encoders": ("ImageFacts",),
    "sightline.vlm.weights.catalog": (
        "CATALOG",
        "Known",
    ),
    "sightline.vlm.weights.checkpoint": (
        "Checkpoint",
        "Family",
        "Prompts",
    ),
    "sightline.vlm.weights.compose": (
        "ModelConfig",
        "PretrainedEncoder",
        "PretrainedLanguage",
    ),
    "sightline.vlm.weights.errors": (
        "CheckpointError",
        "UnknownModelError",
    ),
    "sightline.vlm.weights.export": ("save_huggingface",),
    "sightline.vlm.weights.folder": ("save_folder",),
    "sightline.vlm.weights.lavis": ("Beside", "read_lavis"),
    "sightline.vlm.weights.lavis_back": ("save_lavis", "update_from_lavis"),
    "sightline.vlm.weights.parts": (
        "read_encoder",
        "read_language",
    ),
    "sightline.vlm.weights.named": ("read",),
    "sightline.vlm.weights.tokenizer": ("Tokenizer",),
    "sightline.vlm.weights.vocabulary": ("embedded",),
}
"""Where each name is defined."""


def __getattr__(name: str) -> Any:
    home = next((module for module, names in _HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)
