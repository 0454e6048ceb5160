"""Metadata files of the embedded engine: a crash on a full disk leaves them empty or cut, and then nothing opens.

A pending deletion or change (`mutation_N.txt`) and the format's number are set aside: neither was acknowledged, or it
says nothing. The definition of a table or database comes back from a copy that every good start keeps beside the
engine's own files.
"""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import structlog

from sightline.server.installation.aside import set_aside
from sightline.server.installation.records import Finding

log = structlog.get_logger()

COPIES = "sightline-metadata"
"""Folder of the copies, in the engine's folder."""
DEFINITIONS = ("metadata/*.sql", "store/*/*/*.sql")
MUTATION = re.compile(r"format version: \d+\n.*^commands: .+\n\Z", re.DOTALL | re.MULTILINE)
DEFINITION = re.compile(r"ATTACH (?:TABLE|DATABASE|VIEW|MATERIALIZED VIEW) .+\n\Z", re.DOTALL)
FORMAT = re.compile(r"\d+\s*\Z")


def damaged(folder: Path) -> Iterator[Finding]:
    """What would keep the engine from opening this folder, with its remedy; nothing is touched."""
    for path in sorted(folder.glob("store/*/*/mutation_*.txt")):
        if not _reads(path, MUTATION):
            yield Finding(path, _how(path), "a pending deletion or change that was not finished; set it aside")
    for path in sorted(folder.glob("store/*/*/format_version.txt")):
        if not _reads(path, FORMAT):
            yield Finding(path, _how(path), "the engine writes it again; set it aside")
    for path in _definitions(folder):
        if not _reads(path, DEFINITION):
            copy = folder / COPIES / path.relative_to(folder)
            remedy = "bring back its copy" if copy.exists() else "there is no copy; bring it back from a backup"
            yield Finding(path, _how(path), remedy)


def mend(folder: Path) -> list[Finding]:
    """Set aside and bring back what can be; the findings say what was done, or that a person has to act."""
    return [_mended(finding, folder) for finding in damaged(folder)]


def keep_copies(folder: Path) -> None:
    """Copy the definitions of tables as they are now. A failure is logged: the copies are a second net."""
    try:
        for path in [each for pattern in DEFINITIONS for each in folder.glob(pattern)]:
            copy = folder / COPIES / path.relative_to(folder)
            if not copy.exists() or copy.read_bytes() != path.read_bytes():
                copy.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                _write(copy, path.read_bytes())
    except OSError as problem:
        log.warning("copies of the engine's metadata could not be kept", problem=str(problem))


def broken_parts(folder: Path) -> list[Finding]:
    """Data that the engine itself set aside because it was damaged: its rows are not answered any more."""
    parts = [path for path in folder.glob("store/*/*/detached/*") if not path.name.startswith("ignored_")]
    names = {target.resolve(): target.name for target in folder.glob("data/*/*")}
    return [
        Finding(
            path,
            f"is damaged data of {names.get(path.parent.parent.resolve(), 'a table')} ({_size(path):,} bytes)",
            "the engine set it aside, and its rows are missing; bring the folder back from a backup if you need them",
        )
        for path in sorted(parts)
    ]


def _definitions(folder: Path) -> list[Path]:
    """Those that are there, and those that were at the last good start."""
    copies = folder / COPIES
    known = {folder / path.relative_to(copies) for pattern in DEFINITIONS for path in copies.glob(pattern)}
    return sorted(known | {path for pattern in DEFINITIONS for path in folder.glob(pattern)})


def _mended(finding: Finding, folder: Path) -> Finding:
    path, copy = finding.path, folder / COPIES / finding.path.relative_to(folder)
    is_definition = path.suffix == ".sql"
    if is_definition and not copy.exists():
        return finding
    where = set_aside(path, folder) if path.exists() else None
    if is_definition:
        _write(path, copy.read_bytes())
    done = "its copy was brought back" if is_definition else "it was set aside"
    return Finding(path, finding.problem, f"{done} ({where})" if where else done, is_mended=True)


def _reads(path: Path, form: re.Pattern[str]) -> bool:
    with suppress(OSError, UnicodeDecodeError):
        return form.match(path.read_text()) is not None
    return False


def _how(path: Path) -> str:
    if not path.exists():
        return "is missing"
    return "is cut or damaged" if path.stat().st_size else "is empty"


def _size(path: Path) -> int:
    return sum(each.stat().st_size for each in path.rglob("*") if each.is_file())


def _write(path: Path, content: bytes) -> None:
    """Atomic and durable: a draft, synced, renamed."""
    draft = path.with_name(f"{path.name}.draft")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        with suppress(OSError):
            draft.unlink()
        raise
