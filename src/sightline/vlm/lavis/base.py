"""What every model behind the door has: LAVIS' way of loading, training mode, and the names of its parts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from sightline.vlm import weights
from sightline.vlm.bridges import QFormer
from sightline.vlm.config import ConfigError, ModelError, closest
from sightline.vlm.language import LanguageConfig
from sightline.vlm.loaded import Loaded, load
from sightline.vlm.weights.catalog import CATALOG, LAVIS

Samples = Mapping[str, Any]
"""A batch: "image" `[B, 3, H, W]`, and what a method reads of "text_input", "text_output", "prompt", …"""


class LavisModel(nn.Module):
    """A loaded model behind LAVIS' methods; `loaded` is the same model behind ours."""

    name: ClassVar[str]
    """As LAVIS calls the class."""

    def __init__(self, loaded: Loaded) -> None:
        super().__init__()
        self.blip2 = loaded.model
        self._loaded = [loaded]  # in a list, so that it is no submodule's twin

    @property
    def loaded(self) -> Loaded:
        """The same weights as `sightline.vlm.load` gives them."""
        return self._loaded[0]

    language_types: ClassVar[tuple[str, ...]] = ()
    """What transformers calls the language models of this class; none: any, or no language model."""

    @classmethod
    def types(cls) -> dict[str, str]:
        """The model types of this class, and the name each has in our catalogue."""
        if cls.name in CATALOG:
            return {"base": cls.name}
        known = [(alias, name) for name, each in CATALOG.items() for alias in each.also]
        return {alias.partition(":")[2]: name for alias, name in known if alias.partition(":")[0] == cls.name}

    @classmethod
    def from_pretrained(cls, model_type: str, device: str | torch.device = "cpu") -> Self:
        """A published model by its type, or any checkpoint folder; raises `ConfigError` for a type not known.

        By its type it is the hub's conversion where there is one; `lavis:` before it takes LAVIS' own files.
        """
        if Path(model_type).expanduser().is_dir():
            return cls._fitting(load(model_type, device=device))
        types, asked = cls.types(), model_type.removeprefix(LAVIS)
        if asked not in types:
            known = closest(asked, types) if types else "nobody has published one"
            raise ConfigError(f"{cls.name} has no type {asked!r}, and there is no such folder: {known}")
        own = asked != model_type and cls.name not in CATALOG
        return cls(load(f"{LAVIS}{cls.name}:{asked}" if own else types[asked], device=device))

    @classmethod
    def _fitting(cls, loaded: Loaded) -> Self:
        """A folder's model in this class; raises `ConfigError` where its language model is of another kind."""
        language = loaded.checkpoint.config.language
        kind = language.architecture["model_type"] if isinstance(language, LanguageConfig) else None
        if cls.language_types and kind not in cls.language_types:
            has = "no language model" if language is None else f"a language model of type {kind!r}"
            raise ConfigError(
                f"{loaded.name} has {has}, a {cls.name} has {' or '.join(cls.language_types)}: choose the class "
                "it belongs to, or open it with sightline.vlm.load"
            )
        return cls(loaded)

    def load_checkpoint(self, path: str | Path) -> None:
        """Puts a `.pth` of LAVIS by path or URL, whole or of trained tensors only, into this model."""
        weights.update_from_lavis(self.loaded.checkpoint, path)

    def train(self, mode: bool = True) -> Self:
        """Training mode for what BLIP-2 trains; encoder and language model stay frozen and in evaluation mode."""
        super().train(mode)
        self.blip2.encoder.eval()  # type: ignore[attr-defined]
        if self.blip2.language is not None:
            self.blip2.language.eval()  # type: ignore[attr-defined]
        for part in (self.blip2.norm, self.blip2.bridge, self.blip2.project):
            if isinstance(part, nn.Module):
                part.requires_grad_(mode)
        return self

    @property
    def device(self) -> torch.device:
        """Where inputs belong."""
        return self.blip2.spot("encoder").device

    @property
    def visual_encoder(self) -> Any:
        """The frozen vision model."""
        return self.blip2.encoder

    @property
    def ln_vision(self) -> nn.LayerNorm:
        """The norm after it."""
        return self.blip2.norm

    @property
    def query_tokens(self) -> Tensor:
        """`[1, Q, Z]`."""
        return self.qformer.query_tokens[None]

    @property
    def qformer(self) -> QFormer:
        """The Q-Former; raises `ModelError` for a model with another bridge."""
        if not isinstance(self.blip2.bridge, QFormer):
            raise ModelError(f"this model's bridge is a {type(self.blip2.bridge).__name__}, not a Q-Former")
        return self.blip2.bridge

    def see(self, samples: Samples) -> Tensor:
        """Normalised patch features `[B, P, D]` of a batch's images."""
        where = self.blip2.spot("encoder")
        return self.blip2.see(images_of(samples).to(where.device, where.dtype))


def images_of(samples: Samples, *, video: bool = False) -> Tensor:
    """A batch's pixels `[B, 3, H, W]`, or `[B, 3, F, H, W]` where a `video` will do; raises `ModelError` for others."""
    expected = "[B, 3, H, W]" + (" or, of a video, [B, 3, F, H, W]" if video else "")
    if "image" not in samples:
        raise ModelError(f"samples has no 'image', it has {', '.join(samples) or 'nothing'}: give pixels {expected}")
    images = samples["image"]
    if not isinstance(images, Tensor) or not images.is_floating_point():
        kind = images.dtype if isinstance(images, Tensor) else type(images).__name__
        raise ModelError(
            f'"image" is {kind}, expected floats {expected}: vis_processors["eval"](picture).unsqueeze(0) makes them'
        )
    if images.dim() == 3:
        raise ModelError(f'"image" is {list(images.shape)}, expected {expected}: add the batch with .unsqueeze(0)')
    if images.dim() not in ((4, 5) if video else (4,)) or images.shape[1] != 3 or not len(images):
        raise ModelError(f'"image" is {list(images.shape)}, expected {expected}')
    return images


def texts_of(samples: Samples, key: str) -> list[str]:
    """A batch's texts under a key; raises `ModelError` when there are none."""
    if key not in samples:
        raise ModelError(f"samples has no {key!r}, it has {', '.join(samples)}")
    given = samples[key]
    return [given] if isinstance(given, str) else list(given)
