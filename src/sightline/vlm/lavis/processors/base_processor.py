"""The base of all processors, where LAVIS has it."""

from sightline.vlm.lavis.processors.base import BaseProcessor

__all__ = ["BaseProcessor"]
