"""LAVIS' base of all models, under its name there."""

from sightline.vlm.lavis.base import LavisModel as BaseModel

__all__ = ["BaseModel"]
