"""The second stage with FlanT5, where LAVIS has it."""

from sightline.vlm.lavis.second_stage import Blip2T5

__all__ = ["Blip2T5"]
