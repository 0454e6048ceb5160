"""Parts of a model under the names that LAVIS' users reach into: its encoder, and its Q-Former as a BERT.

Shapes: B rows, P patches of width D, Q queries and L text tokens of width Z.
"""

from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from sightline.vlm.bridges import QFormer, Text
from sightline.vlm.config import ModelError


class VisualEncoder:
    """The frozen vision model; what is not named here is its own."""

    def __init__(self, encoder: Any) -> None:
        self.encoder = encoder

    def __call__(self, image: Tensor) -> Tensor:
        """Patch features `[B, P, D]`."""
        features: Tensor = self.encoder(image)
        return features

    def __getattr__(self, name: str) -> Any:
        return getattr(self.encoder, name)

    forward_features = __call__

    @property
    def num_features(self) -> int:
        """Width of a patch's features."""
        return int(self.encoder.width)

    @property
    def blocks(self) -> nn.ModuleList:
        """Its transformer layers."""
        blocks: nn.ModuleList = self.encoder.layers
        return blocks

    @property
    def patch_embed(self) -> nn.Module:
        """From pixels to patches."""
        module: nn.Module = self.encoder.patches
        return module

    @property
    def pos_embed(self) -> Tensor:
        """Position embeddings `[1, P, D]`."""
        return self.encoder.positions[None]  # type: ignore[no-any-return]

    def get_num_layer(self, var_name: str = "") -> int:
        """Which layer a parameter belongs to, the embeddings before all, for learning rates that decay by layer."""
        head, _, rest = var_name.partition(".")
        if head in ("cls_token", "mask_token", "pos_embed", "patch_embed"):
            return 0
        return int(rest.partition(".")[0]) + 1 if head == "blocks" else len(self.blocks)

    def get_intermediate_layers(self, x: Tensor) -> list[Tensor]:
        """What every layer gives, `[B, P, D]` each."""
        given: list[Tensor] = []
        hooks = [block.register_forward_hook(lambda _, __, out: given.append(out)) for block in self.blocks]
        try:
            self.encoder(x)
        finally:
            for hook in hooks:
                hook.remove()
        return given


class Bert:
    """LAVIS' Q-Former is a patched BERT: queries or word ids in, states of the last layer out."""

    def __init__(self, bridge: QFormer) -> None:
        self.bridge = bridge

    def __call__(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        query_embeds: Tensor | None = None,
        encoder_hidden_states: Tensor | None = None,
        **_: Any,
    ) -> Any:
        """`last_hidden_state` of the queries `[B, Q, Z]`, or of a text on its own `[B, L, Z]`.

        The queries are the model's own. Of queries and text together LAVIS' models use the queries' part, which is what
        is given. Raises `ModelError` for other queries, and without image and text.
        """
        if query_embeds is None:
            if input_ids is None:
                raise ModelError("Qformer.bert needs query_embeds with encoder_hidden_states, or input_ids")
            return _state(self.bridge.read(_text(input_ids, attention_mask, 0)))
        own = self.bridge.query_tokens
        if query_embeds.shape[-2:] != own.shape or not torch.equal(query_embeds[0].to(own), own):
            raise ModelError("Qformer.bert reads the model's own query_tokens only")
        if encoder_hidden_states is None:
            raise ModelError("query_embeds need encoder_hidden_states, the image's features")
        text = None if input_ids is None else _text(input_ids, attention_mask, len(own))
        return _state(self.bridge(encoder_hidden_states, text))


class DoorQFormer:
    """`model.Qformer`: its `bert`, and its parameters under LAVIS' names."""

    def __init__(self, bridge: QFormer, named: Mapping[str, nn.Parameter]) -> None:
        self.bert, self._named = Bert(bridge), named

    def named_parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        """Names as in a state dict, less `Qformer.` in front."""
        return iter(self._named.items())

    def parameters(self) -> Iterator[nn.Parameter]:
        """The same without names."""
        return iter(self._named.values())


def _text(ids_BL: Tensor, mask: Tensor | None, queries: int) -> Text:
    """A text whose mask, behind queries, covers these first."""
    mask_BL = torch.ones_like(ids_BL) if mask is None else mask[:, -ids_BL.shape[1] :] if queries else mask
    return Text(ids_BL, mask_BL)


def _state(last: Tensor) -> Any:
    return SimpleNamespace(last_hidden_state=last)
