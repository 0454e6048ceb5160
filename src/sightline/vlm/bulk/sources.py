"""What a batch runs over: files, folders, globs, lists of addresses and tables, in a fixed order, images unread.

    photo.png, https://…, data:…     one image
    photos/                          every image file below it, by name
    "photos/**/*.jpg"                what the pattern finds
    list.txt                         a path or URL a line; # begins a comment
    rows.jsonl, .csv, .tsv, .parquet a row an item: a column of images, other columns kept (question, text, …)

A relative path in a list or table lies beside it. A table's image may also be bytes, or a struct of bytes and path as
`datasets` writes it.
"""

import csv
import glob
import json
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from sightline.vlm.config import SightlineVlmError
from sightline.vlm.data.images import ImageSource

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff")
IMAGE_COLUMNS = ("image", "image_path", "path", "file", "file_name", "filename", "url", "image_url")
"""Where a table's images are looked for, the first that it has."""
ROWS_AT_ONCE = 256
"""Rows of a parquet file in memory at a time: they may hold images."""


class SourceError(SightlineVlmError):
    """A source that is not there, or a table that cannot be read; the message names it and the way out."""


@dataclass(frozen=True, eq=False)
class Item:
    """One thing to work on."""

    key: str
    """The same in every run and of no other item: what a resumed run skips by."""
    name: str
    """What to call it: the path or URL, or the table's row."""
    image: ImageSource | None
    """Unread; none in tables without images."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """The other columns of its row."""


@dataclass(frozen=True)
class Items:
    """Items in a fixed order, made when they are walked through."""

    parts: "tuple[Part, ...]"

    def __len__(self) -> int:
        return sum(len(keys) for keys, _ in self.parts)

    def __iter__(self) -> Iterator[Item]:
        for _, make in self.parts:
            yield from make()

    def done(self, keys: Container[str]) -> int:
        """How many of the items have one of these keys."""
        return sum(key in keys for mine, _ in self.parts for key in mine)

    def left(self, keys: Container[str]) -> Iterator[Item]:
        """The items that have none of these keys."""
        return (item for item in self if item.key not in keys)


Part = tuple[Sequence[str], Callable[[], Iterable[Item]]]
"""The keys of one source's items, and how to make the items."""


def gather(*sources: str | PathLike[str], column: str | None = None, images: bool = True) -> Items:
    """The items of all sources, in their order.

    Args:
        *sources: As the module says.
        column: The column of a table that holds the image; none: the first of `IMAGE_COLUMNS` it has.
        images: Whether a table must have images (texts alone can be embedded).

    Raises:
        SourceError: A folder or pattern without images, or a table that cannot be read.
    """
    if not sources:
        raise SourceError("nothing to work on: give images, folders, patterns or tables")
    return Items(tuple(part for source in sources for part in _parts(fspath(source), column, images)))


def of_lines(lines: Iterable[str], beside: Path = Path()) -> Items:
    """An item a line, a path (relative to `beside`) or a URL; empty lines and what begins with # are left out."""
    plain = [line.strip() for line in lines]
    named = [_beside(line, beside) for line in plain if line and not line.startswith("#")]
    return Items(_several(named))


def _parts(source: str, column: str | None, images: bool) -> tuple[Part, ...]:
    if is_address(source):
        return _several([source])
    path = Path(source).expanduser()
    if path.is_dir():
        return _several(_image_files(path))
    if glob.has_magic(source) and not path.exists():
        found = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207 - the pattern may be absolute
        if not found:
            raise SourceError(f"nothing matches {source!r}: check the pattern, and quote it so that ** is kept")
        return tuple(part for each in found for part in _parts(each, column, images))
    reader = TABLES.get(path.suffix.lower())
    if path.suffix.lower() == ".txt":
        return of_lines(_text(path).splitlines(), path.parent).parts
    if reader is None:
        return _several([source])
    many, rows = reader(path)
    keys = [f"{path}#{number}" for number in range(1, many + 1)]
    return ((keys, lambda: _of_rows(path, zip(keys, rows(), strict=True), column, images)),)


def is_address(source: str) -> bool:
    """Whether this is a URL or data URI rather than a path."""
    return source[:8].lower().startswith(("http://", "https://", "data:"))


def _several(names: list[str]) -> tuple[Part, ...]:
    return ((names, lambda: (Item(name, _short(name), name) for name in names)),)


def _short(name: str) -> str:
    return name if not name.startswith("data:") or len(name) < 60 else f"{name[:57]}…"


def _image_files(folder: Path) -> list[str]:
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in IMAGE_SUFFIXES and not any(part[0] == "." for part in path.relative_to(folder).parts)
    )
    if not found:
        raise SourceError(f"no images in {folder}: looked for {', '.join(IMAGE_SUFFIXES)} at any depth")
    return [str(path) for path in found]


def _beside(name: str, folder: Path) -> str:
    return name if is_address(name) else str(folder / Path(name).expanduser())


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error


Rows = tuple[int, Callable[[], Iterable[Mapping[str, Any]]]]
"""How many rows a table has, and how to walk through them."""


def _json_lines(path: Path) -> Rows:
    rows = []
    for number, line in enumerate(_text(path).splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise SourceError(f"{path}, line {number} is not JSON: {error}") from error
        if not isinstance(row, dict):
            raise SourceError(f"{path}, line {number} is a {type(row).__name__}: expected an object a line")
        rows.append(row)
    return len(rows), lambda: rows


def _separated(path: Path) -> Rows:
    dialect = "excel-tab" if path.suffix.lower() == ".tsv" else "excel"
    try:
        rows = list(csv.DictReader(_text(path).splitlines(keepends=True), dialect=dialect, strict=True))
    except csv.Error as error:
        raise SourceError(f"{path} cannot be read as a table: {error}") from error
    return len(rows), lambda: rows


def _parquet(path: Path) -> Rows:
    from pyarrow import ArrowException, parquet  # late: takes a second to import

    try:
        many = parquet.ParquetFile(path).metadata.num_rows
    except (OSError, ArrowException) as error:
        raise SourceError(f"{path} cannot be read as parquet: {error}") from error

    def rows() -> Iterator[Mapping[str, Any]]:
        for some in parquet.ParquetFile(path).iter_batches(batch_size=ROWS_AT_ONCE):
            yield from some.to_pylist()

    return many, rows


TABLES: dict[str, Callable[[Path], Rows]] = {
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".csv": _separated,
    ".tsv": _separated,
    ".parquet": _parquet,
}
"""How to read a table, by its suffix."""


def _of_rows(
    path: Path, rows: Iterable[tuple[str, Mapping[str, Any]]], column: str | None, images: bool
) -> Iterator[Item]:
    for key, row in rows:
        chosen = column or next((name for name in IMAGE_COLUMNS if name in row), None)
        if chosen not in row and images:
            wanted = f"no column {column!r}" if column else f"none of the columns {', '.join(IMAGE_COLUMNS)}"
            raise SourceError(f"{key} has {wanted}, but {', '.join(row)}: say which with --column")
        image = None if chosen is None else row.get(chosen)
        others = {name: value for name, value in row.items() if name != chosen}
        name, source = _image_of(image, path)
        yield Item(key, name or key, source, others)


def _image_of(value: Any, table: Path) -> tuple[str | None, ImageSource | None]:
    """What to call a table's image, and where it is."""
    if isinstance(value, Mapping):
        name = value.get("path")
        if value.get("bytes") is not None:
            return name, bytes(value["bytes"])
        value = name
    if isinstance(value, bytes):
        return None, value
    if value is None or value == "":
        return None, None
    name = _beside(str(value), table.parent)
    return _short(name), name
