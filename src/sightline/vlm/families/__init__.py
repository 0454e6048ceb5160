"""Families of transformers' models: how each must be called, found out by a self-check on a small twin."""

from sightline.vlm.families.proved import proved
from sightline.vlm.families.shrunk import NotShrunkError, plain, shrunk, twin
from sightline.vlm.families.sizes import WORDS
from sightline.vlm.families.way import FamilyRefusedError, Way
from sightline.vlm.families.wide import keep_wide

__all__ = ["WORDS", "FamilyRefusedError", "NotShrunkError", "Way", "keep_wide", "plain", "proved", "shrunk", "twin"]
"""What the adapters need."""
