"""The door for LAVIS code: the same calls, the same `samples` dictionaries, the same shapes back.

    from sightline.vlm.lavis.models import load_model_and_preprocess  # was: from lavis.models import …

    model, vis_processors, txt_processors = load_model_and_preprocess("blip2_t5", "pretrain_flant5xl", is_eval=True)
    model.generate({"image": vis_processors["eval"](picture).unsqueeze(0), "prompt": "Question: why? Answer:"})

Modules stand where LAVIS has them (`models`, `processors`, `common.registry`), so the import line is all that changes.
docs/guide/from-lavis.md lists what is alike and what differs.
"""

from sightline.vlm.lavis.common.registry import registry
from sightline.vlm.lavis.models import load_model, load_model_and_preprocess, load_preprocess, model_zoo
from sightline.vlm.lavis.processors import load_processor

__all__ = [
    "load_model",
    "load_model_and_preprocess",
    "load_preprocess",
    "load_processor",
    "model_zoo",
    "registry",
]
