"""What every model behind the door has: LAVIS' way of loading, training mode, and the names of its parts."""

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import torch
from torch import Tensor, nn

from sightline.vlm import weights
from sightline.vlm.bridges import QFormer
from sightline.vlm.config import ConfigError, ModelError, closest
from sightline.vlm.language import LanguageConfig
from sightline.vlm.lavis.parts import DoorQFormer, VisualEncoder
from sightline.vlm.loaded import Loaded, load
from sightline.vlm.weights.catalog import CATALOG, LAVIS
from sightline.vlm.weights.lavis_back import language_prefix, load_state, state_of
from sightline.vlm.weights.lavis_files import names_of

Samples = Mapping[str, Any]
"""A batch: "image" `[B, 3, H, W]`, and what a method reads of "text_input", "text_output", "prompt", …"""


class Incompatible(NamedTuple):
    """What a state dict and a model do not share, as torch gives it back."""

    missing_keys: list[str]
    unexpected_keys: list[str]


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
    def from_pretrained(cls, model_type: str | Path | None, device: str | torch.device = "cpu") -> Self:
        """A published model by its type, or any checkpoint folder; raises `ConfigError` for a type not known.

        By its type it is the hub's conversion where there is one; `lavis:` before it takes LAVIS' own files.
        """
        types = cls.types()
        if model_type is None:
            named = ", ".join(types) or "none is published: give a folder"
            raise ConfigError(f"the model_type of {cls.name} is None, give one of its types: {named}")
        if Path(model_type).expanduser().is_dir():
            return cls._fitting(load(model_type, device=device))
        asked = str(model_type).removeprefix(LAVIS)
        if asked not in types:
            known = closest(asked, types) if types else "nobody has published one"
            raise ConfigError(f"{cls.name} has no type {asked!r}, and there is no such folder: {known}")
        own = asked != str(model_type) and cls.name not in CATALOG
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

    @classmethod
    def from_config(cls, cfg: Mapping[str, Any]) -> Self:
        """A model by a LAVIS config's `model` part: its `model_type`, then the file it names to load, if it does."""
        model = cls.from_pretrained(str(cfg.get("model_type", "base")))
        model.load_checkpoint_from_config(cfg)
        return model

    def load_checkpoint_from_config(self, cfg: Mapping[str, Any], **_: Any) -> None:
        """The file of `finetuned` where `load_finetuned`, else of `pretrained` where `load_pretrained`."""
        for kind in ("finetuned", "pretrained"):
            if cfg.get(f"load_{kind}") and cfg.get(kind):
                self.load_checkpoint(str(cfg[kind]))
                return

    def load_checkpoint(self, url_or_filename: str | Path) -> Incompatible:
        """Puts a `.pth` of LAVIS by path or URL, whole or of some tensors only, into this model.

        Tensors that have no place here are passed over, as in LAVIS; their names and those missing are given back.
        """
        return Incompatible(*weights.update_from_lavis(self.loaded.checkpoint, url_or_filename, strict=False))

    load_from_pretrained = load_checkpoint

    def state_dict(self, *_: Any, **__: Any) -> dict[str, Tensor]:  # type: ignore[override]
        """The weights under LAVIS' names, as its files have them; fused ones are views of parts of ours."""
        return state_of(self.loaded.checkpoint)

    def load_state_dict(
        self, state_dict: Mapping[str, Tensor], strict: bool = True, assign: bool = False
    ) -> Incompatible:
        """Reads weights by LAVIS' names; raises `CheckpointError` as torch does `RuntimeError`."""
        if assign:
            raise ModelError("assign=True would take weights out of their places: leave it out")
        return Incompatible(*load_state(self.loaded.checkpoint, state_dict, strict=strict))

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, nn.Parameter]]:
        """Parameters by LAVIS' names; one that holds several of LAVIS' has the first of their names."""
        checkpoint = self.loaded.checkpoint
        names = names_of(checkpoint, language_prefix(checkpoint))
        for name, parameter in self.blip2.named_parameters("", recurse, remove_duplicate):
            theirs = [key for key, _ in names.theirs(name)]
            yield prefix + (theirs[0] if theirs else name), parameter

    def get_optimizer_params(self, weight_decay: float, lr_scale: float = 1) -> list[dict[str, Any]]:
        """Groups for an optimizer: weight decay for matrices only."""
        trained = [parameter for parameter in self.parameters() if parameter.requires_grad]
        groups = ((weight_decay, [each for each in trained if each.ndim > 1]), (0, [p for p in trained if p.ndim <= 1]))
        return [{"weight_decay": decay, "params": some, "lr_scale": lr_scale} for decay, some in groups]

    def before_training(self, **_: Any) -> None:
        """Nothing to prepare: LAVIS' tasks call it."""

    def before_evaluation(self, **_: Any) -> None:
        """Nothing to prepare: LAVIS' tasks call it."""

    def show_n_params(self, return_str: bool = True) -> str | int:
        """How many parameters it has: "3.2M", or the number."""
        many = sum(parameter.numel() for parameter in self.parameters())
        if not return_str:
            return many
        return f"{many / 1e6:.1f}M" if many >= 1e6 else f"{many / 1e3:.1f}K"

    def maybe_autocast(self, dtype: torch.dtype = torch.float16) -> Any:
        """Mixed precision on an accelerator; nothing on a CPU."""
        return nullcontext() if self.device.type == "cpu" else torch.autocast(self.device.type, dtype=dtype)

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
        return VisualEncoder(self.blip2.encoder)

    @property
    def Qformer(self) -> DoorQFormer:  # noqa: N802 - LAVIS' name
        """The Q-Former as LAVIS' users call it; raises `ModelError` for a model with another bridge."""
        head = "Qformer."
        named = {name[len(head) :]: each for name, each in self.named_parameters() if name.startswith(head)}
        return DoorQFormer(self.qformer, named)

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
