"""The names a user may type, and where each model comes from. Names of LAVIS are written `model:type`."""

from dataclasses import dataclass, field
from pathlib import Path

SHIPPED = Path(__file__).parent
"""Models shipped in the package are folders beside this file."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """A model known by name."""

    about: str
    hub_id: str | None = None
    shipped: str | None = None
    """Name of a folder in the package, for models that need no download."""
    caption_prompt: str = ""
    also: tuple[str, ...] = field(default=())
    """LAVIS' names for it."""

    @property
    def folder(self) -> Path | None:
        """The shipped folder; none for a model from the hub."""
        return SHIPPED / self.shipped if self.shipped else None


CAPTION = "a photo of"

CATALOG: dict[str, Known] = {
    "sightline-tiny": Known(
        about="digit scenes: captions, questions, retrieval; in the package, runs anywhere", shipped="tiny"
    ),
    "blip2-opt-2.7b": Known(
        about="ViT-g + OPT 2.7B, pre-trained", hub_id="Salesforce/blip2-opt-2.7b", also=("blip2_opt:pretrain_opt2.7b",)
    ),
    "blip2-opt-6.7b": Known(
        about="ViT-g + OPT 6.7B, pre-trained", hub_id="Salesforce/blip2-opt-6.7b", also=("blip2_opt:pretrain_opt6.7b",)
    ),
    "blip2-opt-2.7b-coco": Known(
        about="ViT-g + OPT 2.7B, fine-tuned for COCO captions",
        hub_id="Salesforce/blip2-opt-2.7b-coco",
        caption_prompt=CAPTION,
        also=("blip2_opt:caption_coco_opt2.7b",),
    ),
    "blip2-opt-6.7b-coco": Known(
        about="ViT-g + OPT 6.7B, fine-tuned for COCO captions",
        hub_id="Salesforce/blip2-opt-6.7b-coco",
        caption_prompt=CAPTION,
        also=("blip2_opt:caption_coco_opt6.7b",),
    ),
    "blip2-flan-t5-xl": Known(
        about="ViT-g + FlanT5-XL, pre-trained",
        hub_id="Salesforce/blip2-flan-t5-xl",
        also=("blip2_t5:pretrain_flant5xl",),
    ),
    "blip2-flan-t5-xl-coco": Known(
        about="ViT-g + FlanT5-XL, fine-tuned for COCO captions",
        hub_id="Salesforce/blip2-flan-t5-xl-coco",
        caption_prompt=CAPTION,
        also=("blip2_t5:caption_coco_flant5xl",),
    ),
    "blip2-flan-t5-xxl": Known(
        about="ViT-g + FlanT5-XXL, pre-trained",
        hub_id="Salesforce/blip2-flan-t5-xxl",
        also=("blip2_t5:pretrain_flant5xxl",),
    ),
    "blip2-itm-vit-g": Known(
        about="ViT-g + Q-Former, image-text matching and retrieval",
        hub_id="Salesforce/blip2-itm-vit-g",
        also=("blip2:pretrain", "blip2_image_text_matching:pretrain", "blip2_feature_extractor:pretrain"),
    ),
    "blip2-itm-vit-g-coco": Known(
        about="ViT-g + Q-Former, retrieval fine-tuned on COCO",
        hub_id="Salesforce/blip2-itm-vit-g-coco",
        also=("blip2:coco", "blip2_image_text_matching:coco", "blip2_feature_extractor:coco"),
    ),
}


def find(name: str) -> Known | None:
    """The model of this name: ours, LAVIS', or its hub id; none for any other."""
    return CATALOG.get(name) or next(
        (known for known in CATALOG.values() if name in known.also or name == known.hub_id), None
    )
