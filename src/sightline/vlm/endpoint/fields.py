"""Every field of OpenAI's chat completions that this endpoint does not act on: what it does with each instead."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sightline.vlm.config import SightlineVlmError, closest


class RequestError(SightlineVlmError):
    """A request this endpoint cannot serve as it stands; `param` is the field at fault, where it is one."""

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


NO_EFFECT: Mapping[str, str] = {
    "metadata": "for stored completions, and nothing is stored",
    "parallel_tool_calls": "there are no tools to call",
    "prediction": "it only makes answers faster",
    "prompt_cache_key": "it only makes answers faster",
    "prompt_cache_options": "it only makes answers faster",
    "prompt_cache_retention": "it only makes answers faster",
    "safety_identifier": "who is asking changes no answer",
    "service_tier": "there is one tier",
    "user": "who is asking changes no answer",
}
"""Accepted whatever they hold: the answer is the one that was asked for. Each with why."""


@dataclass(frozen=True)
class Unserved:
    """A field whose effect is not to be had: refused unless it holds a default, which asks for nothing."""

    defaults: tuple[Any, ...]
    instead: str


_NO_TOOLS = "the models call no tools: leave it out and ask in words"
_NO_LOGPROBS = "only the probability of the chosen token is known: leave it out, logprobs alone is served"
_NO_PENALTY = "only 0 is possible: leave it out (repetition_penalty is in the Python library)"

UNSERVED: Mapping[str, Unserved] = {
    "audio": Unserved((), "the models speak no audio: leave it out"),
    "frequency_penalty": Unserved((0,), _NO_PENALTY),
    "function_call": Unserved(("none", "auto"), _NO_TOOLS),
    "functions": Unserved(([],), _NO_TOOLS),
    "logit_bias": Unserved(({},), "tokens cannot be weighted: leave it out"),
    "modalities": Unserved((["text"],), 'answers are text: leave it out or send ["text"]'),
    "moderation": Unserved((), "nothing is moderated: leave it out"),
    "presence_penalty": Unserved((0,), _NO_PENALTY),
    "reasoning_effort": Unserved(("none",), 'the models do not reason first: leave it out or send "none"'),
    "response_format": Unserved(
        ({"type": "text"},), 'answers are plain text, never held to JSON: leave it out or send {"type": "text"}'
    ),
    "store": Unserved((False,), "completions are not stored: leave it out or send false"),
    "tool_choice": Unserved(("none", "auto"), _NO_TOOLS),
    "tools": Unserved(([],), _NO_TOOLS),
    "top_logprobs": Unserved((0,), _NO_LOGPROBS),
    "verbosity": Unserved(("medium",), 'length cannot be asked for in words: leave it out or send "medium"'),
    "web_search_options": Unserved((), "the models search nothing: leave it out"),
}


def refuse_unserved(given: Mapping[str, Any], served: frozenset[str]) -> None:
    """Raises `RequestError` for the first field beyond `served` that would change the answer; null asks for nothing."""
    for name, value in given.items():
        if value is None or name in NO_EFFECT:
            continue
        if name not in UNSERVED:
            known = [*served, *NO_EFFECT, *UNSERVED]
            raise RequestError(f"{name} is not a field of chat completions here: {closest(name, known)}", name)
        if value not in UNSERVED[name].defaults:
            raise RequestError(f"{name} is not served: {UNSERVED[name].instead}", name)
