"""What LAVIS does to short answers before they are compared: nouns and verbs in their dictionary form."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sightline.vlm.config import SightlineVlmError

PIPELINE = "en_core_web_sm"


class LemmatizerError(SightlineVlmError):
    """spaCy or its English pipeline is not installed."""


def lemmatised(answers: Sequence[str]) -> list[str]:
    """Nouns and verbs become their lemmas, other words stay; raises `LemmatizerError` without spaCy."""
    pipeline = _pipeline()
    return [
        " ".join(token.lemma_ if token.pos_ in ("NOUN", "VERB") else token.text for token in pipeline(answer))
        for answer in answers
    ]


@cache
def _pipeline() -> Any:
    try:
        import spacy  # type: ignore[import-not-found,unused-ignore]  # late: optional, and slow to import

        return spacy.load(PIPELINE)
    except (ImportError, OSError) as problem:
        raise LemmatizerError(
            f"apply_lemmatizer needs spaCy and its pipeline {PIPELINE}: pip install spacy, then "
            f"python -m spacy download {PIPELINE}"
        ) from problem
