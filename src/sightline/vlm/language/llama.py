"""A plain Llama of our own behind the protocol: for small models, without the seconds transformers takes to load.

Parameter names and arithmetic are those of transformers' `LlamaForCausalLM`, so weights go either way. Position ids are
counted over the attention mask, so padding may stand anywhere before the last position of a row.

Shapes: B rows, L new positions, S positions read so far, T target tokens, E embedding width, V vocabulary, H heads of
width W (G of keys and values).
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.vlm.blocks.attention import KeysValues, check_heads
from sightline.vlm.blocks.layers import initialise
from sightline.vlm.config import ConfigError, closest
from sightline.vlm.families import Way
from sightline.vlm.language.foreign import LanguageConfig, special_tokens

SHAPE = {"vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads"}
"""Fields of transformers' config that a Llama cannot do without."""
KNOWN = SHAPE | {
    "model_type",
    "num_key_value_heads",
    "rms_norm_eps",
    "rope_theta",
    "max_position_embeddings",
    "tie_word_embeddings",
    "bos_token_id",
    "eos_token_id",
    "pad_token_id",
}
"""All fields that are understood; another one might change what is computed."""


@dataclass(frozen=True, kw_only=True)
class LlamaConfig(LanguageConfig):
    """A Llama without scaled rotary positions, biases or other variations, built without transformers.

    Raises `ConfigError` for an architecture that is not one: `CausalConfig` takes every Llama, through transformers.
    """

    def build(self) -> "LlamaLanguage":
        missing, unknown = SHAPE - self.architecture.keys(), self.architecture.keys() - KNOWN
        if self.architecture.get("model_type") != "llama" or missing:
            absent = f"lacks {', '.join(sorted(missing))}" if missing else "is of another model_type"
            raise ConfigError(f"a LlamaConfig's architecture {absent}: use CausalConfig for other language models")
        if unknown:
            name = sorted(unknown)[0]
            raise ConfigError(f"LlamaConfig has no {name!r}: {closest(name, KNOWN)} (CausalConfig takes every field)")
        return LlamaLanguage(self)

    def prove(self) -> Way:
        """Nothing is to be found out of a model of our own."""
        return Way()


@dataclass(frozen=True)
class LlamaState:
    """The KV cache, a pair of tensors a layer, and the attention mask `[B, S]` of its positions. Immutable."""

    layers: tuple[KeysValues, ...]
    mask_BS: Tensor

    def select(self, rows_R: Tensor) -> "LlamaState":
        """The state of these rows, in this order, repeats allowed."""
        some = [tuple(each[rows_R.to(each.device)] for each in layer) for layer in self.layers]
        return LlamaState(tuple((keys, values) for keys, values in some), self.mask_BS[rows_R])


class LlamaLanguage(nn.Module):
    """A `Llama` behind the protocol of language models."""

    is_encoder_decoder = False

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        self.config = config
        self.model = Llama(config.architecture)
        self.vocab_size, self.width = self.model.lm_head.weight.shape
        self.eos_ids, self.bos_id, self.pad_id = special_tokens(config, config.architecture)

    def embed(self, tokens_BL: Tensor) -> Tensor:
        """Input embeddings `[B, L, E]`; ignored labels (negative) are read as padding."""
        return self.model.model.embed_tokens(tokens_BL.where(tokens_BL >= 0, self.pad_id))  # type: ignore[no-any-return]

    def logits(self, prefix_BLE: Tensor, mask_BL: Tensor, targets_BT: Tensor) -> Tensor:
        """Teacher-forced logits `[B, T, V]`; targets are padded on the right, anything there is ignored."""
        words_BTE = self.embed(targets_BT[:, :-1]).to(prefix_BLE.dtype)
        mask_BS = torch.cat([mask_BL, mask_BL.new_ones(words_BTE.shape[:2])], 1)
        inputs_BLE = torch.cat([prefix_BLE, words_BTE], 1)
        return self.model(inputs_BLE, mask_BS, (), targets_BT.shape[1])[0]  # type: ignore[no-any-return]

    def prefill(
        self, prefix_BLE: Tensor, mask_BL: Tensor, after: LlamaState | None = None
    ) -> tuple[Tensor, LlamaState]:
        """Prefills a prefix, continuing `after` if given; logits `[B, V]` of the next token, and the KV cache."""
        mask_BS = mask_BL if after is None else torch.cat([after.mask_BS, mask_BL], 1)
        logits_BTV, layers = self.model(prefix_BLE, mask_BS, () if after is None else after.layers, 1)
        return logits_BTV[:, -1], LlamaState(layers, mask_BS)

    def step(self, tokens_B: Tensor, state: LlamaState) -> tuple[Tensor, LlamaState]:
        """One decoding step: logits `[B, V]` of the next token, and the cache after it (`state` itself stays)."""
        return self.prefill(self.embed(tokens_B[:, None]), state.mask_BS.new_ones(len(tokens_B), 1), state)

    def follow(self, targets_BT: Tensor, logits_BV: Tensor, state: LlamaState) -> Tensor:
        """Teacher-forced logits `[B, T, V]` of targets that continue a prefilled prefix."""
        if targets_BT.shape[1] == 1:
            return logits_BV[:, None]
        words_BTE = self.embed(targets_BT[:, :-1])
        mask_BS = torch.cat([state.mask_BS, state.mask_BS.new_ones(words_BTE.shape[:2])], 1)
        rest_BTV, _ = self.model(words_BTE, mask_BS, state.layers, words_BTE.shape[1])
        return torch.cat([logits_BV[:, None], rest_BTV], 1)


