"""LAVIS' way in: models with their processors, by name and type."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from sightline.vlm.config import ConfigError, closest
from sightline.vlm.lavis.base import LavisModel
from sightline.vlm.lavis.base import LavisModel as BaseModel
from sightline.vlm.lavis.base import LavisModel as Blip2Base
from sightline.vlm.lavis.common.registry import registry
from sightline.vlm.lavis.first_stage import Blip2FeatureExtractor, Blip2ITM, Blip2Qformer
from sightline.vlm.lavis.processors import BaseProcessor, load_processor
from sightline.vlm.lavis.second_stage import Blip2OPT, Blip2T5, Blip2T5Instruct, Blip2Vicuna, Blip2VicunaInstruct
from sightline.vlm.weights import Checkpoint

__all__ = [
    "BaseModel",
    "Blip2Base",
    "Blip2FeatureExtractor",
    "Blip2ITM",
    "Blip2OPT",
    "Blip2Qformer",
    "Blip2T5",
    "Blip2T5Instruct",
    "Blip2Vicuna",
    "Blip2VicunaInstruct",
    "ModelZoo",
    "load_model",
    "load_model_and_preprocess",
    "load_preprocess",
    "model_zoo",
]

Processors = dict[str, BaseProcessor]

FEATURES, MATCHING = "blip2_feature_extractor (pretrain)", "blip2_image_text_matching (pretrain or coco)"
CAPTIONS, ANSWERS = "blip2_opt (caption_coco_opt2.7b)", "blip2_t5 (pretrain_flant5xl)"
"""Models of the BLIP-2 family by what they do, with a type each: what `OTHERS` points to."""
OTHERS = {
    "albef_classification": "",
    "albef_feature_extractor": FEATURES,
    "albef_nlvr": "",
    "albef_pretrain": "",
    "albef_retrieval": MATCHING,
    "albef_vqa": ANSWERS,
    "alpro_qa": "",
    "alpro_retrieval": "",
    "blip_caption": CAPTIONS,
    "blip_classification": "",
    "blip_diffusion": "",
    "blip_feature_extractor": FEATURES,
    "blip_image_text_matching": MATCHING,
    "blip_nlvr": "",
    "blip_pretrain": "",
    "blip_retrieval": MATCHING,
    "blip_vqa": ANSWERS,
    "blip2_vicuna_xinstruct": "blip2_vicuna_instruct (vicuna7b)",
    "clip": MATCHING,
    "clip_feature_extractor": FEATURES,
    "gpt_dialogue": "",
    "img2prompt_vqa": ANSWERS,
    "pnp_vqa": ANSWERS,
}
"""LAVIS' models of other families, and what of BLIP-2 does the same."""

PLAIN = ("blip2_vicuna_instruct", "sightline-tiny")
"""Models that train without RandAugment: LAVIS' settings say so, and scenes of ours that speak of places."""


def load_model(
    name: str,
    model_type: str | Path | None = "base",
    is_eval: bool = False,
    device: str | torch.device = "cpu",
    checkpoint: str | Path | None = None,
) -> LavisModel:
    """A model by LAVIS' name and type, or by name and checkpoint folder.

    Args:
        name: "blip2_opt", "blip2_image_text_matching", … (`model_zoo` lists them), or "sightline-tiny".
        model_type: One of the name's types (`lavis:` before it: from LAVIS' own files), or a folder that
            `sightline.vlm.load` reads.
        is_eval: Evaluation mode, nothing trainable; else bridge, norm and projection can be trained.
        device: Where it goes.
        checkpoint: Path or URL of a `.pth` of LAVIS whose tensors replace those of the same name.

    Raises:
        ConfigError: No such name or type.
    """
    kind = registry.get_model_class(name)
    if kind is None:
        raise ConfigError(f"unknown model {name!r}: {_instead(name)}")
    model: LavisModel = kind.from_pretrained(model_type, device)
    if checkpoint is not None:
        model.load_checkpoint(checkpoint)
    return model.train(not is_eval)


def _instead(name: str) -> str:
    """The end of a message about a model that is not here: what does the same, or the nearest names."""
    if name not in OTHERS:
        return closest(name, registry.list_models())
    same = OTHERS[name]
    return f"Sightline has LAVIS' BLIP-2 family only{f', load {same} for what it does' if same else ''}"


def load_model_and_preprocess(
    name: str, model_type: str | Path | None = "base", is_eval: bool = False, device: str | torch.device = "cpu"
) -> tuple[LavisModel, Processors, Processors]:
    """A model as `load_model` gives it, its image processors and its text processors, each for "train" and "eval"."""
    model = load_model(name, model_type, is_eval, device)
    train = "blip2_image_train" if name in PLAIN else "blip_image_train"
    images, texts = load_preprocess(preprocess_of(model.loaded.checkpoint, train))
    return model, images, texts


def load_preprocess(config: Mapping[str, Any]) -> tuple[Processors, Processors]:
    """Image and text processors from LAVIS' `preprocess` settings: {"vis_processor": {"eval": {"name": …}}, …}."""
    images, texts = (config.get(f"{kind}_processor") or {} for kind in ("vis", "text"))
    return _built(images), _built(texts)


def preprocess_of(checkpoint: Checkpoint, train: str = "blip_image_train") -> dict[str, Any]:
    """The settings that go with a checkpoint: its own size, mean and deviation; `train` is a processor's name."""
    image = checkpoint.image
    facts = {"image_size": image.size, "mean": image.mean, "std": image.std}
    whole = {"resample": image.resample, "shortest_edge": image.shortest_edge}
    return {
        "vis_processor": {
            "train": {"name": train, **facts},
            "eval": {"name": "blip_image_eval", **whole, **facts},
        },
        "text_processor": {"train": {"name": "blip_caption"}, "eval": {"name": "blip_caption"}},
    }


def _built(settings: Mapping[str, Any]) -> Processors:
    """For "train" and "eval"; one that is not configured passes things through."""
    built = {}
    for split in ("train", "eval"):
        values = dict(settings.get(split) or {})
        built[split] = load_processor(values.pop("name"), values) if "name" in values else BaseProcessor()
    return built


class ModelZoo:
    """All names and types, printable and iterable as (name, types)."""

    def __init__(self) -> None:
        names = registry.list_models()
        self.model_zoo = {name: list(registry.get_model_class(name).types()) for name in names}

    def __iter__(self) -> Iterator[tuple[str, list[str]]]:
        return iter(self.model_zoo.items())

    def __len__(self) -> int:
        return sum(len(types) for types in self.model_zoo.values())

    def __repr__(self) -> str:
        wide = max(len(name) for name in self.model_zoo) + 2
        lines = [f"{name:<{wide}}{', '.join(types) or '(from a folder)'}" for name, types in self]
        rule = "=" * max(map(len, lines))
        return "\n".join([rule, f"{'Architectures':<{wide}}Types", rule, *lines])


model_zoo = ModelZoo()
