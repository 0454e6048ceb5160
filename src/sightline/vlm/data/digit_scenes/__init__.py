"""A small world with real handwriting: scenes of one to four digits in coloured ink on a dark canvas.

The digits are the 1,797 scans that come with scikit-learn (UCI, CC BY 4.0), split by image into 1,397 to train and 400
held out before anything is drawn, so that no stroke of a held-out scene was ever seen in training.
"""

from sightline.vlm.data.digit_scenes.grammar import (
    DIGITS,
    INKS,
    KINDS,
    Box,
    Question,
    Thing,
    caption_of,
    in_caption_order,
    question_of,
    questions_about,
)
from sightline.vlm.data.digit_scenes.handwriting import Split, handwriting
from sightline.vlm.data.digit_scenes.scenes import CANVAS_PX, WORLD, Drawing, Scene, sample_layouts, sample_scenes

__all__ = [
    "CANVAS_PX",
    "DIGITS",
    "INKS",
    "KINDS",
    "WORLD",
    "Box",
    "Drawing",
    "Question",
    "Scene",
    "Split",
    "Thing",
    "caption_of",
    "handwriting",
    "in_caption_order",
    "question_of",
    "questions_about",
    "sample_layouts",
    "sample_scenes",
]
