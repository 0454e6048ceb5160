"""The Q-Former under its names in LAVIS, where it is a patched BERT."""

from sightline.vlm.lavis.parts import Bert as BertModel
from sightline.vlm.lavis.parts import DoorQFormer as BertLMHeadModel

__all__ = ["BertLMHeadModel", "BertModel"]
