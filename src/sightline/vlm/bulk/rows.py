"""Rows: what a task tells about an item, together with what the item's own table said of it."""

import base64
from collections.abc import Iterable, Mapping
from datetime import date, time
from typing import Any

import numpy as np

from sightline.vlm.config import SightlineVlmError

Row = dict[str, Any]
"""One line of a table; arrays stay arrays until they are written."""
Rows = Iterable[Row]
"""Rows that can be walked through again."""
GIVEN = "given_"
"""Before the name of a table's column that a task's own would overwrite: the reference answers of a benchmark, say."""


class ResultsError(SightlineVlmError):
    """Results that cannot be written, or are already there; the message says which and what to do."""


def plain(value: Any) -> Any:
    """A value as JSON has it: arrays as nested lists."""
    return value.tolist() if isinstance(value, np.ndarray) else value


def kept(row: Row, fields: Mapping[str, Any], columns: Mapping[str, str]) -> Row:
    """A task's row and, after it, every column of the table that its item came from."""
    for name, value in fields.items():
        if name not in columns:
            row[name] = _told(value)
        elif row.get(name) != value:
            row[GIVEN + name] = _told(value)
    return row


def _told(value: Any) -> Any:
    """A table's value as JSON has it: bytes in base64, times in ISO 8601, numbers of other kinds as text."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {str(name): _told(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_told(each) for each in value]
    return value.isoformat() if isinstance(value, date | time) else str(value)
