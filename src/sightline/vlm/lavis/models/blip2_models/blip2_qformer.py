"""The first stage, where LAVIS has it."""

from sightline.vlm.lavis.first_stage import Blip2Qformer

__all__ = ["Blip2Qformer"]
