"""VQA accuracy: how answers to visual questions are compared with what people said (VQA v2's official evaluation).

Punctuation, case, articles and number words do not count, contractions get their apostrophes; an answer is worth a
third for each person who gave it, averaged over all ways to leave one person out (arXiv 1505.00468, section 5).
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

from sightline.vlm.config import SightlineVlmError

NUMBERS = {
    "none": "0",
    **{word: str(at) for at, word in enumerate("zero one two three four five six seven eight nine ten".split())},
}
"""Number words and the digits they are compared as."""
ARTICLES = ("a", "an", "the")
"""Words that do not count."""
PUNCTUATION = tuple(';/[]"{}()=+\\_-><@`,?!')
"""Marks that do not count."""
POINT = re.compile(r"\.(?!\d)")
"""A full stop, but no decimal point."""
THOUSANDS = re.compile(r"\d,\d")
"""A comma between digits."""
AGREED = 3
"""People who must give an answer for it to be wholly right."""


class AnswerError(SightlineVlmError):
    """Answers and annotations that do not belong together."""


def normalise(answer: str) -> str:
    """An answer as it is compared."""
    words = _without_punctuation(_one_line(answer)).lower().split()
    plain = [NUMBERS.get(word, word) for word in words]
    return " ".join(contractions().get(word, word) for word in plain if word not in ARTICLES)


def accuracy(answer: str, people: Sequence[str]) -> float:
    """How right an answer is, 0 to 1, by what (usually ten) people answered.

    As in the official program, spelling counts where all people wrote exactly the same. Raises `AnswerError` for fewer
    than two people.
    """
    if len(people) < 2:
        raise AnswerError(f"{len(people)} people answered: it takes two, so that one can be left out")
    said, given = [_one_line(each) for each in people], _one_line(answer)
    if len(set(said)) > 1:
        said, given = [normalise(each) for each in said], normalise(given)
    same = [each.lower() == given.lower() for each in said]
    return sum(min(1.0, (sum(same) - own) / AGREED) for own in same) / len(same)


def score(results: Iterable[Mapping[str, Any]], annotations: Mapping[str, Any]) -> dict[str, Any]:
    """Accuracies in percent: of all answers, by type of question, and by type of answer.

    Args:
        results: As the challenge takes them, [{"question_id": 1, "answer": "yes"}, …].
        annotations: The dataset's file, {"annotations": [{"question_id": 1, "answers": [{"answer": "yes"}, …], …}]}.

    Raises:
        AnswerError: A question without an answer, answered twice, or not in the annotations.
    """
    answers = _by_question(results)
    known = {row["question_id"]: row for row in annotations["annotations"]}
    if strange := sorted(answers.keys() - known.keys()):
        raise AnswerError(f"question {strange[0]} is not in the annotations: are they of the same split?")
    if absent := sorted(known.keys() - answers.keys()):
        raise AnswerError(f"{len(absent)} questions have no answer, the first is {absent[0]}: answer every one")
    right = {at: accuracy(answers[at], [each["answer"] for each in row["answers"]]) for at, row in known.items()}
    return {
        "overall": _percent(right.values()),
        "questions": len(right),
        "by_question_type": _grouped(right, lambda at: known[at].get("question_type")),
        "by_answer_type": _grouped(right, lambda at: known[at].get("answer_type")),
    }


@cache
def contractions() -> dict[str, str]:
    """The official table: words without their apostrophes, and with them."""
    table: dict[str, str] = json.loads((resources.files(__package__) / "contractions.json").read_text("utf-8"))
    return table


def _one_line(answer: str) -> str:
    return answer.replace("\n", " ").replace("\t", " ").strip()


def _without_punctuation(answer: str) -> str:
    """A mark goes where a space stands beside it (anywhere, if some number has a comma), else becomes a space."""
    thousands = THOUSANDS.search(answer) is not None
    plain = answer
    for mark in PUNCTUATION:
        beside = f"{mark} " in answer or f" {mark}" in answer
        plain = plain.replace(mark, "" if beside or thousands else " ")
    return POINT.sub("", plain)


def _by_question(results: Iterable[Mapping[str, Any]]) -> dict[Any, str]:
    answers: dict[Any, str] = {}
    for row in results:
        if row["question_id"] in answers:
            raise AnswerError(f"question {row['question_id']} is answered twice")
        answers[row["question_id"]] = str(row["answer"])
    return answers


def _grouped(right: Mapping[Any, float], kind: Callable[[Any], str | None]) -> dict[str, float]:
    groups: dict[str, list[float]] = {}
    for at, share in right.items():
        if (name := kind(at)) is not None:
            groups.setdefault(name, []).append(share)
    return {name: _percent(shares) for name, shares in sorted(groups.items())}


def _percent(shares: Iterable[float]) -> float:
    listed = list(shares)
    return round(100 * sum(listed) / len(listed), 2) if listed else 0.0
