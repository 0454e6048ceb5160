"""Full-text search over observations.

Words are found whole and in the order given, in any case; `*` at either end lets the text begin or end inside a word.
Letters beyond ASCII always may: many scripts do not part their words.
"""

import re
from dataclasses import dataclass

from sightline.server.tables.observations import WORDS
from sightline.server.tracing.store.conditions import Conditions

_WORD = re.compile(r"[0-9a-z\x80-\U0010ffff]+")
_PLAIN = re.compile(r"[0-9a-z]+")
_OUTSIDE = r"[^0-9a-z\x{80}-\x{10ffff}]"
_ESCAPES = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})
TEXTS = ("input", "output")
TRACE_TEXTS = ("trace_input", "trace_output")
NAMES = ("name", "trace_name")
IDS = ("trace_id", "id", "session_id", "user_id")


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
        """The words that a text which holds this one must have, each once."""
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


def said(where: Conditions, text: str, columns: tuple[str, ...] = TEXTS) -> str:
    """The condition that one of these texts of an observation holds `text`.

    The filter of words leaves out most rows that do not.
    """
    sought = Sought.of(text)
    exactly = _exactly(where, sought, columns)
    words = sought.words()
    return f"(hasAll({WORDS}, {where.place('Array(String)', words)}) AND {exactly})" if words else exactly


def named(where: Conditions, text: str) -> str:
    """The condition that a name or a text of the trace holds `text`, or that an id begins with it."""
    sought = Sought.of(text)
    like = where.place("String", f"%{sought.text.translate(_ESCAPES)}%")
    begins = where.place("String", text.strip())
    names = [f"lowerUTF8({column}) LIKE {like}" for column in NAMES]
    ids = [f"startsWith({column}, {begins})" for column in IDS]
    return f"({' OR '.join([*names, *ids, _exactly(where, sought, TRACE_TEXTS)])})"


def _exactly(where: Conditions, sought: Sought, columns: tuple[str, ...]) -> str:
    pattern = where.place("String", sought.pattern())
    return "(" + " OR ".join(f"match(lowerUTF8({column}), {pattern})" for column in columns) + ")"
