"""The names a user may type, and where each model comes from. Names of LAVIS are written `model:type`."""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sightline.vlm.config import closest
from sightline.vlm.weights.errors import UnknownModelError

SHIPPED = Path(__file__).parent
"""Models shipped in the package are folders beside this file."""

PUBLISHED = "https://storage.googleapis.com/sfr-vision-language-research/LAVIS/models"
"""Where LAVIS keeps its files; SIGHTLINE_LAVIS_URL names a mirror."""
VIT_G, VIT_L = "BLIP2/eva_vit_g.pth", "BLIP2/clip_vit_L.pth"
"""LAVIS' files of the frozen encoders: EVA-CLIP ViT-g and CLIP ViT-L."""

SEES = ("match", "similarity", "embed", "classify")
"""Methods that need the first stage's heads."""
WRITES = ("caption", "ask", "chat", "rank", "classify", "looked")
"""Methods that need a language model."""

FAMILIES: dict[str, tuple[str, tuple[str, ...]]] = {
    "blip2": ("first stage: encoder and Q-Former with its text side", SEES),
    "blip2_opt": ("second stage with OPT", WRITES),
    "blip2_t5": ("second stage with FlanT5", WRITES),
    "blip2_vicuna": ("second stage with Vicuna or another Llama", WRITES),
    "blip2_t5_instruct": ("instruction-aware: the Q-Former reads the instruction, too; FlanT5", WRITES),
    "blip2_vicuna_instruct": ("instruction-aware: the Q-Former reads the instruction, too; Vicuna", WRITES),
    "sightline": ("both stages in one", tuple(dict.fromkeys((*SEES, *WRITES)))),
}
"""Every family with what it is, and the methods of a loaded model that its checkpoints have the parts for."""


@dataclass(frozen=True, kw_only=True)
class Original:
    """A model as LAVIS published it: what was trained in a file, the frozen parts elsewhere."""

    trained: str
    """Below `PUBLISHED`."""
    encoder: str = VIT_G
    """The same; read where the trained file holds no encoder."""
    language: str | None = None
    """Hub id of the frozen language model."""

    @property
    def urls(self) -> tuple[str, str]:
        """Of the encoder, and of what was trained."""
        base = os.environ.get("SIGHTLINE_LAVIS_URL", PUBLISHED).rstrip("/")
        return f"{base}/{self.encoder}", f"{base}/{self.trained}"


@dataclass(frozen=True, kw_only=True)
class Known:
    """A model known by name."""

    about: str
    family: str
    """One of `FAMILIES`."""
    encoder: str = "EVA-CLIP ViT-g/14"
    image_size: int = 224
    language: str | None = None
    """None: first stage."""
    hub_id: str | None = None
    shipped: str | None = None
    """Name of a folder in the package, for models that need no download."""
    lavis: Original | None = None
    """As LAVIS published it; read where there is no hub id, or when asked for as `lavis:` and one of its names."""
    caption_prompt: str = ""
    also: tuple[str, ...] = field(default=())
    """LAVIS' names for it."""

    @property
    def folder(self) -> Path | None:
        """The shipped folder; none for a model from the hub."""
        return SHIPPED / self.shipped if self.shipped else None

    @property
    def can(self) -> tuple[str, ...]:
        """Methods of a loaded model that work with it."""
        return FAMILIES[self.family][1]

    @property
    def source(self) -> str:
        """Where it comes from, in words."""
        if self.shipped:
            return "in the package"
        files = () if self.lavis is None else self.lavis.urls
        return self.hub_id or f"LAVIS: {', '.join(url.rpartition('/')[2] for url in files)}"

    def described(self, name: str) -> dict[str, Any]:
        """As JSON values."""
        bridge = "Q-Former, 24 queries" if self.shipped else "Q-Former, 32 queries"
        return {
            "name": name,
            "about": self.about,
            "family": self.family,
            "parts": {"encoder": f"{self.encoder}, {self.image_size} px", "bridge": bridge, "language": self.language},
            "can": list(self.can),
            "source": self.source,
            "lavis": list(self.lavis.urls) if self.lavis else [],
            "also": list(self.also),
        }


CAPTION = "a photo of"
"""Prompt of the COCO captioning models (paper, section 4.2)."""


