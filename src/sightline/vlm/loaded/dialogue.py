"""Multi-turn dialogue about one image: it is encoded once, and earlier turns are read before every question."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sightline.vlm.loaded.answers import Answer

Say = Callable[[str, Sequence[str], str | bool | None, dict[str, Any]], Answer]
"""Answers a whole prompt that holds these texts, the question last, with a method of looking and decoding options."""


@dataclass(frozen=True, eq=False)
class Turn:
    """One question and its answer."""

    question: str
    answer: Answer


class Chat:
    """Questions that build on each other: the language model reads earlier turns as "Question: q Answer: a."."""

    def __init__(self, say: Say, template: str, remember: int | None = None) -> None:
        """`template` has one `{}` for a question; `remember` is how many earlier turns are read, None for all."""
        self._say, self._template, self._remember = say, template, remember
        self.turns: list[Turn] = []

    def ask(self, question: str, *, looked: str | bool | None = None, **decoding: Any) -> Answer:
        """The answer to a question, which becomes part of what the next one builds on."""
        said = [text for turn in self._kept() for text in (turn.question, _told(turn))]
        answer = self._say(self.prompt(question), [*said, question], looked, decoding)
        self.turns.append(Turn(question, answer))
        return answer

    def prompt(self, question: str) -> str:
        """What the language model reads for this question: the turns remembered, then the question."""
        told = [f"{self._asked(turn.question)} {_told(turn)}." for turn in self._kept()]
        return " ".join([*told, self._asked(question)])

    def forget(self) -> None:
        """Begins again with the same image."""
        self.turns.clear()

    def _kept(self) -> list[Turn]:
        return self.turns if self._remember is None else self.turns[max(0, len(self.turns) - self._remember) :]

    def _asked(self, question: str) -> str:
        return self._template.replace("{}", question)


def _told(turn: Turn) -> str:
    return turn.answer.text.rstrip(".")
