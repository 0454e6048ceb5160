"""What LAVIS' models return.

Shapes: B rows, Q queries and L text tokens of width Z, K contrast width.
"""

from dataclasses import dataclass

from torch import Tensor


@dataclass
class BlipOutputFeatures:
    """Features of images, of texts, or of pairs; what a mode does not give is None."""

    image_embeds: Tensor | None = None
    """`[B, Q, Z]`."""
    image_embeds_proj: Tensor | None = None
    """Unit vectors `[B, Q, K]`."""
    text_embeds: Tensor | None = None
    """`[B, L, Z]`; the first token speaks for the text."""
    text_embeds_proj: Tensor | None = None
    """Unit vectors `[B, L, K]`."""
    multimodal_embeds: Tensor | None = None
    """`[B, Q, Z]`, after image and text were read together."""


@dataclass
class BlipOutput:
    """Losses of the first stage."""

    loss: Tensor
    loss_itc: Tensor
    loss_itm: Tensor
    loss_lm: Tensor | None = None
    """None where the checkpoint has no captioning head (Hugging Face drops it)."""


@dataclass
class TextTokens:
    """Token ids of a batch of texts, padded on the right, and their mask, both `[B, L]`."""

    input_ids: Tensor
    attention_mask: Tensor

    def to(self, device: object) -> "TextTokens":
        """The same on another device."""
        return TextTokens(self.input_ids.to(device), self.attention_mask.to(device))  # type: ignore[call-overload]
