"""Incremental detokenization, whatever the tokenizer: words by what each token adds to the decoded text."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

Decode = Callable[[list[int]], str]
"""Token ids to text without special tokens."""
UNFINISHED = "\ufffd"
"""The replacement character: what half a multi-byte character decodes to."""


@dataclass
class Unfolding:
    """A streaming detokenizer: what each token adds to the text, held back while a UTF-8 character is incomplete."""

    decode: Decode
    tokens: list[int] = field(default_factory=list)
    text: str = ""

    def push(self, token: int) -> str:
        """The text this token (and any held back before it) adds; empty for special tokens and half characters."""
        self.tokens.append(token)
        now = self.decode(self.tokens).rstrip(UNFINISHED)
        added = now[len(self.text) :] if now.startswith(self.text) else ""
        if added:
            self.text = now
        return added


@dataclass
class Word:
    """A run of non-space text and the tokens that wrote it."""

    text: str
    places: list[int]
    """Which tokens of the answer, counted from 0."""


def split_words(tokens: Sequence[int], decode: Decode) -> list[Word]:
    """The words of an answer; tokens without text (ending tokens, half characters) join the word they complete."""
    unfolding, words = Unfolding(decode), list[Word]()
    waiting: list[int] = []
    fresh = True
    for place, token in enumerate(tokens):
        added = unfolding.push(token)
        waiting.append(place)
        if not added.strip():
            fresh = fresh or bool(added)
            continue
        if fresh or added[0].isspace():
            words.append(Word(added.strip(), waiting))
        else:
            words[-1].text += added.rstrip()
            words[-1].places += waiting
        waiting, fresh = [], added[-1].isspace()
    return words
