"""Arbitrary JSON from a client, with a depth limit."""

from typing import Annotated, Any

from pydantic import AfterValidator

DEEPEST = 100
"""Nesting limit: deeper JSON could be stored, but the serialiser could not write it back."""


def _shallow(value: Any) -> Any:
    level = [value]
    for _ in range(DEEPEST + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return value
    raise ValueError(f"nested deeper than {DEEPEST} levels: send the deep part as text")


AnyJson = Annotated[Any, AfterValidator(_shallow)]
JsonObject = Annotated[dict[str, Any], AfterValidator(_shallow)]
