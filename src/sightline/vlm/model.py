"""The one forward pass: encoder → norm → bridge → projection → language model (BLIP-2, arXiv 2301.12597, section 3).

Shapes: B images, P patches of width D, Q queries of width Z, L prompt tokens of width E, T target tokens, V vocabulary.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from sightline.vlm.bridges.protocol import Attention, Bridge, Text
from sightline.vlm.config import Config, ModelError
from sightline.vlm.encoders.protocol import VisionEncoder
from sightline.vlm.language.protocol import LanguageModel
from sightline.vlm.placement import Dtypes, Layout, Spot

PATCH_WIDTH = "the bridge's patch_width"
"""What to set where encoder and bridge differ in width, in the words of an error."""


@dataclass(frozen=True, kw_only=True)
class Blip2Config(Config):
    """A whole model as the configs of its parts."""

    encoder: Config
    bridge: Config
    language: Config | None = None
    """None: a first-stage model, without projection and language model."""
    norm_eps: float = 1e-6
    """Of the LayerNorm between encoder and bridge: 1e-6 as converted by Hugging Face, 1e-5 as trained by LAVIS."""

    def build(self, layout: Layout | Dtypes | None = None) -> "Blip2":
        """The model with fresh weights, where and as precise as `layout` says; a dtype alone is `Layout.of(dtype)`.

        Raises `ModelError` for parts that do not fit together.
        """
        layout = layout if isinstance(layout, Layout) else Layout.of(layout)
        with layout.bridge():
            bridge = self.bridge.build()
        with layout.encoder():
            encoder = self.encoder.build()
        check_widths("the encoder gives features", encoder.width, "the bridge reads", bridge.patch_width, PATCH_WIDTH)
        language = project = None
        if self.language is not None:
            language, spot = layout.build_language(self.language)
            with spot():
                project = nn.Linear(bridge.width, language.width)
            nn.init.normal_(project.weight, std=0.02)
            nn.init.zeros_(project.bias)
        with layout.bridge():
            norm = nn.LayerNorm(encoder.width, eps=self.norm_eps)
        return Blip2(encoder, norm, bridge, project, language)


def check_widths(gives: str, width: int, reads: str, other: int, fix: str) -> None:
    """Raises `ModelError` naming both numbers and the way out when two parts differ in width."""
    if width != other:
        raise ModelError(f"{gives} {width} wide, {reads} {other}: set {fix} to {width}")


class Blip2(nn.Module):
    """A vision-language model as its parts: frozen encoder, bridge, frozen language model, and what joins them.

    Projection and language model are absent in a first-stage model. Raises `ModelError` for widths that do not agree.
    """

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
            check_widths(*each)
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
        """Image features `[B, P, D]` after the LayerNorm (LAVIS' `ln_vision`): what the bridge reads, worth caching.

        The norm runs in its own dtype (float32 under mixed precision); features come back in the encoder's.
        """
        patches_BPD = self.encoder(pixels_BCHW)
        norm = self.norm.weight
        return self.norm(patches_BPD.to(norm.device, norm.dtype)).to(patches_BPD.dtype)  # type: ignore[no-any-return]

    def speak(self, queries_BQZ: Tensor) -> Tensor:
        """Soft visual prompt `[B, Q, E]`: query outputs projected to the language model's width (paper, section 3.3).

        Raises `ModelError` for a first-stage model.
        """
        if self.project is None:
            raise ModelError("this model has no language model: it was loaded from a first-stage checkpoint")
        weight = self.project.weight
        return self.project(queries_BQZ.to(weight.device, weight.dtype))  # type: ignore[no-any-return]

    def prefix(
        self, queries_BQZ: Tensor, prompt_BL: Tensor | None = None, prompt_mask_BL: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Input embeddings `[B, Q+L, E]` of the language model and their attention mask `[B, Q+L]`, ready to prefill.

        The soft prompt comes first, then the embedded prompt tokens.
        """
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
        """Teacher-forced logits `[B, T, V]`: the one forward pass, for training and scoring.

        Args:
            pixels_BCHW: Preprocessed images.
            targets_BT: Token ids to be written, padded on the right.
            prompt: Text that the language model reads after the image; left out of the loss.
            question: Instruction for an instruction-aware bridge (InstructBLIP, arXiv 2305.06500).
            attention: Collects the bridge's cross-attention weights.
        """
        queries_BQZ = self.bridge(self.see(pixels_BCHW), question, attention)
        prefix, mask = self.prefix(queries_BQZ, *((prompt.tokens_BL, prompt.mask_BL) if prompt else (None, None)))
        return self.writer.logits(prefix, mask, targets_BT)
