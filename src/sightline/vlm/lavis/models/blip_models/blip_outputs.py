"""What models return, where LAVIS has it."""

from sightline.vlm.lavis.outputs import BlipOutput, BlipOutputFeatures

__all__ = ["BlipOutput", "BlipOutputFeatures"]
