"""What LAVIS' models return.

Shapes: B rows, Q queries and L text tokens of width Z, K contrast width.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from torch import Tensor


class Output(Mapping[str, Any]):
    """By attribute, by name, or by place, as transformers' `ModelOutput`: what is None is not in the mapping."""

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            return dict(self._given())[key]
        return self.to_tuple()[key]

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._given())

    def __len__(self) -> int:
        return len(self._given())

    def to_tuple(self) -> tuple[Any, ...]:
        """What is not None, in the order of the fields."""
        return tuple(value for _, value in self._given())

    def _given(self) -> list[tuple[str, Any]]:
        named: Any = self
        pairs = ((each.name, getattr(self, each.name)) for each in fields(named))
        return [(name, value) for name, value in pairs if value is not None]


@dataclass(eq=False)
class BlipOutputFeatures(Output):
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


@dataclass(eq=False)
class BlipOutput(Output):
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

    def __getitem__(self, name: str) -> Tensor:
        """By name, as transformers' tokenizers give them."""
        if name not in ("input_ids", "attention_mask"):
            raise KeyError(name)
        tensor: Tensor = getattr(self, name)
        return tensor

    def to(self, device: object) -> "TextTokens":
        """The same on another device."""
        return TextTokens(self.input_ids.to(device), self.attention_mask.to(device))  # type: ignore[call-overload]
