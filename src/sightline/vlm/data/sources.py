"""What a batch runs over: files, folders, globs, lists of addresses and tables, in a fixed order, images unread.

    photo.png, https://…, data:…     one image
    photos/                          every image file below it, by name
    "photos/**/*.jpg"                what the pattern finds
    list.txt                         a path or URL a line; # begins a comment
    rows.jsonl, .csv, .tsv, .parquet a row an item: a column of images, other columns kept (question, text, …)
    -                                a path or URL a line, given along with the sources

A relative path in a list or table lies beside it. A table's image may also be bytes, or a struct of bytes and path as
`datasets` writes it; in JSON bytes are base64. Files that several sources name are deduplicated; lists and tables keep
every line.
"""

import csv
import glob
import hashlib
import io
import json
import os
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from sightline.vlm.config import SightlineVlmError
from sightline.vlm.data.images import ImageSource

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff")
"""Files of a folder that are taken for images."""
IMAGE_COLUMNS = ("image", "image_path", "path", "file", "file_name", "filename", "url", "image_url")
"""Where a table's images are looked for, the first that it has."""
ROWS_AT_ONCE = 256
"""Batch size of streaming a parquet file: its rows may hold images."""


class SourceError(SightlineVlmError):
    """A source that is not there, or a table that cannot be read; the message names it and the way out."""


@dataclass(frozen=True, eq=False)
class Item:
    """One thing to work on."""

    key: str
    """The idempotency key: the same in every run and of no other item, what a resumed run skips by. It is made from the
    content,
    `identity` of its image and a digest of its other columns, so that a table may be edited between runs."""
    name: str
    """What to call it: the path or URL, or the table's row."""
    place: str
    """Where it was found: the path or URL, or the table's row, `rows.jsonl#3`."""
    image: ImageSource | None
    """Unread; none in tables without images."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """The other columns of its row."""


@dataclass(frozen=True)
class Items:
    """Items in a fixed order, made when they are walked through."""

    parts: "tuple[Part, ...]"

    def __len__(self) -> int:
        return sum(many for many, _ in self.parts)

    def __iter__(self) -> Iterator[Item]:
        times = Counter[str]()
        for _, make in self.parts:
            for item in make():
                times[item.key] += 1
                again = times[item.key]
                yield item if again == 1 else replace(item, key=f"{item.key}#{again}")

    @cached_property
    def keys(self) -> list[str]:
        """The key of every item, in order; a walk through all of them the first time."""
        return [item.key for item in self]

    def left(self, keys: Container[str]) -> Iterator[Item]:
        """The items that have none of these keys."""
        return (item for item in self if item.key not in keys)


Part = tuple[int, Callable[[], Iterable[Item]]]
"""How many items one source has, and how to make them."""


def gather(
    *sources: str | PathLike[str], column: str | None = None, images: bool = True, lines: Iterable[str] | None = None
) -> Items:
    """The items of all sources, in their order.

    Args:
        *sources: As the module says.
        column: The column of a table that holds the image; none: the first of `IMAGE_COLUMNS` it has.
        images: Whether a table must have images (texts alone can be embedded).
        lines: What the source `-` stands for, a path or URL a line; none: `-` is a file like any other.

    Raises:
        SourceError: A folder or pattern without images, or a table that cannot be read.
    """
    if not sources:
        raise SourceError("nothing to work on: give images, folders, patterns or tables")
    parts, alone, known = list[Part](), list[str](), set[str]()
    for name in (name for source in sources for name in _expanded(fspath(source))):
        if name == "-" and lines is not None:
            found: tuple[Part, ...] | None = of_lines(lines).parts
        elif (key := identity(name)) in known:
            continue
        else:
            known.add(key)
            found = _listed(name, column, images)
        if found is None:
            alone.append(name)
            continue
        parts += [*_several(alone), *found]
        alone = []
    return Items((*parts, *_several(alone)))


def of_lines(lines: Iterable[str], beside: Path = Path()) -> Items:
    """An item a line, a path (relative to `beside`) or a URL; empty lines and what begins with # are left out."""
    plain = [line.strip() for line in lines]
    named = [_beside(line, beside) for line in plain if line and not line.startswith("#")]
    return Items(_several(named))


def identity(image: ImageSource | None) -> str:
    """The dedup key of an image: its URL, its absolute path with links to its folder followed, else a digest."""
    if image is None:
        return ""
    if isinstance(image, str) and is_file(image):
        folder, name = os.path.split(os.path.expanduser(image))  # noqa: PTH111 - a Path each costs more than the rest
        return os.path.join(_followed(os.path.join(os.getcwd(), folder)), name)  # noqa: PTH109, PTH118 - as above
    if isinstance(image, str) and image[:5].lower() != "data:":
        return image
    body = image if isinstance(image, bytes) else str(image).encode(errors="surrogatepass")
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def is_file(image: ImageSource | None) -> bool:
    """Whether this is a path rather than a URL, a data URI or the image itself."""
    return isinstance(image, str) and not is_address(image)


def is_address(source: str) -> bool:
    """Whether this is a URL or data URI rather than a path."""
    return source[:8].lower().startswith(("http://", "https://", "data:"))


