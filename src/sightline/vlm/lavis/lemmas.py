"""Lemmatization of short answers before they are compared: nouns and verbs in their dictionary form.

LAVIS asks spaCy. Where that is not installed, "rules" knows the endings of English words and the commonest exceptions:
good for answers of a word or two, wrong now and then, as it does not know which words are nouns or verbs.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from sightline.vlm.config import SightlineVlmError

PIPELINE = "en_core_web_sm"
"""spaCy's small English pipeline, which LAVIS uses."""
RULES = "rules"
"""What asks for the lemmatizer that needs no package."""

Lemmatizer = Callable[[Sequence[str]], list[str]]


class LemmatizerError(SightlineVlmError):
    """spaCy or its English pipeline is not installed, or another lemmatizer was named that is not there."""


def lemmatizer(asked: Any) -> Lemmatizer | None:
    """The function for what was asked for: True is spaCy's, "rules" ours, a function itself, anything false none.

    Raises `LemmatizerError` when spaCy is asked for and not installed: before anything is generated.
    """
    if not asked:
        return None
    if callable(asked):
        return lambda answers: [str(asked(answer)) for answer in answers]
    if asked == RULES:
        return by_rules
    if asked is not True:
        raise LemmatizerError(f"apply_lemmatizer is {asked!r}: give True (spaCy), {RULES!r}, or a function of a text")
    _pipeline()
    return by_spacy


def by_spacy(answers: Sequence[str]) -> list[str]:
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
            f"apply_lemmatizer=True needs spaCy and its pipeline {PIPELINE}: pip install spacy, then "
            f"python -m spacy download {PIPELINE}. Without it: apply_lemmatizer={RULES!r}, or a function of your own"
        ) from problem


def by_rules(answers: Sequence[str]) -> list[str]:
    """Each word by its ending, or as the exceptions say."""
    return [" ".join(_lemma(word) for word in answer.split(" ")) for answer in answers]


IRREGULAR = {
    form: lemma
    for lemma, forms in {
        "be": "is are was were been being",
        "bring": "bringing brought",
        "bus": "buses",
        "child": "children",
        "do": "does did done",
        "drive": "drove driven",
        "eat": "ate eaten",
        "fly": "flew flown flies",
        "foot": "feet",
        "go": "goes went gone",
        "goose": "geese",
        "have": "has had",
        "hang": "hanging hung",
        "hold": "held",
        "knife": "knives",
        "leaf": "leaves",
        "man": "men",
        "mouse": "mice",
        "open": "opening opened",
        "person": "people",
        "ride": "rode ridden",
        "run": "ran",
        "shelf": "shelves",
        "sing": "singing sang sung",
        "sit": "sat",
        "ski": "skiing skis skied",
        "stand": "stood",
        "tooth": "teeth",
        "wear": "wore worn",
        "wife": "wives",
        "wolf": "wolves",
        "woman": "women",
        "write": "wrote written",
        "lie": "lying",
        "tie": "tying ties tied",
        "die": "dying died",
        "see": "saw seen seeing sees",
        "use": "using used uses",
    }.items()
    for form in forms.split()
}
"""Lemma of each form that no rule gives."""
WHOLE = frozenset(
    "bed building bus ceiling clothes dress evening gas glasses grass jeans kid king left lens morning nothing pants "
    "red ring scissors series shed shorts something spring string summer tennis this thing tired united wedding wing "
    "yes always christmas across his its plus used bored".split()
)
"""Words that end as others do when they are inflected, but are not."""
VOWELS = "aeiou"
"""Letters that a stem needs one of, y aside."""


def _lemma(word: str) -> str:
    if word in IRREGULAR:
        return IRREGULAR[word]
    if word in WHOLE or not word.isalpha() or not word.islower() or len(word) < 4:
        return word
    for ending, least in (("ing", 3), ("ed", 3)):
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= least and any(letter in f"{VOWELS}y" for letter in stem):
            return _verb(stem)
    return _singular(word)


def _verb(stem: str) -> str:
    """A verb without -ing or -ed: with one of two equal last letters, with its silent e, or as it is."""
    if stem.endswith("i"):
        return stem[:-1] + "y"
    if stem[-1] == stem[-2]:
        return stem if stem[-1] in "lsz" else stem[:-1]
    last = "".join("v" if letter in VOWELS else "c" for letter in stem[-3:])
    silent = stem[-1] in "cvuz" or (stem.endswith(("at", "dg", "ng", "rs")) and last != "vvc")
    short = len(stem) <= 4 and last == "cvc" and stem[-1] not in "wxy"
    return stem + "e" if silent or short else stem


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zzes", "oes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