class Llama(nn.Module):
    """Decoder and output embeddings, under transformers' names."""

    def __init__(self, architecture: dict[str, Any]) -> None:
        super().__init__()
        self.model = Decoder(architecture)
        self.lm_head = nn.Linear(architecture["hidden_size"], architecture["vocab_size"], bias=False)
        self.tied = bool(architecture.get("tie_word_embeddings", False))
        initialise(self)
        if self.tied:
            self.lm_head.weight = self.model.embed_tokens.weight

    def forward(
        self, inputs_BLE: Tensor, mask_BS: Tensor, past: tuple[KeysValues, ...], keep: int
    ) -> tuple[Tensor, tuple[KeysValues, ...]]:
        """Logits `[B, keep, V]` of the last positions, and the grown KV cache."""
        read_BLE, layers = self.model(inputs_BLE, mask_BS, past)
        return self.lm_head(read_BLE[:, -keep:]), layers

    def get_input_embeddings(self) -> nn.Module:
        """As transformers' models have it: where a model split over devices begins."""
        return self.model.embed_tokens

    def get_expanded_tied_weights_keys(self, all_submodels: bool = False) -> dict[str, str]:  # noqa: ARG002 - theirs
        """As transformers' models have it: each tied weight, and what it is tied to."""
        return {"lm_head.weight": "model.embed_tokens.weight"} if self.tied else {}


