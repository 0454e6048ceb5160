"""The one forward pass: encoder → norm → bridge → projection → language model (BLIP-2, arXiv 2301.12597, section 3).

Shapes: B images, P patches of width D, Q queries of width Z, L prompt tokens of width E, T target tokens, V vocabulary.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sightline.vlm.bridges.protocol import Attention, Bridge, Text
from sightline.vlm.config import Config, ModelError
from sightline.vlm.encoders.protocol import VisionEncoder
from sightline.vlm.language.protocol import LanguageModel


@dataclass(frozen=True, kw_only=True)
class Blip2Config(Config):
    """A whole model as the configs of its parts."""

    encoder: Config
    bridge: Config
    language: Config | None = None
    """None: a first-stage model, without projection and language model."""
    norm_eps: float = 1e-6
    """Of the LayerNorm between encoder and bridge: 1e-6 as converted by Hugging Face, 1e-5 as trained by LAVIS."""

    def build(self, dtype: torch.dtype = torch.float32) -> "Blip2":
        """The model with fresh weights. `dtype` is for encoder, projection and language model.

        Bridge and norm stay in float32, as in the published half-precision models: they are small, and what is trained.
        """
        bridge = self.bridge.build()
        before = torch.get_default_dtype()
        torch.set_default_dtype(dtype)
        try:
            encoder = self.encoder.build()
            language = self.language.build() if self.language else None
            project = nn.Linear(bridge.width, language.width) if language else None
        finally:
            torch.set_default_dtype(before)
        if project is not None:
            nn.init.normal_(project.weight, std=0.02)
            nn.init.zeros_(project.bias)
        return Blip2(encoder, nn.LayerNorm(encoder.width, eps=self.norm_eps), bridge, project, language)


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
        if encoder.width != bridge.patch_width:
            raise ModelError(
                f"the encoder gives features {encoder.width} wide, the bridge reads {bridge.patch_width}: "
                f"set the bridge's patch_width to {encoder.width}"
            )
        self.encoder = encoder
        self.norm = norm
        self.bridge = bridge
        self.project = project
        self.language = language

    def see(self, pixels_BCHW: Tensor) -> Tensor:
        """Normalised patch features `[B, P, D]`: what the bridge reads, and what is worth caching."""
        patches_BPD = self.encoder(pixels_BCHW)
        return self.norm(patches_BPD.to(self.norm.weight.dtype)).to(patches_BPD.dtype)  # type: ignore[no-any-return]

    def speak(self, queries_BQZ: Tensor) -> Tensor:
        """Soft prompt `[B, Q, E]` for the language model."""
        if self.project is None:
            raise ModelError("this model has no language model: it was loaded from a first-stage checkpoint")
        return self.project(queries_BQZ.to(self.project.weight.dtype))  # type: ignore[no-any-return]

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
