"""The Querying Transformer of BLIP-2 (arXiv 2301.12597, section 3.1).

A BERT-style, post-norm transformer whose inputs are a few learned query tokens and, optionally, text. Both share the
self-attention; only queries attend to the image, through cross-attention in every second layer, and each kind has its
own feed-forward. One of three self-attention masks (figure 2 of the paper) decides what sees what:

    uni-modal            queries and text run in separate passes     image-text contrast (ITC), unimodal features
    bidirectional        everything sees everything                  image-text matching (ITM), multimodal features,
                                                                     instruction-aware queries (InstructBLIP)
    multimodal-causal    text sees queries and earlier text,
                         queries see queries only                    image-grounded text generation (ITG)

Shapes: B rows, P patches of width D, Q queries and L text tokens of width Z, T = Q + L, K contrast width, V words.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.vlm.blocks import CrossAttention, KeysValues, Mlp, SelfAttention, initialise
from sightline.vlm.bridges.protocol import Attention, Text
from sightline.vlm.config import Config, ConfigError, ModelError

SIZES = ("patch_width", "width", "layers", "heads", "mlp_width", "queries", "cross_every", "positions")
"""Fields of a config that count something: whole numbers of at least 1."""


@dataclass(frozen=True, kw_only=True)
class QFormerConfig(Config):
    """A Q-Former; the defaults are BLIP-2's, without the text side that only first-stage models have."""

    patch_width: int
    """Width of a patch feature, D."""
    width: int = 768
    """Width of a query and of a text token, Z."""
    layers: int = 12
    heads: int = 12
    mlp_width: int = 3072
    queries: int = 32
    """Learned query tokens, Q (LAVIS' `num_query_token`)."""
    cross_every: int = 2
    """Cross-attention in layers 0, cross_every, 2 × cross_every, …"""
    activation: str = "gelu"
    eps: float = 1e-12
    """Of every LayerNorm in it."""
    dropout: float = 0.1
    """After embeddings, attention and feed-forward, and of attention weights; while training only."""
    vocab_size: int | None = None
    """Vocabulary size of the text side, V; none: queries only, as in the second stage."""
    positions: int = 512
    """Longest text: absolute position embeddings."""
    contrast_width: int | None = None
    """Width of the shared image-text embedding space, K; none: no contrastive (ITC) heads."""
    matching: bool = False
    """Has the image-text matching (ITM) head: two classes."""
    captioning: bool = False
    """Has the language-modelling (ITG) head, whose output matrix is tied to the word embeddings."""

    def __post_init__(self) -> None:
        for name in SIZES:
            if not isinstance(size := getattr(self, name), int) or size < 1:
                raise ConfigError(f"a Q-Former's {name} is {size!r}: give a whole number of at least 1")

    def build(self) -> "QFormer":
        return QFormer(self)


class TextEmbeddings(nn.Module):
    """Word plus absolute position embeddings; positions of a text start at 0 wherever its queries are."""

    def __init__(self, config: QFormerConfig, vocab_size: int) -> None:
        super().__init__()
        self.words = nn.Embedding(vocab_size, config.width)
        self.places = nn.Embedding(config.positions, config.width)

    def forward(self, tokens_BL: Tensor) -> Tensor:
        """Embeddings `[B, L, Z]`, before the LayerNorm that queries and text share."""
        length, most = tokens_BL.shape[1], self.places.num_embeddings
        if length > most:
            raise ModelError(f"text of {length} tokens, but the Q-Former has {most} positions: truncate the text")
        return self.words(tokens_BL) + self.places.weight[:length]  # type: ignore[no-any-return]


