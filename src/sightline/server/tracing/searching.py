"""Full-text search over observations: phrases, by a bloom filter over tokens and an exact check of the candidates.

Words are found whole and in the order given, in any case; `*` at either end lets the text begin or end inside a word.
Letters beyond ASCII always may: many scripts have no word boundaries.
"""

import re
from dataclasses import dataclass

from sightline.server.questions.where import Where
from sightline.server.tables.observations import TRACE_TEXT_LENGTH, WORDS

_WORD = re.compile(r"[0-9a-z\x80-\U0010ffff]+")
"""A token: ASCII letters, digits and all other scripts."""
_PLAIN = re.compile(r"[0-9a-z]+")
"""An ASCII token, which the index can only find whole."""
_OUTSIDE = r"[^0-9a-z\x{80}-\x{10ffff}]"
"""A word boundary character, for RE2."""
_ESCAPES = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})
"""Escapes of LIKE wildcards."""
TEXTS = ("input", "output", "status_message")
"""Searched columns of an observation."""
TRACE_TEXTS = ("trace_input", "trace_output")
"""Searched columns of a trace's own texts."""


@dataclass(frozen=True)
class Sought:
    """A text to search for, in lower case, and whether it begins and ends with a whole word."""

    text: str
    begins_whole: bool
    ends_whole: bool

    @classmethod
    def of(cls, written: str) -> "Sought":
        asked = written.strip().lower()
        text = asked.strip("*").strip()
        return cls(
            text=text,
            begins_whole=not asked.startswith("*") and bool(_PLAIN.match(text[:1])),
            ends_whole=not asked.endswith("*") and bool(_PLAIN.match(text[-1:])),
        )

    def words(self) -> list[str]:
        """Tokens that every matching text contains, for the bloom filter; distinct."""
        whole = [
            match[0]
            for match in _WORD.finditer(self.text)
            if _PLAIN.fullmatch(match[0])
            and (match.start() > 0 or self.begins_whole)
            and (match.end() < len(self.text) or self.ends_whole)
        ]
        return list(dict.fromkeys(whole))

    def pattern(self) -> str:
        """The regular expression of the text within the words that may surround it."""
        begin = f"(^|{_OUTSIDE})" if self.begins_whole else ""
        end = f"({_OUTSIDE}|$)" if self.ends_whole else ""
        return begin + re.escape(self.text) + end


def said(where: Where, text: str, columns: tuple[str, ...] = TEXTS) -> str:
    """The condition that one of these texts of an observation holds `text`.

    The bloom filter over words skips most granules without a match.
    """
    sought = Sought.of(text)
    exactly = _exactly(where, sought, columns)
    words = sought.words()
    return f"({exactly} AND hasAll({WORDS}, {where.place('Array(String)', words)}))" if words else exactly


def said_of_trace(where: Where, text: str) -> str:
    """The condition that a text of the trace as a whole holds `text`; few clients send any."""
    return f"({TRACE_TEXT_LENGTH} > 0 AND {_exactly(where, Sought.of(text), TRACE_TEXTS)})"


def ways(where: Where, text: str) -> list[str]:
    """Alternative conditions over observations (a disjunction): a trace matches by any of them.

    One query each: joined by OR, the engine would use none of their skip indexes.
    """
    found = [
        said(where, text),
        said_of_trace(where, text),
        f"name ILIKE {where.place('String', _like(Sought.of(text)))}",
    ]
    return found if len(text.split()) > 1 else [*found, f"id = {where.place('String', text.strip())}"]


def named(where: Where, text: str) -> str:
    """The condition over the index of traces that a name holds `text`, or that an id is `text`."""
    like, place = where.place("String", _like(Sought.of(text))), where.place("String", text.strip())
    return f"(name ILIKE {like} OR trace_id = {place} OR session_id = {place} OR user_id = {place})"


def _exactly(where: Where, sought: Sought, columns: tuple[str, ...]) -> str:
    """Cheap test first: a substring match, then the regular expression with word boundaries on its candidates."""
    like, pattern = where.place("String", _like(sought)), where.place("String", sought.pattern())
    holds = (f"({column} ILIKE {like} AND match(lowerUTF8({column}), {pattern}))" for column in columns)
    return f"({' OR '.join(holds)})"


def _like(sought: Sought) -> str:
    return f"%{sought.text.translate(_ESCAPES)}%"
