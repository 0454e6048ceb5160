"""What both adapters share: a transformers language model made from its config, and its special tokens."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from sightline.vlm.config import Config, ConfigError


@dataclass(frozen=True, kw_only=True)
class LanguageConfig(Config):
    """A language model as transformers describes it, with the special tokens that end and pad an answer."""

    architecture: dict[str, Any] = field(hash=False)
    """transformers' own config as it stands in a checkpoint; `model_type` names the architecture."""
    eos_ids: tuple[int, ...] = ()
    """End-of-sequence (EOS) tokens; empty: those of the architecture."""
    bos_id: int | None = None
    """Beginning-of-sequence (BOS) token; none: the architecture's."""
    pad_id: int | None = None
    """Padding token of a batch; none: the architecture's, else its first EOS token."""

    def foreign(self, automatic: Any) -> Any:
        """The transformers model through one of its Auto classes, in PyTorch's default dtype."""
        from transformers import AutoConfig  # late: importing transformers takes a second

        values = {key: value for key, value in self.architecture.items() if key != "model_type"}
        try:
            config = AutoConfig.for_model(self.architecture["model_type"], **values)
        except (KeyError, ValueError) as problem:
            kind = self.architecture.get("model_type")
            raise ConfigError(f"transformers does not know the language model type {kind!r}: {problem}") from problem
        return automatic.from_config(config, dtype=torch.get_default_dtype())


class ForeignLanguage(nn.Module):
    """Base of the adapters: embeddings, sizes and special tokens of the wrapped model."""

    def __init__(self, config: LanguageConfig, model: Any) -> None:
        super().__init__()
        self.config = config
        self.model = model
        inner = model.config.get_text_config()
        self.width: int = model.get_input_embeddings().weight.shape[1]
        self.vocab_size: int = model.get_output_embeddings().weight.shape[0]
        tokens = {name: getattr(inner, name, None) for name in ("eos_token_id", "bos_token_id", "pad_token_id")}
        self.eos_ids, self.bos_id, self.pad_id = special_tokens(config, tokens)

    def embed(self, tokens_BL: Tensor) -> Tensor:
        """Input embeddings `[B, L, E]`; ignored labels (negative) are read as padding."""
        embeddings = self.model.get_input_embeddings()
        return embeddings(tokens_BL.where(tokens_BL >= 0, self.pad_id))  # type: ignore[no-any-return]


def accepts(model: Any, name: str) -> bool:
    """Whether the model's forward has a parameter of this name."""
    return name in inspect.signature(model.forward).parameters


def special_tokens(config: LanguageConfig, tokens: Mapping[str, Any]) -> tuple[tuple[int, ...], int | None, int]:
    """Ids of EOS, BOS and padding: the config's own, else those among the architecture's `tokens`."""
    eos_ids = config.eos_ids or _several(tokens.get("eos_token_id"))
    bos_id = config.bos_id if config.bos_id is not None else tokens.get("bos_token_id")
    pads = (config.pad_id, tokens.get("pad_token_id"), *eos_ids, 0)
    return eos_ids, bos_id, next(pad for pad in pads if pad is not None)


def _several(token: int | list[int] | None) -> tuple[int, ...]:
    if token is None:
        return ()
    return (token,) if isinstance(token, int) else tuple(token)
