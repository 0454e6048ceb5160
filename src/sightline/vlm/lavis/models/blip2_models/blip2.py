"""The base of the BLIP-2 models, and the retrieval evaluation that they share."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.vlm.lavis.base import LavisModel as Blip2Base
from sightline.vlm.lavis.first_stage import Blip2Qformer

__all__ = ["Blip2Base", "compute_sim_matrix"]


def compute_sim_matrix(
    model: Blip2Qformer, data_loader: Any, **kwargs: Any
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Scores image to text and text to image, the `k_test` best re-ranked by matching."""
    return model.compute_sim_matrix(data_loader, {"k_test": kwargs.pop("k_test")})