def _first(types: str, **changes: Any) -> Known:
    """A first-stage model under the three names it has in LAVIS."""
    names = ("blip2", "blip2_image_text_matching", "blip2_feature_extractor")
    return Known(family="blip2", also=tuple(f"{name}:{types}" for name in names), **changes)


def _coco(about: str, language: str, **changes: Any) -> Known:
    """A second-stage model fine-tuned on COCO, whose captions begin with three words of ours."""
    return Known(about=about, language=language, image_size=364, caption_prompt=CAPTION, **changes)


CATALOG: dict[str, Known] = {
    "sightline-tiny": Known(
        about="digit scenes: captions, questions, retrieval; in the package, runs anywhere",
        family="sightline",
        encoder="convolutions and five transformer layers",
        image_size=64,
        language="a small Llama",
        shipped="tiny",
    ),
    "blip2-opt-2.7b": Known(
        about="ViT-g + OPT 2.7B, pre-trained",
        family="blip2_opt",
        language="OPT 2.7B",
        hub_id="Salesforce/blip2-opt-2.7b",
        lavis=Original(trained="BLIP2/blip2_pretrained_opt2.7b.pth", language="facebook/opt-2.7b"),
        also=("blip2_opt:pretrain_opt2.7b",),
    ),
    "blip2-opt-6.7b": Known(
        about="ViT-g + OPT 6.7B, pre-trained",
        family="blip2_opt",
        language="OPT 6.7B",
        hub_id="Salesforce/blip2-opt-6.7b",
        lavis=Original(trained="BLIP2/blip2_pretrained_opt6.7b.pth", language="facebook/opt-6.7b"),
        also=("blip2_opt:pretrain_opt6.7b",),
    ),
    "blip2-opt-2.7b-coco": _coco(
        "ViT-g + OPT 2.7B, fine-tuned for COCO captions",
        "OPT 2.7B",
        family="blip2_opt",
        hub_id="Salesforce/blip2-opt-2.7b-coco",
        lavis=Original(trained="BLIP2/blip2_caption_opt2.7b.pth", language="facebook/opt-2.7b"),
        also=("blip2_opt:caption_coco_opt2.7b",),
    ),
    "blip2-opt-6.7b-coco": _coco(
        "ViT-g + OPT 6.7B, fine-tuned for COCO captions",
        "OPT 6.7B",
        family="blip2_opt",
        hub_id="Salesforce/blip2-opt-6.7b-coco",
        lavis=Original(trained="BLIP2/blip2_caption_opt6.7b.pth", language="facebook/opt-6.7b"),
        also=("blip2_opt:caption_coco_opt6.7b",),
    ),
    "blip2-flan-t5-xl": Known(
        about="ViT-g + FlanT5-XL, pre-trained",
        family="blip2_t5",
        language="FlanT5-XL",
        hub_id="Salesforce/blip2-flan-t5-xl",
        lavis=Original(trained="BLIP2/blip2_pretrained_flant5xl.pth", language="google/flan-t5-xl"),
        also=("blip2_t5:pretrain_flant5xl",),
    ),
    "blip2-flan-t5-xl-coco": _coco(
        "ViT-g + FlanT5-XL, fine-tuned for COCO captions",
        "FlanT5-XL",
        family="blip2_t5",
        hub_id="Salesforce/blip2-flan-t5-xl-coco",
        lavis=Original(trained="BLIP2/blip2_caption_flant5xl.pth", language="google/flan-t5-xl"),
        also=("blip2_t5:caption_coco_flant5xl",),
    ),
    "blip2-flan-t5-xxl": Known(
        about="ViT-g + FlanT5-XXL, pre-trained",
        family="blip2_t5",
        language="FlanT5-XXL",
        hub_id="Salesforce/blip2-flan-t5-xxl",
        lavis=Original(trained="BLIP2/blip2_pretrained_flant5xxl.pth", language="google/flan-t5-xxl"),
        also=("blip2_t5:pretrain_flant5xxl",),
    ),
    "blip2-flan-t5-xl-vit-l": Known(
        about="CLIP ViT-L + FlanT5-XL, pre-trained",
        family="blip2_t5",
        encoder="CLIP ViT-L/14",
        language="FlanT5-XL",
        lavis=Original(trained="BLIP2/blip2_pretrained_flant5xl_vitL.pth", encoder=VIT_L, language="google/flan-t5-xl"),
        also=("blip2_t5:pretrain_flant5xl_vitL",),
    ),
    "blip2-itm-vit-g": _first(
        "pretrain",
        about="ViT-g + Q-Former, image-text matching and retrieval",
        hub_id="Salesforce/blip2-itm-vit-g",
        lavis=Original(trained="BLIP2/blip2_pretrained.pth"),
    ),
    "blip2-itm-vit-g-coco": _first(
        "coco",
        about="ViT-g + Q-Former, retrieval fine-tuned on COCO",
        image_size=364,
        hub_id="Salesforce/blip2-itm-vit-g-coco",
        lavis=Original(trained="BLIP2/blip2_finetune_coco.pth"),
    ),
    "blip2-itm-vit-l": _first(
        "pretrain_vitL",
        about="CLIP ViT-L + Q-Former, image-text matching and retrieval",
        encoder="CLIP ViT-L/14",
        lavis=Original(trained="BLIP2/blip2_pretrained_vitL.pth", encoder=VIT_L),
    ),
    "instructblip-flan-t5-xl": Known(
        about="ViT-g + FlanT5-XL, instruction-tuned",
        family="blip2_t5_instruct",
        language="FlanT5-XL",
        hub_id="Salesforce/instructblip-flan-t5-xl",
        lavis=Original(trained="InstructBLIP/instruct_blip_flanxl_trimmed.pth", language="google/flan-t5-xl"),
        also=("blip2_t5_instruct:flant5xl",),
    ),
    "instructblip-flan-t5-xxl": Known(
        about="ViT-g + FlanT5-XXL, instruction-tuned",
        family="blip2_t5_instruct",
        language="FlanT5-XXL",
        hub_id="Salesforce/instructblip-flan-t5-xxl",
        lavis=Original(trained="InstructBLIP/instruct_blip_flanxxl_trimmed.pth", language="google/flan-t5-xxl"),
        also=("blip2_t5_instruct:flant5xxl",),
    ),
    "instructblip-vicuna-7b": Known(
        about="ViT-g + Vicuna 7B, instruction-tuned",
        family="blip2_vicuna_instruct",
        language="Vicuna 7B",
        hub_id="Salesforce/instructblip-vicuna-7b",
        lavis=Original(trained="InstructBLIP/instruct_blip_vicuna7b_trimmed.pth", language="lmsys/vicuna-7b-v1.1"),
        also=("blip2_vicuna_instruct:vicuna7b",),
    ),
    "instructblip-vicuna-13b": Known(
        about="ViT-g + Vicuna 13B, instruction-tuned",
        family="blip2_vicuna_instruct",
        language="Vicuna 13B",
        hub_id="Salesforce/instructblip-vicuna-13b",
        lavis=Original(trained="InstructBLIP/instruct_blip_vicuna13b_trimmed.pth", language="lmsys/vicuna-13b-v1.1"),
        also=("blip2_vicuna_instruct:vicuna13b",),
    ),
}
"""Every model known by name."""


