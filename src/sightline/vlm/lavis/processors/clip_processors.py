"""CLIP's processors by the names of LAVIS' classes."""

from sightline.vlm.lavis.processors.images import ClipImageEval as ClipImageEvalProcessor
from sightline.vlm.lavis.processors.images import ClipImageTrain as ClipImageTrainProcessor

__all__ = ["ClipImageEvalProcessor", "ClipImageTrainProcessor"]
