"""RandAugment, where LAVIS has it."""

from sightline.vlm.data.randaugment import RandAugment as RandomAugment

__all__ = ["RandomAugment"]
