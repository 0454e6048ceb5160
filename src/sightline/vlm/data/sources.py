"""What a batch runs over: files, folders, globs, lists of addresses and tables, in a fixed order, images unread.

    photo.png, https://…, data:…     one image
    photos/                          every image file below it, by name
    "photos/**/*.jpg"                what the pattern finds
    list.txt                         a path or URL a line; # begins a comment
    rows.jsonl, .csv, .tsv, .parquet a row an item: a column of images, other columns kept (question, text, …)
    captions.json, tokens            a published layout (`layouts`): COCO, VQAv2, LAVIS, Flickr30k
    shard.tar, .tgz, .zip            every image in it, with the texts beside it
    -                                a path or URL a line, given along with the sources

A relative path in a list or table lies beside it, or in the folder or archive of `images`. Tables may be compressed
(.gz). Files that several sources name are deduplicated; lists and tables keep every line.
"""

import glob
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from os import PathLike, fspath
from pathlib import Path

from sightline.vlm.data import archives, layouts, tables
from sightline.vlm.data.cells import Asked, Places, items_of_rows
from sightline.vlm.data.images import SUFFIXES
from sightline.vlm.data.item import Item, beside_of, identity, is_address, is_file, short
from sightline.vlm.data.text import SourceError, TextFile

__all__ = ["Item", "Items", "SourceError", "gather", "identity", "is_address", "is_file", "of_lines"]


@dataclass(frozen=True)
class Items:
    """Items in a fixed order, made when they are walked through."""

    parts: "tuple[Part, ...]"
    notes: tuple[str, ...] = ()
    """What a user should hear of the sources: files of folders that were left out."""

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
    *sources: str | PathLike[str],
    column: str | None = None,
    images: bool = True,
    texts: bool = False,
    beside: str | PathLike[str] | None = None,
    lines: Iterable[str] | None = None,
) -> Items:
    """The items of all sources, in their order.

    Args:
        *sources: As the module says.
        column: The column of a table that holds the image; none: the first of `cells.IMAGE_COLUMNS` it has.
        images: Whether a table must have images (texts alone can be embedded).
        texts: Whether an item is a text, so that an image with five captions is five of them.
        beside: A folder, zip or tar with the images that tables name; none: the table's own folder.
        lines: What the source `-` stands for, a path or URL a line; none: `-` is a file like any other.

    Raises:
        SourceError: A folder or pattern without images, or a table that cannot be read.
    """
    if not sources:
        raise SourceError("nothing to work on: give images, folders, patterns or tables")
    asked = Asked(column, images, texts, None if beside is None else Path(beside).expanduser())
    parts, alone, known, notes = list[Part](), list[str](), set[str](), list[str]()
    for name in (name for source in sources for name in _expanded(fspath(source), notes)):
        if name == "-" and lines is not None:
            found: tuple[Part, ...] | None = of_lines(lines).parts
        elif (key := identity(name)) in known:
            continue
        else:
            known.add(key)
            found = _listed(name, asked, notes)
        if found is None:
            alone.append(name)
            continue
        parts += [*_several(alone), *found]
        alone = []
    return Items((*parts, *_several(alone)), tuple(notes))


def of_lines(lines: Iterable[str], beside: Path = Path()) -> Items:
    """An item a line, a path (relative to `beside`) or a URL; empty lines and what begins with # are left out."""
    plain = [line.strip() for line in lines]
    named = [beside_of(line, beside) for line in plain if line and not line.startswith("#")]
    return Items(_several(named))


