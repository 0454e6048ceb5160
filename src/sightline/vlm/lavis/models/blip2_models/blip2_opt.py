"""The second stage with OPT, where LAVIS has it."""

from sightline.vlm.lavis.second_stage import Blip2OPT

__all__ = ["Blip2OPT"]