class FeedForward(nn.Module):
    """Feed-forward with its residual and LayerNorm."""

    def __init__(self, config: QFormerConfig) -> None:
        super().__init__()
        self.mlp = Mlp(config.width, config.mlp_width, config.activation)
        self.norm = nn.LayerNorm(config.width, eps=config.eps)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Output of the shape of `x`."""
        return self.norm(x + self.dropout(self.mlp(x)))  # type: ignore[no-any-return]


class QFormerLayer(nn.Module):
    """Shared self-attention, then cross-attention (some layers) and feed-forward by kind."""

    def __init__(self, config: QFormerConfig, index: int) -> None:
        super().__init__()
        width, heads, eps = config.width, config.heads, config.eps
        self.attention = SelfAttention(width, heads, dropout=config.dropout)
        self.attention_norm = nn.LayerNorm(width, eps=eps)
        self.cross: CrossAttention | None = None
        self.cross_norm: nn.LayerNorm | None = None
        if index % config.cross_every == 0:
            self.cross = CrossAttention(width, config.patch_width, heads, dropout=config.dropout)
            self.cross_norm = nn.LayerNorm(width, eps=eps)
        self.query_feed = FeedForward(config)
        self.text_feed = FeedForward(config) if config.vocab_size else None
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self, x_BTZ: Tensor, queries: int, patches_BPD: Tensor | None, mask: Tensor | None, seen: Attention | None
    ) -> Tensor:
        """Output `[B, T, Z]`; the first `queries` positions are queries, the rest is text."""
        x_BTZ = self.attention_norm(x_BTZ + self.dropout(self.attention(x_BTZ, mask)))
        return self._feed(x_BTZ, queries, patches_BPD, seen)

    def extend(
        self, x_BTZ: Tensor, queries: int, patches_BPD: Tensor | None, mask: Tensor | None, past: KeysValues | None
    ) -> tuple[Tensor, KeysValues]:
        """The same for new positions after the KV cache `past`, and the grown cache."""
        attended_BTZ, kept = self.attention.extend(x_BTZ, past, mask)
        return self._feed(self.attention_norm(x_BTZ + attended_BTZ), queries, patches_BPD, None), kept

    def _feed(self, x_BTZ: Tensor, queries: int, patches_BPD: Tensor | None, seen: Attention | None) -> Tensor:
        parts = []
        if queries:
            queries_BQZ = x_BTZ[:, :queries]
            if self.cross is not None and self.cross_norm is not None and patches_BPD is not None:
                weights = None if seen is None else seen.layers
                looked_BQZ = self.cross(queries_BQZ, patches_BPD, weights)
                queries_BQZ = self.cross_norm(queries_BQZ + self.dropout(looked_BQZ))
            parts.append(self.query_feed(queries_BQZ))
        if self.text_feed is not None and x_BTZ.shape[1] > queries:
            parts.append(self.text_feed(x_BTZ[:, queries:]))
        return torch.cat(parts, 1) if len(parts) > 1 else parts[0]


class CaptionHead(nn.Module):
    """BERT's language-modelling head with tied embeddings: the output matrix is the word embedding itself."""

    def __init__(self, config: QFormerConfig, vocab_size: int) -> None:
        super().__init__()
        self.dense = nn.Linear(config.width, config.width)
        self.norm = nn.LayerNorm(config.width, eps=config.eps)
        self.bias = nn.Parameter(torch.zeros(vocab_size))

    def forward(self, text_BLZ: Tensor, words_VZ: Tensor) -> Tensor:
        """Logits `[B, L, V]`."""
        return F.linear(self.norm(F.gelu(self.dense(text_BLZ))), words_VZ, self.bias)


