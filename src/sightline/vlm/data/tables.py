"""Tables: JSON, lines of JSON, separated values and parquet, as rows that can be walked through again.

Small files are parsed once and held; large ones are counted, then streamed whenever they are walked through.
"""

import csv
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from sightline.vlm.data.text import SourceError, TextFile

Record = Mapping[str, Any]
Table = tuple[int, Callable[[], Iterable[Record]]]
"""How many rows a table has, and how to walk through them."""

MOST_HELD = 32 * 2**20
"""Bytes of a file whose rows are kept in memory; a larger one is read anew for every walk."""
ROWS_AT_ONCE = 64
"""Batch size of streaming a parquet file: its rows may hold images."""
LONGEST_CELL = 96 * 2**20
"""Characters of a cell: an image of the largest size, in base64."""
SEPARATORS = (",", ";", "\t", "|")
"""What stands between values; the header says which."""
LISTS = ("data", "rows", "items", "samples")
"""Where a JSON object keeps its rows, if it is no known layout."""
_CELLS = threading.Lock()
"""Held while csv's limit of a cell, which the whole process shares, is raised."""


def of_walk(file: TextFile, walk: Callable[[], Iterator[Record]]) -> Table:
    """A table by a function that walks through its rows; raises `SourceError` for the first that is none."""
    if file.large:
        return sum(1 for _ in walk()), walk
    rows = list(walk())
    return len(rows), lambda: rows


def json_lines(file: TextFile) -> Table:
    """An object a line."""

    def walk() -> Iterator[Record]:
        with file.reading(), file.open_text(newline="\n") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                try:
                    row = json.loads(line)
                except ValueError as error:
                    raise SourceError(f"{file.path}, line {number} is not JSON: {error}") from error
                if not isinstance(row, dict):
                    kind = type(row).__name__
                    raise SourceError(f"{file.path}, line {number} is a {kind}: expected an object a line")
                yield row

    return of_walk(file, walk)


def separated(file: TextFile) -> Table:
    """Values between commas, semicolons, tabs or bars, below a header."""
    with _CELLS:
        csv.field_size_limit(max(csv.field_size_limit(), LONGEST_CELL))

    def walk() -> Iterator[Record]:
        with file.reading(), file.open_text(newline="") as lines:
            mark = _separator(lines, "\t" if file.suffix == ".tsv" else ",")
            try:
                for row in csv.DictReader(lines, delimiter=mark, strict=True):
                    yield {name.strip(): cell for name, cell in row.items() if name is not None}  # None: surplus cells
            except csv.Error as error:
                raise SourceError(f"{file.path} cannot be read as a table: {error}") from error

    return of_walk(file, walk)


def _separator(lines: TextIO, usual: str) -> str:
    """What stands between the header's names; a first line `sep=;`, as Excel writes it, is read away."""
    place = lines.tell()
    header = lines.readline()
    if header.strip().lower().startswith("sep=") and len(header.strip()) == 5:
        return header.strip()[-1]
    lines.seek(place)
    bare = "".join(header.split('"')[::2])  # what is between quotes separates nothing
    return max(SEPARATORS, key=lambda mark: (bare.count(mark), mark == usual)) if header else usual


def json_table(file: TextFile) -> Any:
    """The one value of a JSON file: rows, or an object that a layout knows."""
    try:
        return json.loads(file.text())
    except ValueError as error:
        raise SourceError(f"{file.path} is not JSON: {error}") from error


def rows_of(value: Any, path: Path) -> list[Record]:
    """The rows of a JSON value that is no known layout: a list of objects, alone or under a usual name."""
    if isinstance(value, dict):
        value = next((value[name] for name in LISTS if isinstance(value.get(name), list)), value)
    if isinstance(value, list) and all(isinstance(row, dict) for row in value):
        return value
    what = f"an object with {', '.join(list(value)[:6])}" if isinstance(value, dict) else "no list of objects"
    raise SourceError(
        f"{path} is {what}: expected a list of rows, or a layout of COCO, VQAv2, LAVIS, Flickr30k (see docs)"
    )


def parquet(path: Path) -> Table:
    """Rows of a parquet file, streamed."""
    from pyarrow import ArrowException  # late: takes a second to import
    from pyarrow import parquet as files

    try:
        many = files.ParquetFile(path).metadata.num_rows
    except (OSError, ArrowException) as error:
        raise SourceError(f"{path} cannot be read as parquet: {error}") from error

    def rows() -> Iterator[Record]:
        for some in files.ParquetFile(path).iter_batches(batch_size=ROWS_AT_ONCE):
            yield from some.to_pylist()

    return many, rows