def _expanded(source: str, notes: list[str]) -> list[str]:
    """The files of a folder or of a pattern; anything else is itself."""
    path = Path(source).expanduser()
    if is_address(source) or source == "-":
        return [source]
    if path.is_dir():
        if not (inside := _image_files(path, notes)):
            raise SourceError(f"no images in {path}: looked for {', '.join(SUFFIXES)} at any depth")
        return inside
    if not glob.has_magic(source) or path.exists():
        return [source]
    found = [Path(each) for each in sorted(glob.glob(str(path), recursive=True))]  # noqa: PTH207 - may be absolute
    names = [name for each in found for name in (_image_files(each, notes) if each.is_dir() else [str(each)])]
    if not names:
        raise SourceError(f"nothing matches {source!r}: check the pattern, and quote it so that ** is kept")
    return names


def _image_files(folder: Path, notes: list[str]) -> list[str]:
    """The images at any depth, hidden ones left out; what else is there is noted by its endings."""
    inside = [path for path in folder.rglob("*") if not any(part[0] == "." for part in path.relative_to(folder).parts)]
    images = [str(path) for path in inside if path.suffix.lower() in SUFFIXES and not path.is_dir()]
    _note(folder, (path.name for path in inside if path.suffix.lower() not in SUFFIXES and path.is_file()), notes)
    return sorted(images)


def _note(where: Path, names: Iterable[str], notes: list[str]) -> None:
    """Says how many files of each ending were left out."""
    endings = Counter(Path(name).suffix.lower() or "without an ending" for name in names)
    if endings:
        told = ", ".join(
            f"{many:,} {ending}" for ending, many in sorted(endings.items(), key=lambda each: (-each[1], each[0]))
        )
        notes.append(f"{where}: left out what is no image ({told})")


TABLES: dict[str, Callable[[TextFile], tables.Table]] = {
    ".jsonl": tables.json_lines,
    ".ndjson": tables.json_lines,
    ".csv": tables.separated,
    ".tsv": tables.separated,
}
"""How to read a table of text, by its suffix."""
LISTS = (".txt", ".token", ".lst")
"""Lists of images, a path or URL a line, or an image's caption as Flickr has it."""


def _listed(name: str, asked: Asked, notes: list[str]) -> tuple[Part, ...] | None:
    """The items of a list, table or archive; none for one image."""
    path = Path(name).expanduser()
    if is_address(name):
        return None
    if path.suffix.lower() == ".parquet":
        return (_part(path, tables.parquet(path), asked, False),)
    if archives.is_archive(path):
        inside = archives.opened(path, SUFFIXES, (*TABLES, ".json"))
        _note(path, inside.other, notes)
        if inside.table is None:
            rows = inside.rows or []
            return (_part(path, (len(rows), lambda: rows), replace(asked, column="image"), False),)
        return _of_text(inside.table, asked)
    return _of_text(TextFile.of(path, tables.MOST_HELD), asked)


def _of_text(file: TextFile, asked: Asked) -> tuple[Part, ...] | None:
    if file.suffix in LISTS:
        lines = file.text().split("\n")
        said = layouts.of_tokens(lines, asked.texts)
        if said is None:
            return of_lines(lines, file.path.parent).parts
        return (_part(file.path, (len(said), lambda: said), asked, True),)
    if file.suffix == ".json":
        value = tables.json_table(file)
        known = layouts.of_json(value, file.path, asked.texts)
        rows = tables.rows_of(value, file.path) if known is None else known
        return (_part(file.path, (len(rows), lambda: rows), asked, True),)
    reader = TABLES.get(file.suffix)
    return None if reader is None else (_part(file.path, reader(file), asked, False),)


def _part(path: Path, table: tables.Table, asked: Asked, published: bool) -> Part:
    """The items of a table; a row may be several: of a list of images, or of captions that are worked with."""
    places = Places(path, asked.beside, published)
    many, rows = table
    if asked.spreads(next(iter(rows()), {})):
        asked = replace(asked, spread=True)
        many = sum(1 for _ in items_of_rows(path, rows(), asked, places))
    return many, lambda: items_of_rows(path, rows(), asked, places)


def _several(names: list[str]) -> tuple[Part, ...]:
    return ((len(names), lambda: (Item(identity(name), short(name), short(name), name) for name in names)),)
