"""What both adapters share: a transformers language model made from its config, and its special tokens."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import torch
from torch import Tensor, nn

from sightline.vlm.config import Config, ConfigError
from sightline.vlm.families import Way, keep_wide
from sightline.vlm.language.proof import ROOT, accepts, found

ARGUMENTS = ("position_ids", "logits_to_keep", "attention_mask", "use_cache")
"""Arguments that not every model takes."""


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
        return keep_wide(automatic.from_config(self.known(), dtype=torch.get_default_dtype()))

    def known(self) -> Any:
        """transformers' config object; raises `ConfigError` for a kind it does not know."""
        from huggingface_hub.errors import StrictDataclassError  # late, as transformers, which takes a second
        from transformers import AutoConfig

        values = {key: value for key, value in self.architecture.items() if key != "model_type"}
        try:
            return AutoConfig.for_model(self.architecture["model_type"], **values)
        except (KeyError, ValueError, TypeError, StrictDataclassError) as problem:
            kind = self.architecture.get("model_type")
            said = " ".join(str(problem).split())
            raise ConfigError(f"transformers does not know the language model type {kind!r}: {said}") from problem

    def prove(self) -> Way:
        """How the model must be called, before it is there; raises `FamilyRefusedError` where no way makes it right."""
        raise NotImplementedError


class ForeignLanguage(nn.Module):
    """Base of the adapters: embeddings, sizes and special tokens of the wrapped model, and how it must be called."""

    automatic: str
    """Name of transformers' Auto class."""

    def __init__(self, config: LanguageConfig, model: Any, way: Way | None = None) -> None:
        """`way` is how the model is called; none: as a self-check finds out.

        Raises `FamilyRefusedError` for one that no way of calling makes right.
        """
        super().__init__()
        self.config = config
        self.model = model
        inner = model.config.get_text_config()
        self.width: int = model.get_input_embeddings().weight.shape[1]
        self.embedded: int = model.get_input_embeddings().weight.shape[0]
        """Tokens that it can read: more or fewer than it can write, where the output matrix was padded."""
        self.vocab_size: int = model.get_output_embeddings().weight.shape[0]
        tokens = {name: getattr(inner, name, None) for name in ("eos_token_id", "bos_token_id", "pad_token_id")}
        self.eos_ids, self.bos_id, self.pad_id = special_tokens(config, tokens)
        self.takes = {name: accepts(model, name) for name in ARGUMENTS}
        self.way = found(type(self), config) if way is None else way

    def train(self, mode: bool = True) -> Self:
        """A frozen language model stays in evaluation mode: no dropout, no jitter of a router."""
        return super().train(mode and any(each.requires_grad for each in self.parameters()))

    def embed(self, tokens_BL: Tensor) -> Tensor:
        """Input embeddings `[B, L, E]` as the model reads them; ignored labels (negative) are read as padding."""
        embedded_BLE = self.model.get_input_embeddings()(tokens_BL.where(tokens_BL >= 0, self.pad_id))
        return embedded_BLE * self.width**0.5 if self.way.scale == ROOT else embedded_BLE  # type: ignore[no-any-return]


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
