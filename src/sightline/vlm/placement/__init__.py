"""Placement: in which dtype and on which device each part of a model lies, and how one part is split over several."""

from sightline.vlm.placement.layout import PARTS, Devices, Layout, Spot, limited
from sightline.vlm.placement.precision import Dtypes, Precision, by_part, dtypes_of, precision_of
from sightline.vlm.placement.split import Split

__all__ = [
    "PARTS",
    "Devices",
    "Dtypes",
    "Layout",
    "Precision",
    "Split",
    "Spot",
    "by_part",
    "dtypes_of",
    "limited",
    "precision_of",
]
