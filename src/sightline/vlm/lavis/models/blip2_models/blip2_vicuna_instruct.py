"""InstructBLIP with Vicuna, where LAVIS has it."""

from sightline.vlm.lavis.second_stage import Blip2VicunaInstruct

__all__ = ["Blip2VicunaInstruct"]
