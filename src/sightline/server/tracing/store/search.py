"""Full-text search over observations: a piece of text, anywhere, in any case."""

from sightline.server.tracing.store.conditions import Conditions

_ESCAPES = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})


def holding(where: Conditions, text: str) -> str:
    """The condition that a row holds `text` in its input or output, its names, or begins an id with it.

    Inputs and outputs go through the index of words, which knows substrings of words too.
    """
    like = where.place("String", f"%{text.strip().lower().translate(_ESCAPES)}%")
    begins = where.place("String", text.strip())
    inside = [f"lowerUTF8({column}) LIKE {like}" for column in ("input", "output")]
    names = [f"lowerUTF8({column}) LIKE {like}" for column in ("name", "trace_name", "trace_input", "trace_output")]
    ids = [f"startsWith({column}, {begins})" for column in ("trace_id", "id", "session_id", "user_id")]
    return f"({' OR '.join(inside + names + ids)})"
