"""From a table's row to items: which column is the image, where it lies, and what in the cell is the image itself."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from sightline.vlm.data import archives
from sightline.vlm.data.item import SYNONYMS, Item, beside_of, identity, is_address, short
from sightline.vlm.data.packed import Packed
from sightline.vlm.data.tables import Record
from sightline.vlm.data.text import SourceError

IMAGE_COLUMNS = (
    *("image", "images", "image_path", "img_path", "path", "file", "file_name", "filename", "image_name"),
    *("image_file", "img", "url", "image_url", "coco_url"),
)
"""Where a table's images are looked for, the first that it has."""
BASE64 = re.compile(r"[A-Za-z0-9+/\s]{64,}={0,2}\s*")
"""The beginning of an image in base64: longer than a path of such letters would be."""
HEADS = ("iVBORw0KGgo", "/9j/", "R0lGOD", "UklGR", "Qk", "SUkq", "TU0AKg", "AAAA", "/0//U")
"""How base64 of PNG, JPEG, GIF, WebP, BMP, TIFF, AVIF and JPEG 2000 begins."""
LOOKED_AT = 256
"""Characters of a cell that are looked at to tell base64."""
SPLIT = re.compile(r"(?:train|val|test)\d{4}")
"""A split of COCO, which names the folder of its images."""


@dataclass(frozen=True)
class Asked:
    """What is wanted of a table."""

    column: str | None
    images: bool
    texts: bool
    beside: Path | None
    spread: bool = False
    """Whether a row with several images, or several texts where those are wanted, is as many items."""

    def column_of(self, row: Record) -> str | None:
        """The row's column of images, in capitals or not; none without."""
        plain = {name.strip().lower(): name for name in reversed(list(row))}
        wanted = IMAGE_COLUMNS if self.column is None else (self.column.lower(),)
        return self.column if self.column in row else next((plain[name] for name in wanted if name in plain), None)

    def text_of(self, row: Record) -> str | None:
        """The row's column of texts."""
        plain = {name.strip().lower(): name for name in reversed(list(row))}
        return next((plain[name] for name in SYNONYMS["text"] if name in plain), None)

    def spreads(self, row: Record) -> bool:
        """Whether rows like this one are several items each."""
        column, text = self.column_of(row), self.text_of(row)
        several = column is not None and isinstance(row[column], list)
        return several or (self.texts and text is not None and isinstance(row[text], list))


@dataclass
class Places:
    """Where a table's images are: beside it, in the folder or archive that was named, or as its layout publishes it."""

    table: Path
    beside: Path | None
    published: bool
    """Whether the table's layout says nothing of folders, so that the usual ones are looked into."""
    found: Path | None = field(default=None, init=False)
    """The folder of the image before, tried first."""

    @cached_property
    def inside(self) -> Mapping[str, Any] | None:
        """The images of an archive by their names; none where they are in folders."""
        if self.beside is None or not archives.is_archive(self.beside):
            return None
        return archives.index(self.beside)

    def place(self, name: str) -> Any:
        """An image by the name in its cell."""
        if is_address(name):
            return name
        if self.inside is not None:
            last = PurePosixPath(name).name
            return self.inside.get(name) or self.inside.get(last) or f"{self.beside}/{name}"
        if self.beside is None and not self.published:
            return beside_of(name, self.table.parent)
        if Path(name).is_absolute():
            return name
        if self.found is None or not (self.found / name).is_file():
            self.found = next((folder for folder in self._folders(name) if (folder / name).is_file()), None)
        return str((self.found or self.beside or self.table.parent) / name)

    def _folders(self, name: str) -> Iterator[Path]:
        if self.beside is not None and not self.beside.exists():
            raise SourceError(f"the images' place {self.beside} does not exist: give a folder, a zip or a tar")
        above = self.table.parent
        bases = (
            [above, above / "images", above.parent, above.parent / "images"] if self.beside is None else [self.beside]
        )
        splits = SPLIT.findall(f"{name} {self.table.name}")
        for base in bases:
            yield base
            yield from (base / split for split in splits)
            yield from (base / f"{split[:-4]}" for split in splits)


def items_of_rows(path: Path, rows: Iterable[Record], asked: Asked, places: Places) -> Iterator[Item]:
    """The items of a table's rows."""
    for number, row in enumerate(rows, 1):
        place = f"{path}#{number}"
        column = asked.column_of(row)
        if column is None and asked.images:
            wanted = (
                f"no column {asked.column!r}" if asked.column else f"none of the columns {', '.join(IMAGE_COLUMNS)}"
            )
            raise SourceError(f"{place} has {wanted}, but {', '.join(row)}: say which with --column")
        cell = None if column is None else row[column]
        others = {name: value for name, value in row.items() if name != column}
        for image, fields in _spread(cell, others, asked) if asked.spread else [(cell, others)]:
            name, source = _image_of(image, places)
            called = {column: cell} if column is not None and _names(column, cell) else {}
            yield Item(f"{identity(source)}#{_digest(fields)}", name or place, place, source, fields, called)


def _spread(cell: Any, fields: Record, asked: Asked) -> Iterator[tuple[Any, Record]]:
    """An item an image, and an item a text where texts are wanted."""
    text = asked.text_of(fields) if asked.texts else None
    said = fields[text] if text is not None and isinstance(fields[text], list) else [None]
    for image in cell if isinstance(cell, list) and cell else [None if isinstance(cell, list) else cell]:
        for each in said:
            yield image, fields if text is None or each is None else {**fields, text: each}


def _names(column: str, cell: Any) -> bool:
    """Whether this is a name worth keeping, beside the place that it came to."""
    return column != "image" and isinstance(cell, str) and not _is_base64(cell) and len(cell) < LOOKED_AT


def _digest(fields: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(fields, sort_keys=True, default=repr).encode()).hexdigest()[:12]


def _image_of(value: Any, places: Places) -> tuple[str | None, Any]:
    """What to call a table's image, and where it is; what is no image is left for whoever reads it to refuse."""
    if isinstance(value, Mapping):
        name, body = value.get("path"), value.get("bytes")
        if body is not None:
            return name and str(name), f"data:;base64,{body}" if isinstance(body, str) else body
        value = name or value.get("url")
    if value is None or value == "":
        return None, None
    if not isinstance(value, str):
        return (str(value) if isinstance(value, Packed) else None), value
    if _is_base64(value):
        return None, f"data:;base64,{value}"
    found = places.place(value.strip())
    return short(str(found)), found


def _is_base64(cell: str) -> bool:
    """Whether a cell holds an image in base64; `/9j/`, as JPEG begins, could be a path, were it not so long."""
    return cell.lstrip().startswith(HEADS) and BASE64.fullmatch(cell[:LOOKED_AT].rstrip("=")) is not None
