"""The one forward pass: encoder → norm → bridge → projection → language model (BLIP-2, arXiv 2301.12597, section 3).

Shapes: B images, P patches of width D, Q queries of width Z, L prompt tokens of width E, T target tokens, V vocabulary.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple, Self, TypeVar

import torch
from torch import Tensor, nn

from sightline.vlm.bridges.protocol import Attention, Bridge, Text
from sightline.vlm.config import Config, ConfigError, ModelError, closest
from sightline.vlm.encoders.protocol import VisionEncoder
from sightline.vlm.language.protocol import LanguageModel
from sightline.vlm.language.split import Split, device_of

PARTS = ("encoder", "bridge", "language")
"""What can have a precision and a device of its own; the projection goes with the language model, the norm before the
bridge with the bridge."""

PATCH_WIDTH = "the bridge's patch_width"

T = TypeVar("T")

Device = str | torch.device
Devices = Device | Mapping[str, Device | Mapping[str, Any] | Split]
"""One device for the whole model, or one for each part that is named; a part that is not goes to the CPU. The language
model may be split: "auto", a device by layer, or a `Split`; "auto" alone also puts the other parts where it begins."""
AUTO = "auto"
Dtypes = torch.dtype | Mapping[str, torch.dtype]
"""One dtype for encoder and language model, or one for each part that is named; the others keep their usual one."""


class Spot(NamedTuple):
    """Precision and device of one part."""

    dtype: torch.dtype = torch.float32
    device: torch.device = torch.device("cpu")

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Everything built inside lies here."""
        before = torch.get_default_dtype()
        torch.set_default_dtype(self.dtype)
        try:
            with self.device:
                yield
        finally:
            torch.set_default_dtype(before)


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where each part lies, and in which precision."""

    encoder: Spot
    bridge: Spot
    language: Spot
    split: Split | None = None
    """How the language model is spread; then it is built on the CPU, and moves before its weights are read."""

    @classmethod
    def of(cls, dtype: Dtypes | None, device: Devices = "cpu", usual: torch.dtype = torch.float32) -> Self:
        """A layout from what a user wrote.

        Bridge and norm stay in float32 unless named, as in the published half-precision models: they are small, and
        what is trained. Raises `ConfigError` for a part that does not exist.
        """
        dtypes: Mapping[str, torch.dtype] = (
            _by_part(dtype) if isinstance(dtype, Mapping) else dict.fromkeys(("encoder", "language"), dtype or usual)
        )
        widest = {"encoder": usual, "bridge": torch.float32, "language": usual}
        devices: dict[str, Any] = dict(_by_part(device)) if isinstance(device, Mapping) else _everywhere(device)
        split = _split(devices.get("language"))
        if split is not None:
            devices["language"] = "cpu"
        spots = {part: Spot(dtypes.get(part, widest[part]), device_of(devices.get(part, "cpu"))) for part in PARTS}
        return cls(**spots, split=split)

    def settled(self, language: Any) -> Any:
        """A language model that is in memory, moved to where it belongs."""
        if self.split is None:
            return language.to(self.language.device)
        self.split.place(language)
        return language

    def write(self, config: Config) -> tuple[Any, Spot]:
        """A language model by its config, any split checked before; and where what is joined to it must lie."""
        if self.split is None:
            with self.language():
                return config.build(), self.language
        with Spot(self.language.dtype, torch.device("meta"))():
            self.split.plan(getattr(config, "outline", config.build)())
        with self.language():
            language = config.build()
        return language, Spot(self.language.dtype, self.split.place(language))


def limited(device: Devices, max_memory: Mapping[str | int | torch.device, int | str]) -> Devices:
    """Devices in which the language model, placed "auto", keeps to these sizes; raises `ConfigError` if it is not."""
    devices = dict(device) if isinstance(device, Mapping) else _everywhere(device)
    if devices.get("language") != AUTO:
        raise ConfigError(f"max_memory goes with device='auto', or {{'language': 'auto'}}, not with {device!r}")
    return {**devices, "language": Split(max_memory=max_memory)}


def _everywhere(device: Device) -> dict[str, Any]:
    """The same device for every part; "auto" is the first accelerator, for the language model as many as it needs."""
    if device != AUTO:
        return dict.fromkeys(PARTS, device)
    first = "cuda:0" if torch.cuda.is_available() else "cpu"
    return {**dict.fromkeys(PARTS, first), "language": AUTO}


def _split(device: Any) -> Split | None:
    if device == AUTO:
        return Split()
    if isinstance(device, Mapping):
        return Split(places=device)
    return device if isinstance(device, Split) else None


def _by_part(values: Mapping[str, T]) -> Mapping[str, T]:
    if unknown := sorted(set(values) - set(PARTS)):
        raise ConfigError(f"a model has no part {unknown[0]!r}: {closest(unknown[0], PARTS)}")
    return values


@dataclass(frozen=True, kw_only=True)
class Blip2Config(Config):
    """A whole model as the configs of its parts."""

    encoder: Config
    bridge: Config
    language: Config | None = None
    """None: a first-stage model, without projection and language model."""
    norm_eps: float = 1e-6
    """Of the LayerNorm between encoder and bridge: 1e-6 as converted by Hugging Face, 1e-5 as trained by LAVIS."""

    def build(self, layout: Layout | torch.dtype | None = None) -> "Blip2":
        """The model with fresh weights, where and as precise as `layout` says; a dtype alone is `Layout.of(dtype)`.

        Raises `ModelError` for parts that do not fit together.
        """
        layout = layout if isinstance(layout, Layout) else Layout.of(layout)
        with layout.bridge():
            bridge = self.bridge.build()
        with layout.encoder():
            encoder = self.encoder.build()
        fit(
            "the encoder gives features",
            encoder.width,
            "the bridge reads",
            bridge.patch_width,
            "the bridge's patch_width",
        )
        language = project = None
        if self.language is not None:
            language, spot = layout.write(self.language)
            with spot():
                project = nn.Linear(bridge.width, language.width)
            nn.init.normal_(project.weight, std=0.02)
            nn.init.zeros_(project.bias)
        with layout.bridge():
            norm = nn.LayerNorm(encoder.width, eps=self.norm_eps)
        return Blip2(encoder, norm, bridge, project, language)


def fit(gives: str, width: int, reads: str, other: int, fix: str) -> None:
    """Raises `ModelError` naming both numbers and the way out when two parts differ in width."""
    if width != other:
        raise ModelError(f"{gives} {width} wide, {reads} {other}: set {fix} to {width}")


class Blip2(nn.Module):
    """A vision-language model as its four parts; the language half is absent in a first-stage model."""

    def __init__(
        self,
        encoder: VisionEncoder,
        norm: nn.LayerNorm,
        bridge: Bridge,
        project: nn.Linear | None = None,
        language: LanguageModel | None = None,
    ) -> None:
        super().__init__()
        joined = [
            ("the encoder gives features", encoder.width, "the bridge reads", bridge.patch_width, PATCH_WIDTH),
            ("the encoder gives features", encoder.width, "the norm reads", norm.normalized_shape[0], "its shape"),
        ]
        if project is not None:
            joined += [("the bridge gives", bridge.width, "the projection reads", project.in_features, "in_features")]
        if project is not None and language is not None:
            gives = project.out_features
            joined += [("the language model reads", language.width, "the projection gives", gives, "out_features")]
        for each in joined:
            fit(*each)
        self.encoder = encoder
        self.norm = norm
        self.bridge = bridge
        self.project = project
        self.language = language

    def spot(self, part: str) -> Spot:
        """Precision and device of one of `PARTS`: what goes into it must lie there."""
        weights: dict[str, Tensor] = {"bridge": self.norm.weight, "language": self.norm.weight}
        if self.project is not None:
            weights["language"] = self.project.weight
        if part == "encoder":
            encoder: Any = self.encoder
            weights[part] = next(encoder.parameters())
        return Spot(weights[part].dtype, weights[part].device)

    def see(self, pixels_BCHW: Tensor) -> Tensor:
        """Normalised patch features `[B, P, D]`: what the bridge reads, and what is worth caching."""
        patches_BPD = self.encoder(pixels_BCHW)
        norm = self.norm.weight
        return self.norm(patches_BPD.to(norm.device, norm.dtype)).to(patches_BPD.dtype)  # type: ignore[no-any-return]

    def speak(self, queries_BQZ: Tensor) -> Tensor:
        """Soft prompt `[B, Q, E]` for the language model."""
        if self.project is None:
            raise ModelError("this model has no language model: it was loaded from a first-stage checkpoint")
        weight = self.project.weight
        return self.project(queries_BQZ.to(weight.device, weight.dtype))  # type: ignore[no-any-return]

    def prefix(
        self, queries_BQZ: Tensor, prompt_BL: Tensor | None = None, prompt_mask_BL: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """The language model's input `[B, Q+L, E]` and its mask `[B, Q+L]`: soft prompt, then the prompt's tokens."""
        soft_BQE = self.speak(queries_BQZ)
        mask_BQ = torch.ones(soft_BQE.shape[:2], dtype=torch.long, device=soft_BQE.device)
        if prompt_BL is None or prompt_BL.shape[1] == 0:
            return soft_BQE, mask_BQ
        words_mask_BL = prompt_mask_BL if prompt_mask_BL is not None else torch.ones_like(prompt_BL)
        words_BLE = self.writer.embed(prompt_BL).to(soft_BQE.dtype)
        return torch.cat([soft_BQE, words_BLE], 1), torch.cat([mask_BQ, words_mask_BL.long()], 1)

    @property
    def writer(self) -> LanguageModel:
        """The language model; raises `ModelError` when there is none."""
        if self.language is None:
            raise ModelError("this model has no language model: it was loaded from a first-stage checkpoint")
        return self.language

    def forward(
        self,
        pixels_BCHW: Tensor,
        targets_BT: Tensor,
        prompt: Text | None = None,
        question: Text | None = None,
        attention: Attention | None = None,
    ) -> Tensor:
        """Teacher-forced logits `[B, T, V]`. `prompt` is for the language model, `question` for the bridge."""
        queries_BQZ = self.bridge(self.see(pixels_BCHW), question, attention)
        prefix, mask = self.prefix(queries_BQZ, *((prompt.tokens_BL, prompt.mask_BL) if prompt else (None, None)))
        return self.writer.logits(prefix, mask, targets_BT)
