"""Archives: a zip or tar of images, the tables in a zip, and webdataset's shards, where files of one name are a row."""

import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from sightline.vlm.data.packed import MOST_BYTES, Packed
from sightline.vlm.data.tables import Record
from sightline.vlm.data.text import SourceError, TextFile

SUFFIXES = (".zip", ".tar", ".tgz", ".tar.gz")
"""Names of archives."""
TEXTS = {".txt": "text", ".caption": "text", ".cls": "cls", ".question": "question"}
"""Members of a shard that are text, and the column each becomes."""
MOST_TEXT_BYTES = 2**20
"""Largest text or JSON beside an image in a shard."""


@dataclass(frozen=True)
class Member:
    """A file of an archive."""

    name: str
    image: Any
    """A `Packed`, or the bytes where the archive can only be read from its beginning."""
    text: Callable[[], bytes]


def is_archive(path: Path) -> bool:
    """Whether a name is an archive's."""
    return path.name.lower().endswith(SUFFIXES)


def members(path: Path) -> Iterable[Member]:
    """The files of an archive, in their order; raises `SourceError` for one that cannot be opened."""
    try:
        yield from _of_zip(path) if path.suffix.lower() == ".zip" else _of_tar(path)
    except (OSError, tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
        raise SourceError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error


def _shown(name: str) -> bool:
    return not any(part.startswith(".") or part == "__MACOSX" for part in PurePosixPath(name).parts)


def _of_zip(path: Path) -> Iterator[Member]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if not info.is_dir() and _shown(info.filename):
                packed = Packed(path, info.filename, None, info.file_size)
                yield Member(info.filename, packed, packed.body)


def _of_tar(path: Path) -> Iterator[Member]:
    plain = path.suffix.lower() == ".tar"
    with tarfile.open(path, "r:" if plain else "r|*") as archive:
        for info in archive:
            if not info.isfile() or not _shown(info.name):
                continue
            packed = Packed(path, info.name, info.offset_data, info.size)
            if plain:
                yield Member(info.name, packed, packed.body)
            else:
                body = _streamed(archive, info)
                yield Member(info.name, body, lambda body=body: body)  # type: ignore[misc]


def _streamed(archive: tarfile.TarFile, info: tarfile.TarInfo) -> bytes:
    """A member's bytes, as far as an image may be large: whoever decodes it refuses one that is larger."""
    file = archive.extractfile(info)
    return b"" if file is None else file.read(MOST_BYTES + 1)


@dataclass(frozen=True)
class Opened:
    """What an archive holds."""

    rows: list[Record] | None
    """Of a shard or of images; none: it holds a table."""
    table: TextFile | None
    other: list[str]
    """Names of files that are neither images nor of a row."""


def opened(path: Path, image_suffixes: tuple[str, ...], table_suffixes: tuple[str, ...]) -> Opened:
    """An archive's rows: a row an image, with the texts and JSON of the same name; else its one table."""
    rows: dict[str, dict[str, Any]] = {}
    other, tables = list[str](), list[Member]()
    for member in members(path):
        stem, suffix = _stem(member.name)
        if suffix in image_suffixes:
            rows.setdefault(stem, {}).setdefault("image", member.image)
        elif suffix == ".json" or suffix in TEXTS:
            rows.setdefault(stem, {}).setdefault("", []).append((suffix, member))
        else:
            other.append(member.name)
        if suffix in table_suffixes:
            tables.append(member)
    pictured = {stem: row for stem, row in rows.items() if "image" in row}
    if pictured:
        other += [member.name for row in rows.values() if "image" not in row for _, member in row.get("", [])]
        return Opened([_row(stem, row) for stem, row in pictured.items()], None, other)
    if len(tables) != 1:
        raise SourceError(f"{path} holds no images and {len(tables)} tables: unpack it, and name the table")
    inner = tables[0]
    name = path.parent / PurePosixPath(inner.name).name
    return Opened(None, TextFile(name, name.suffix.lower(), lambda: _bytes(inner)), [])


def _bytes(member: Member) -> BinaryIO:
    return io.BytesIO(member.text())


def _stem(name: str) -> tuple[str, str]:
    """The part of a name that members of one row share, and the last of its suffixes."""
    path = PurePosixPath(name)
    return str(path.parent / path.name.partition(".")[0]), path.suffix.lower()


def _row(stem: str, row: dict[str, Any]) -> Record:
    told: dict[str, Any] = {}
    for suffix, member in row.get("", []):
        body = member.text()[: MOST_TEXT_BYTES + 1].decode(errors="replace")
        told |= _json(body) if suffix == ".json" else {TEXTS[suffix]: body.strip()}
    return {"__key__": PurePosixPath(stem).name, **told, "image": row["image"]}


def _json(body: str) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        return {"json": body}
    return value if isinstance(value, dict) else {"json": value}


def index(path: Path) -> dict[str, Any]:
    """An archive's files by their whole names, and by the last part of them: where a table's images are looked up."""
    found: dict[str, Any] = {}
    for member in members(path):
        found[member.name] = member.image
        found.setdefault(PurePosixPath(member.name).name, member.image)
    return found
