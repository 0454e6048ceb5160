"""The processors of BLIP and BLIP-2 by the names of LAVIS' classes."""

from sightline.vlm.lavis.processors.images import Blip2ImageTrain as Blip2ImageTrainProcessor
from sightline.vlm.lavis.processors.images import BlipImageEval as BlipImageEvalProcessor
from sightline.vlm.lavis.processors.images import BlipImageTrain as BlipImageTrainProcessor
from sightline.vlm.lavis.processors.images import ImageProcessor as BlipImageBaseProcessor
from sightline.vlm.lavis.processors.texts import BlipCaption as BlipCaptionProcessor
from sightline.vlm.lavis.processors.texts import BlipInstruction as BlipInstructionProcessor
from sightline.vlm.lavis.processors.texts import BlipQuestion as BlipQuestionProcessor

__all__ = [
    "Blip2ImageTrainProcessor",
    "BlipCaptionProcessor",
    "BlipImageBaseProcessor",
    "BlipImageEvalProcessor",
    "BlipImageTrainProcessor",
    "BlipInstructionProcessor",
    "BlipQuestionProcessor",
]