def find(name: str) -> Known | None:
    """The model of this name: ours, LAVIS', or its hub id; none for any other."""
    return CATALOG.get(name) or next(
        (known for known in CATALOG.values() if name in known.also or name == known.hub_id), None
    )


LAVIS = "lavis:"
"""Before a name: from LAVIS' own files, also where the hub has the model converted."""
ORIGINALS = [name for each in CATALOG.values() if each.lavis for name in each.also]
"""Names that may stand behind `lavis:`."""
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
"""A hub id, owner/name."""


def check(name: str) -> None:
    """Raises `UnknownModelError` for what can name no model: told before torch is imported, let alone weights read."""
    path, asked = Path(name).expanduser(), name.removeprefix(LAVIS)
    known = find(asked)
    if asked != name and (known is None or known.lavis is None):
        raise UnknownModelError(f"LAVIS has no model {asked!r}: {closest(asked, ORIGINALS)}")
    if known is not None or path.is_dir() or path.suffix in (".yaml", ".yml"):
        return
    if path.suffix in (".pth", ".pt", ".bin", ".safetensors"):
        raise UnknownModelError(
            f"{name} names a file of weights, which says not what model they are of: give its folder; "
            "or, for LAVIS' files, call weights.read_lavis(path_or_url, weights.Beside(…))"
        )
    if not HUB_ID.fullmatch(name):
        raise UnknownModelError(f"unknown model {name!r}: {closest(name, CATALOG)} (a hub id or a folder will do too)")
