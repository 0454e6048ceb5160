"""Families of transformers' models: how each must be called, found out by a self-check on a small twin."""

from sightline.vlm.families.proved import proved
from sightline.vlm.families.shrunk import NotShrunk, plain, shrunk, twin
from sightline.vlm.families.sizes import WORDS
from sightline.vlm.families.wide import keep_wide
from sightline.vlm.families.way import FamilyRefused, Way

__all__ = ["WORDS", "FamilyRefused", "NotShrunk", "Way", "keep_wide", "plain", "proved", "shrunk", "twin"]
"""What the adapters need."""
