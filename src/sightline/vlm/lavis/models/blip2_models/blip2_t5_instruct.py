"""InstructBLIP with FlanT5, where LAVIS has it."""

from sightline.vlm.lavis.second_stage import Blip2T5Instruct

__all__ = ["Blip2T5Instruct"]
