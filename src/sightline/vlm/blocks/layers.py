"""Transformer layers of vision encoders, and the initialisation shared by everything trained here."""

from torch import Tensor, nn

from sightline.vlm.blocks.attention import SelfAttention
from sightline.vlm.blocks.mlp import Mlp


class PreNormLayer(nn.Module):
    """A pre-norm transformer block: self-attention and feed-forward, each on a LayerNorm's output, with residuals."""

    def __init__(
        self, width: int, heads: int, mlp_width: int, *, eps: float = 1e-6, activation: str = "gelu", bias: bool = True
    ) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=eps)
        self.attention = SelfAttention(width, heads, bias=bias)
        self.norm2 = nn.LayerNorm(width, eps=eps)
        self.mlp = Mlp(width, mlp_width, activation)

    def forward(self, x_BTD: Tensor) -> Tensor:
        """Output `[B, T, D]`."""
        x_BTD = x_BTD + self.attention(self.norm1(x_BTD))
        return x_BTD + self.mlp(self.norm2(x_BTD))  # type: ignore[no-any-return]


def initialise(module: nn.Module, std: float = 0.02) -> None:
    """Weights of linear layers and embeddings from N(0, std), biases zero (BERT's recipe, arXiv 1810.04805)."""
    for part in module.modules():
        if isinstance(part, nn.Linear | nn.Embedding):
            nn.init.normal_(part.weight, std=std)
        if isinstance(part, nn.Linear) and part.bias is not None:
            nn.init.zeros_(part.bias)