class Decoder(nn.Module):
    """Embeddings, layers, and the norm after them."""

    def __init__(self, architecture: dict[str, Any]) -> None:
        super().__init__()
        width, heads = architecture["hidden_size"], architecture["num_attention_heads"]
        check_heads(width, heads)
        eps = architecture.get("rms_norm_eps", 1e-6)
        few = architecture.get("num_key_value_heads") or heads
        self.embed_tokens = nn.Embedding(architecture["vocab_size"], width)
        self.layers = nn.ModuleList(
            Layer((width, heads, few), architecture["intermediate_size"], eps)
            for _ in range(architecture["num_hidden_layers"])
        )
        self.norm = RmsNorm(width, eps)
        self.head_width, self.theta = width // heads, float(architecture.get("rope_theta", 10000.0))

    def forward(
        self, x_BLE: Tensor, mask_BS: Tensor, past: tuple[KeysValues, ...]
    ) -> tuple[Tensor, tuple[KeysValues, ...]]:
        """Normalised outputs `[B, L, E]`, and the grown KV cache."""
        L, S = x_BLE.shape[1], mask_BS.shape[1]
        slots_S = torch.arange(S, device=mask_BS.device)
        before_LS = slots_S <= slots_S[S - L :, None]
        itself_LS = slots_S == slots_S[S - L :, None]  # padding sees itself: a softmax over nothing is not a number
        seen = (before_LS & mask_BS.bool()[:, None] | itself_LS)[:, None]
        turned = self._turned(mask_BS, L, x_BLE.dtype)
        layers: list[KeysValues] = []
        for at, layer in enumerate(self.layers):
            x_BLE, grown = layer(x_BLE, turned, seen, past[at] if past else None)
            layers.append(grown)
        return self.norm(x_BLE), tuple(layers)

    def _turned(self, mask_BS: Tensor, new: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Cosines and sines `[B, 1, L, W]` of rotary positions (RoFormer, arXiv 2104.09864) of the `new` last ones."""
        places_BL = (mask_BS.long().cumsum(1) - 1).clamp(min=0)[:, -new:]
        steps = torch.arange(0, self.head_width, 2, dtype=torch.float32, device=mask_BS.device) / self.head_width
        angles_BLW = (places_BL[..., None].float() * (1.0 / self.theta**steps)).repeat(1, 1, 2)[:, None]
        return angles_BLW.cos().to(dtype), angles_BLW.sin().to(dtype)


class Layer(nn.Module):
    """A pre-norm decoder layer."""

    def __init__(self, shape: tuple[int, int, int], mlp_width: int, eps: float) -> None:
        super().__init__()
        self.self_attn = GroupedAttention(*shape)
        self.mlp = GatedMlp(shape[0], mlp_width)
        self.input_layernorm = RmsNorm(shape[0], eps)
        self.post_attention_layernorm = RmsNorm(shape[0], eps)

    def forward(
        self, x_BLE: Tensor, turned: tuple[Tensor, Tensor], seen: Tensor, past: KeysValues | None
    ) -> tuple[Tensor, KeysValues]:
        """Output `[B, L, E]`, and the grown keys and values."""
        heard_BLE, grown = self.self_attn(self.input_layernorm(x_BLE), turned, seen, past)
        x_BLE = x_BLE + heard_BLE
        return x_BLE + self.mlp(self.post_attention_layernorm(x_BLE)), grown


class GroupedAttention(nn.Module):
    """Causal attention with rotary positions, whose heads may share keys and values (GQA, arXiv 2305.13245)."""

    def __init__(self, width: int, heads: int, few: int) -> None:
        super().__init__()
        check_heads(heads, few)
        self.head_width = width // heads
        self.q_proj = nn.Linear(width, width, bias=False)
        self.k_proj = nn.Linear(width, few * self.head_width, bias=False)
        self.v_proj = nn.Linear(width, few * self.head_width, bias=False)
        self.o_proj = nn.Linear(width, width, bias=False)

    def forward(
        self, x_BLE: Tensor, turned: tuple[Tensor, Tensor], seen: Tensor, past: KeysValues | None
    ) -> tuple[Tensor, KeysValues]:
        """Output `[B, L, E]`, and the grown keys and values `[B, G, S, W]`."""
        split = (*x_BLE.shape[:2], -1, self.head_width)
        asks, keys, values = (
            project(x_BLE).view(split).transpose(1, 2) for project in (self.q_proj, self.k_proj, self.v_proj)
        )
        asks, keys = _turn(asks, turned), _turn(keys, turned)
        if past is not None:
            keys, values = torch.cat([past[0], keys], 2), torch.cat([past[1], values], 2)
        shared = asks.shape[1] != keys.shape[1]
        heard = F.scaled_dot_product_attention(asks, keys, values, attn_mask=seen, enable_gqa=shared)
        return self.o_proj(heard.transpose(1, 2).flatten(2)), (keys, values)


class GatedMlp(nn.Module):
    """The SwiGLU feed-forward network (arXiv 2002.05202)."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(width, hidden, bias=False)
        self.up_proj = nn.Linear(width, hidden, bias=False)
        self.down_proj = nn.Linear(hidden, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Output of the shape of `x`, `[..., width]`."""
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))  # type: ignore[no-any-return]


class RmsNorm(nn.Module):
    """RMSNorm (arXiv 1910.07467), computed in float32."""

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """Output of the shape of `x`, `[..., width]`."""
        wide = x.float()
        return self.weight * (wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + self.eps)).to(x.dtype)


def _turn(x_BHLW: Tensor, turned: tuple[Tensor, Tensor]) -> Tensor:
    first, second = x_BHLW.chunk(2, -1)
    return x_BHLW * turned[0] + torch.cat([-second, first], -1) * turned[1]
