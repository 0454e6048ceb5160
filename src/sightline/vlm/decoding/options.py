"""How an answer is decoded: one frozen object, checked before any model runs."""

from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import Any, Self

from sightline.vlm.config import SightlineVlmError, closest


class DecodingError(SightlineVlmError):
    """Options that contradict each other or lie outside their range; the message names the value and the range."""


@dataclass(frozen=True, kw_only=True)
class Decoding:
    """Options of one generation, by transformers' names. The defaults are greedy decoding."""

    num_beams: int = 1
    """Beam width: hypotheses kept a row; 1 is greedy decoding or sampling."""
    max_new_tokens: int = 30
    """Tokens after which an answer is cut."""
    min_new_tokens: int = 0
    """Tokens before which an answer may not end."""
    length_penalty: float = 1.0
    """Exponent p in score = log-probability / length^p of beam search; above 0 favours long answers."""
    repetition_penalty: float = 1.0
    """Above 1 makes tokens that were already written less likely (arXiv 1909.05858, section 4.1)."""
    do_sample: bool = False
    """Sample tokens instead of taking the likeliest (argmax)."""
    top_p: float = 1.0
    """Nucleus sampling: draw from the smallest set of tokens that holds this much probability (arXiv 1904.09751)."""
    top_k: int = 0
    """Top-k sampling: draw from the k likeliest tokens; 0 is all of them."""
    temperature: float = 1.0
    """Logits are divided by it before drawing."""
    num_return_sequences: int = 1
    """Answers a row: the best beams, or as many independent draws."""
    seed: int | None = None
    """Seed of the draws; None takes torch's global generator."""

    @classmethod
    def of(cls, options: dict[str, Any]) -> Self:
        """From keyword arguments as a user types them; an unknown name is an error that lists the known ones."""
        known = [each.name for each in fields(cls)]
        unknown = sorted(set(options) - set(known))
        if unknown:
            raise DecodingError(f"unknown decoding option {unknown[0]!r}: {closest(unknown[0], known)}")
        return cls(**options)

    def __post_init__(self) -> None:
        self._check_kinds()
        self._check_ranges()
        self._check_together()

    def _check_kinds(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(each.default, bool) or (value is None and each.default is None):
                continue
            kind, what = (Real, "a number") if isinstance(each.default, float) else (Integral, "a whole number")
            if not isinstance(value, kind):
                raise DecodingError(f"{each.name}={value!r} is {type(value).__name__}: it must be {what}")

    def _check_ranges(self) -> None:
        ranges = {
            "num_beams": (self.num_beams >= 1, "at least 1"),
            "max_new_tokens": (self.max_new_tokens >= 1, "at least 1"),
            "min_new_tokens": (self.min_new_tokens >= 0, "at least 0"),
            "repetition_penalty": (self.repetition_penalty > 0, "above 0; 1 changes nothing"),
            "top_p": (0 < self.top_p <= 1, "above 0 and at most 1"),
            "top_k": (self.top_k >= 0, "at least 0; 0 is all tokens"),
            "temperature": (self.temperature > 0, "above 0; for the likeliest token use do_sample=False"),
            "num_return_sequences": (self.num_return_sequences >= 1, "at least 1"),
        }
        for name, (holds, rule) in ranges.items():
            if not holds:
                raise DecodingError(f"{name}={getattr(self, name)} is out of range: it must be {rule}")

    def _check_together(self) -> None:
        if self.min_new_tokens > self.max_new_tokens:
            raise DecodingError(
                f"min_new_tokens={self.min_new_tokens} is above max_new_tokens={self.max_new_tokens}: "
                "lower the first or raise the second"
            )
        if self.num_beams > 1 and self.num_return_sequences > self.num_beams:
            raise DecodingError(
                f"num_return_sequences={self.num_return_sequences} is above num_beams={self.num_beams}: "
                "a search returns at most one answer a beam"
            )
        if self.do_sample:
            return
        if self.num_beams == 1 and self.num_return_sequences > 1:
            raise DecodingError(
                f"greedy search has one answer, num_return_sequences={self.num_return_sequences} asks for more: "
                "set num_beams, or do_sample=True"
            )
        for name, neutral in (("temperature", 1.0), ("top_p", 1.0), ("top_k", 0)):
            if getattr(self, name) != neutral:
                raise DecodingError(f"{name}={getattr(self, name)} only acts when drawing: add do_sample=True")
