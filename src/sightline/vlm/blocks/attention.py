"""Multi-head attention with fused projections.

Two paths with equal results: PyTorch's fused kernel (`scaled_dot_product_attention`), and an explicit softmax whose
attention weights are handed out, inside the autograd graph, when somebody asks where attention went.

Attention's queries are called `asks` here, since "queries" are the Q-Former's query tokens everywhere else.

Shapes: B rows, T positions that ask, S positions that are asked, D their width, H heads of width W.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.vlm.config import ConfigError

KeysValues = tuple[Tensor, Tensor]
"""KV cache of one layer: keys and values of all positions read so far, each `[B, H, S, W]`."""


def attend(
    asks_BHTW: Tensor,
    keys_BHSW: Tensor,
    values_BHSW: Tensor,
    mask: Tensor | None,
    dropout: float,
    weights: list[Tensor] | None,
) -> Tensor:
    """Scaled dot-product attention `[B, T, H*W]`.

    `mask` is boolean, broadcastable to `[B, H, T, S]`, true where a position may be seen. With a `weights` list the
    softmax `[B, H, T, S]` is appended to it (before dropout) at the price of the explicit path.
    """
    if weights is None:
        out_BHTW = F.scaled_dot_product_attention(asks_BHTW, keys_BHSW, values_BHSW, attn_mask=mask, dropout_p=dropout)
    else:
        scores_BHTS = asks_BHTW @ keys_BHSW.transpose(-1, -2) * asks_BHTW.shape[-1] ** -0.5
        if mask is not None:
            scores_BHTS = scores_BHTS.masked_fill(~mask, torch.finfo(scores_BHTS.dtype).min)
        soft_BHTS = scores_BHTS.softmax(-1)
        weights.append(soft_BHTS)
        out_BHTW = F.dropout(soft_BHTS, dropout) @ values_BHSW
    return out_BHTW.transpose(1, 2).flatten(2)


def check_heads(width: int, heads: int) -> None:
    """Raises `ConfigError` when a width cannot be split into heads."""
    if width % heads:
        raise ConfigError(f"width {width} cannot be split into {heads} heads: choose a multiple")


class SelfAttention(nn.Module):
    """Attention of a sequence to itself; query, key and value projections are one matrix."""

    def __init__(self, width: int, heads: int, *, dropout: float = 0.0, bias: bool = True) -> None:
        super().__init__()
        check_heads(width, heads)
        self.heads = heads
        self.dropout = dropout
        self.qkv = nn.Linear(width, 3 * width, bias=bias)
        self.out = nn.Linear(width, width)

    def forward(self, x_BTD: Tensor, mask: Tensor | None = None, weights: list[Tensor] | None = None) -> Tensor:
        """Output `[B, T, D]`; `mask` and `weights` as in `attend`."""
        asks, keys, values = self._split(x_BTD)
        dropout = self.dropout if self.training else 0.0
        return self.out(attend(asks, keys, values, mask, dropout, weights))  # type: ignore[no-any-return]

    def extend(self, x_BTD: Tensor, past: KeysValues | None, mask: Tensor | None) -> tuple[Tensor, KeysValues]:
        """Incremental decoding: output `[B, T, D]` of positions that also see the KV cache, and the grown cache."""
        asks, keys, values = self._split(x_BTD)
        if past is not None:
            keys, values = torch.cat([past[0], keys], 2), torch.cat([past[1], values], 2)
        return self.out(attend(asks, keys, values, mask, 0.0, None)), (keys, values)

    def _split(self, x_BTD: Tensor) -> Tensor:
        B, T, _ = x_BTD.shape
        return self.qkv(x_BTD).view(B, T, 3, self.heads, -1).permute(2, 0, 3, 1, 4)  # type: ignore[no-any-return]


class CrossAttention(nn.Module):
    """Attention of one sequence to another; key and value projections of the other are one matrix."""

    def __init__(self, width: int, source_width: int, heads: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        check_heads(width, heads)
        self.heads = heads
        self.dropout = dropout
        self.q = nn.Linear(width, width)
        self.kv = nn.Linear(source_width, 2 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x_BTD: Tensor, source_BSD: Tensor, weights: list[Tensor] | None = None) -> Tensor:
        """Output `[B, T, D]`: every position sees the whole source `[B, S, source width]`.

        One source for B rows (one image, many texts) is projected once: the rows are folded into one long sequence of
        queries, which attention treats independently.
        """
        B, T, _ = x_BTD.shape
        if len(source_BSD) == 1 and B > 1:
            if weights is None:
                return self(x_BTD.reshape(1, B * T, -1), source_BSD).view(B, T, -1)  # type: ignore[no-any-return]
            source_BSD = source_BSD.expand(B, -1, -1)
        asks = self.q(x_BTD).view(B, T, self.heads, -1).transpose(1, 2)
        keys, values = self.kv(source_BSD).view(B, source_BSD.shape[1], 2, self.heads, -1).permute(2, 0, 3, 1, 4)
        dropout = self.dropout if self.training else 0.0
        return self.out(attend(asks, keys, values, None, dropout, weights))  # type: ignore[no-any-return]