class QFormer(nn.Module):
    """The bridge of BLIP-2, with as many of the first stage's heads as its config asks for."""

    def __init__(self, config: QFormerConfig) -> None:
        super().__init__()
        self.config = config
        self.patch_width, self.width, self.queries = config.patch_width, config.width, config.queries
        self.query_tokens = nn.Parameter(torch.empty(config.queries, config.width))
        self.norm = nn.LayerNorm(config.width, eps=config.eps)
        self.dropout = nn.Dropout(config.dropout)
        self.layers = nn.ModuleList(QFormerLayer(config, index) for index in range(config.layers))
        self.text = TextEmbeddings(config, config.vocab_size) if config.vocab_size else None
        self.image_contrast = self.text_contrast = self.temperature = None
        if config.contrast_width:
            self.image_contrast = nn.Linear(config.width, config.contrast_width)
            self.text_contrast = nn.Linear(config.width, config.contrast_width)
            self.temperature = nn.Parameter(torch.tensor(0.07))
        self.matching = nn.Linear(config.width, 2) if config.matching else None
        self.captioning = CaptionHead(config, config.vocab_size or 0) if config.captioning else None
        initialise(self)
        nn.init.normal_(self.query_tokens, std=0.02)

    def forward(self, patches_BPD: Tensor, text: Text | None = None, attention: Attention | None = None) -> Tensor:
        """Query outputs `[B, Q, Z]`; with `text`, after a pass with the bidirectional mask.

        Args:
            patches_BPD: Normalised patch features, any floating dtype; with many texts one row of them will do.
            text: An instruction (instruction-aware models) or the text half of a multimodal feature.
            attention: Gets each cross-attention layer's weights `[B, heads, Q, P]`.
        """
        if text is None:
            return self._run(self._queries(patches_BPD), self.queries, patches_BPD, None, attention)
        x_BTZ = self._join(patches_BPD, text)
        visible_BT = F.pad(text.mask_BL.bool(), (self.queries, 0), value=True)
        return self._run(x_BTZ, self.queries, patches_BPD, visible_BT[:, None, None], attention)[:, : self.queries]

    def text_features(self, text: Text) -> Tensor:
        """The [CLS] token's output `[B, Z]` of the text on its own (uni-modal): what ITC embeds."""
        return self.read(text)[:, 0]

    def read(self, text: Text) -> Tensor:
        """Every token's output `[B, L, Z]` of the text on its own (uni-modal)."""
        if text.tokens_BL.shape[1] == 0:
            raise ModelError("a text of no tokens has no feature: give at least one word")
        words_BLZ = self._text().forward(text.tokens_BL)
        return self._run(words_BLZ, 0, None, text.mask_BL.bool()[:, None, None], None)

    def match(self, patches_BPD: Tensor, text: Text) -> Tensor:
        """Image-text matching (ITM) logits `[B, 2]` (no match, match), the mean over queries.

        Raises `ModelError` without the head.
        """
        if self.matching is None:
            raise ModelError("this Q-Former has no matching head: load a first-stage (retrieval) checkpoint")
        return self.matching(self(patches_BPD, text)).mean(1)  # type: ignore[no-any-return]

    def caption_logits(self, patches_BPD: Tensor, text: Text) -> Tensor:
        """Image-grounded text generation (ITG): logits `[B, L, V]` under the multimodal-causal mask.

        Entry t has seen the image and tokens 0..t, and predicts token t + 1. Raises `ModelError` without the head.
        """
        if self.captioning is None:
            raise ModelError("this Q-Former has no captioning head: Hugging Face checkpoints drop it on conversion")
        x_BTZ = self._join(patches_BPD, text)
        mask = causal_mask(self.queries, text.mask_BL)
        text_BLZ = self._run(x_BTZ, self.queries, patches_BPD, mask, None)[:, self.queries :]
        return self.captioning(text_BLZ, self._text().words.weight)  # type: ignore[no-any-return]

    def contrast_images(self, queries_BQZ: Tensor) -> Tensor:
        """L2-normalised ITC embeddings `[B, Q, K]`, one a query, from the outputs of `forward` without text."""
        if self.image_contrast is None:
            raise ModelError("this Q-Former has no contrastive head: load a first-stage (retrieval) checkpoint")
        return F.normalize(self.image_contrast(queries_BQZ), dim=-1)

    def contrast_texts(self, text_BZ: Tensor) -> Tensor:
        """L2-normalised ITC embeddings `[B, K]` from `text_features` (or `[B, L, K]` from `read`)."""
        if self.text_contrast is None:
            raise ModelError("this Q-Former has no contrastive head: load a first-stage (retrieval) checkpoint")
        return F.normalize(self.text_contrast(text_BZ), dim=-1)

    def _text(self) -> TextEmbeddings:
        if self.text is None:
            raise ModelError("this Q-Former has no text side: second-stage checkpoints keep only its queries")
        return self.text

    def _queries(self, patches_BPD: Tensor) -> Tensor:
        width = patches_BPD.shape[-1]
        if width != self.patch_width:
            raise ModelError(f"patch features are {width} wide, this Q-Former reads {self.patch_width}")
        return self.query_tokens.expand(len(patches_BPD), -1, -1)

    def _join(self, patches_BPD: Tensor, text: Text) -> Tensor:
        """Queries and text of every row; one image serves all texts."""
        rows, texts = len(patches_BPD), len(text.tokens_BL)
        if rows not in (1, texts):
            raise ModelError(f"{rows} images but {texts} texts in one pass: give one image, or as many as texts")
        queries_BQZ = self._queries(patches_BPD).expand(texts, -1, -1)
        return torch.cat([queries_BQZ, self._text().forward(text.tokens_BL)], 1)

    def _run(
        self, x_BTZ: Tensor, queries: int, patches_BPD: Tensor | None, mask: Tensor | None, seen: Attention | None
    ) -> Tensor:
        x_BTZ = self.dropout(self.norm(x_BTZ))
        patches = None if patches_BPD is None else patches_BPD.to(x_BTZ.dtype)
        for layer in self.layers:
            x_BTZ = layer(x_BTZ, queries, patches, mask, seen)
        return x_BTZ


def causal_mask(queries: int, mask_BL: Tensor) -> Tensor:
    """The multimodal-causal attention mask `[B, 1, T, T]` (as UniLM's): true where row may see column."""
    total = queries + mask_BL.shape[1]
    sees_TT = torch.ones(total, total, dtype=torch.bool, device=mask_BL.device).tril()
    sees_TT[:queries, :queries] = True
    visible_BT = F.pad(mask_BL.bool(), (queries, 0), value=True)
    return sees_TT & visible_BT[:, None, None]
