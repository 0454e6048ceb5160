"""How one architecture must be called to answer right, as a self-check found it out."""

from dataclasses import asdict, dataclass
from typing import Any, Self

from sightline.vlm.config import ConfigError


class FamilyRefusedError(ConfigError):
    """An architecture that no way of calling makes right; the message says what fails."""

    def __init__(self, reason: str, message: str | None = None) -> None:
        """`message` is the sentence around the reason; none: the reason itself."""
        super().__init__(message or reason)
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class Way:
    """How a language model is called. The defaults are the fastest way; everything else is slower and as right."""

    scale: str = ""
    """What token embeddings are multiplied with on the ids path only: nothing, or "root" of the width."""
    positions: int | None = 0
    """Position id of the first position; none: the model counts by itself."""
    cache: str = "past_key_values"
    """Argument and output that hold the cache; empty: everything is read again for every token."""
    made: bool = True
    """Whether it begins with a `DynamicCache`; otherwise the model makes its own."""
    masked: bool = True
    """Whether it takes an attention mask of all positions so far; otherwise none, and no padding either."""
    reorders: bool = True
    """Whether the cache chooses rows by its own method; otherwise rows are the first dimension of all it holds."""
    copies: bool = False
    """Whether the model writes into its cache in place, so that every step needs a copy of all of it."""
    continues: str = "whole"
    """How a cached prefix is continued by several positions: "whole", one by one ("single"), or read again ("")."""
    padded: bool = True
    """Whether padding may stand between positions; otherwise rows are grouped by length."""
    until: int = 0
    """Positions, padding counted, up to which padding does no harm all the same: the narrowest window of attention."""
    batched: bool = True
    """Whether rows may run together; otherwise each runs alone."""
    encodes: bool = True
    """Whether an encoder-decoder decodes from its encoder's output; otherwise it encodes again for every token."""

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """What `to_dict` wrote."""
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)

    @property
    def slower(self) -> tuple[str, ...]:
        """What is slower than usual, in words; nothing where all is as usual."""
        said = {
            "everything is read again for every token": not self.cache,
            "the prefix is encoded again for every token": not self.encodes,
            "a prefix is continued token by token": bool(self.cache) and self.continues == "single",
            "a prefix that is continued is read again": bool(self.cache) and not self.continues,
            "rows are grouped by length": self.batched and not self.padded and not self.until,
            f"rows are grouped by length beyond {self.until} positions": self.batched
            and not self.padded
            and self.until,
            "rows run one at a time": not self.batched,
        }
        return tuple(words for words, holds in said.items() if holds)
