"""Matching of images and texts, where LAVIS has it."""

from sightline.vlm.lavis.first_stage import Blip2ITM

__all__ = ["Blip2ITM"]