def _expanded(source: str) -> list[str]:
    """The files of a folder or of a pattern; anything else is itself."""
    path = Path(source).expanduser()
    if is_address(source) or source == "-":
        return [source]
    if path.is_dir():
        if not (inside := _image_files(path)):
            raise SourceError(f"no images in {path}: looked for {', '.join(IMAGE_SUFFIXES)} at any depth")
        return inside
    if not glob.has_magic(source) or path.exists():
        return [source]
    found = [Path(each) for each in sorted(glob.glob(str(path), recursive=True))]  # noqa: PTH207 - may be absolute
    names = [name for each in found for name in (_image_files(each) if each.is_dir() else [str(each)])]
    if not names:
        raise SourceError(f"nothing matches {source!r}: check the pattern, and quote it so that ** is kept")
    return names


def _listed(name: str, column: str | None, images: bool) -> tuple[Part, ...] | None:
    """The items of a list or table; none for one image."""
    path = Path(name).expanduser()
    reader = TABLES.get(path.suffix.lower())
    if is_address(name):
        return None
    if path.suffix.lower() == ".txt":
        return of_lines(_text(path).split("\n"), path.parent).parts
    if reader is None:
        return None
    many, rows = reader(path)
    return ((many, lambda: _of_rows(path, rows(), column, images)),)


def _several(names: list[str]) -> tuple[Part, ...]:
    return ((len(names), lambda: (Item(identity(name), _short(name), _short(name), name) for name in names)),)


def _short(name: str) -> str:
    return name if not name.startswith("data:") or len(name) < 60 else f"{name[:57]}…"


def _image_files(folder: Path) -> list[str]:
    return sorted(
        str(path)
        for path in folder.rglob("*")
        if path.suffix.lower() in IMAGE_SUFFIXES and not any(part[0] == "." for part in path.relative_to(folder).parts)
    )


@lru_cache(1024)
def _followed(folder: str) -> str:
    return os.path.realpath(folder)


def _beside(name: str, folder: Path) -> str:
    return name if is_address(name) else str(folder / Path(name).expanduser())


def _text(path: Path, newline: str | None = None) -> str:
    try:
        with path.open(encoding="utf-8-sig", newline=newline) as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error


Table = tuple[int, Callable[[], Iterable[Mapping[str, Any]]]]
"""How many rows a table has, and how to walk through them; a parquet file is streamed, never held whole."""


def _json_lines(path: Path) -> Table:
    rows = []
    for number, line in enumerate(_text(path).split("\n"), 1):
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


def _separated(path: Path) -> Table:
    dialect = "excel-tab" if path.suffix.lower() == ".tsv" else "excel"
    try:
        read = csv.DictReader(io.StringIO(_text(path, newline=""), newline=""), dialect=dialect, strict=True)
        rows = [{name: cell for name, cell in row.items() if name is not None} for row in read]  # None: surplus cells
    except csv.Error as error:
        raise SourceError(f"{path} cannot be read as a table: {error}") from error
    return len(rows), lambda: rows


def _parquet(path: Path) -> Table:
    from pyarrow import ArrowException, parquet  # late: takes a second to import

    try:
        many = parquet.ParquetFile(path).metadata.num_rows
    except (OSError, ArrowException) as error:
        raise SourceError(f"{path} cannot be read as parquet: {error}") from error

    def rows() -> Iterator[Mapping[str, Any]]:
        for some in parquet.ParquetFile(path).iter_batches(batch_size=ROWS_AT_ONCE):
            yield from some.to_pylist()

    return many, rows


TABLES: dict[str, Callable[[Path], Table]] = {
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".csv": _separated,
    ".tsv": _separated,
    ".parquet": _parquet,
}
"""How to read a table, by its suffix."""


def _of_rows(path: Path, rows: Iterable[Mapping[str, Any]], column: str | None, images: bool) -> Iterator[Item]:
    for number, row in enumerate(rows, 1):
        place = f"{path}#{number}"
        chosen = column or next((name for name in IMAGE_COLUMNS if name in row), None)
        if chosen not in row and images:
            wanted = f"no column {column!r}" if column else f"none of the columns {', '.join(IMAGE_COLUMNS)}"
            raise SourceError(f"{place} has {wanted}, but {', '.join(row)}: say which with --column")
        image = None if chosen is None else row.get(chosen)
        others = {name: value for name, value in row.items() if name != chosen}
        name, source = _image_of(image, path)
        yield Item(f"{identity(source)}#{_digest(others)}", name or place, place, source, others)


def _digest(fields: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(fields, sort_keys=True, default=repr).encode()).hexdigest()[:12]


def _image_of(value: Any, table: Path) -> tuple[str | None, Any]:
    """What to call a table's image, and where it is; what is no image is left for whoever reads it to refuse."""
    if isinstance(value, Mapping):
        name, body = value.get("path"), value.get("bytes")
        if body is not None:
            return name and str(name), f"data:;base64,{body}" if isinstance(body, str) else body
        value = name
    if value is None or value == "":
        return None, None
    if not isinstance(value, str):
        return None, value
    name = _beside(value, table.parent)
    return _short(name), name
