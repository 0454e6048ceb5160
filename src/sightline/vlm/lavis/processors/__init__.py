"""LAVIS' image and text processors, by their names."""

from sightline.vlm.config import ConfigError, closest
from sightline.vlm.lavis.common.registry import registry
from sightline.vlm.lavis.processors import images, texts
from sightline.vlm.lavis.processors.base import BaseProcessor, Settings
from sightline.vlm.lavis.processors.blip_processors import (
    Blip2ImageTrainProcessor,
    BlipCaptionProcessor,
    BlipImageEvalProcessor,
    BlipImageTrainProcessor,
    BlipInstructionProcessor,
    BlipQuestionProcessor,
)
from sightline.vlm.lavis.processors.clip_processors import ClipImageEvalProcessor, ClipImageTrainProcessor

__all__ = [
    "BaseProcessor",
    "Blip2ImageTrainProcessor",
    "BlipCaptionProcessor",
    "BlipImageEvalProcessor",
    "BlipImageTrainProcessor",
    "BlipInstructionProcessor",
    "BlipQuestionProcessor",
    "ClipImageEvalProcessor",
    "ClipImageTrainProcessor",
    "load_processor",
]

# the classes register themselves; naming the modules says that they are needed
_REGISTERED = (images, texts)

ELSEWHERE = {
    "alpro_video_train": "ALPRO, a video model",
    "alpro_video_eval": "ALPRO, a video model",
    "beats_audio": "X-InstructBLIP's sound",
    "ulip_pc": "X-InstructBLIP's point clouds",
    "blip_diffusion_inp_image_train": "BLIP-Diffusion",
    "blip_diffusion_inp_image_eval": "BLIP-Diffusion",
    "blip_diffusion_tgt_image_train": "BLIP-Diffusion",
}
"""Processors of LAVIS for models that are not of the BLIP-2 family, and for which."""


def load_processor(name: str, cfg: Settings | None = None) -> BaseProcessor:
    """A processor by name; raises `ConfigError` for a name or a setting that is not known."""
    if name in ELSEWHERE:
        raise ConfigError(f"the processor {name!r} is for {ELSEWHERE[name]}; Sightline has the BLIP-2 family only")
    kept = registry.get_processor_class(name)
    if kept is None:
        raise ConfigError(f"unknown processor {name!r}: {closest(name, registry.list_processors())}")
    processor: BaseProcessor = kept.from_config(cfg)
    return processor
