"""`sightline doctor`: everything that is not as it should be in a data folder, and mending what can be.

It reads files and never opens the engine, so it may look while the server runs; it mends only while none does.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sightline.server.installation import engine_files, permissions
from sightline.server.installation.aside import kept_aside, set_aside
from sightline.server.installation.records import Finding
from sightline.server.runtime.secret import DEPENDS, Secrets
from sightline.server.runtime.space import FreeSpace
from sightline.server.tables import migrate
from sightline.server.tables.migration import HEAD

DATABASE = "sightline.db"
SIDES = ("", "-wal", "-shm")
"""Endings of the files of an SQLite database."""
NEW_DATABASE = "bring it back from a backup, or have a new, empty one by `sightline doctor --new-database`"


@dataclass(frozen=True)
class Installation:
    """Where an installation keeps what it keeps; `engine` is the folder of an embedded one."""

    folder: Path
    engine: Path


def examine(place: Installation) -> list[Finding]:
    """Everything that was found; nothing is touched."""
    return [finding for look in LOOKS for finding in look(place)]


def mend(place: Installation) -> list[Finding]:
    """Mend what can be mended without losing anything, then look again: what was done, and what is left."""
    done = permissions.close(place.folder)
    done += [finding for finding in engine_files.mend(place.engine) if finding.is_mended]
    renewed = Secrets(place.folder).renew_if_damaged("signing")
    if renewed:
        done.append(Finding(renewed, "was damaged", "it was made anew", is_mended=True))
    return done + examine(place)


async def new_database(place: Installation) -> Finding:
    """Set the database aside and make an empty one, so that observations without their projects can be opened."""
    path = place.folder / DATABASE
    for side in SIDES:
        file = path.with_name(f"{DATABASE}{side}")
        if file.exists():
            set_aside(file, place.folder)
    await migrate(f"sqlite+aiosqlite:///{path}")
    return Finding(path, "was set aside", "a new one is in its place", is_mended=True)


def _engine(place: Installation) -> Iterator[Finding]:
    yield from engine_files.damaged(place.engine)
    yield from engine_files.broken_parts(place.engine)


def _aside(place: Installation) -> Iterator[Finding]:
    for root in dict.fromkeys((place.folder, place.engine)):
        for entry in kept_aside(root):
            count = sum(path.is_file() for path in entry.rglob("*"))
            yield Finding(entry, f"holds {count} files that were set aside", "delete it when nobody needs them")


def _database(place: Installation) -> Iterator[Finding]:
    path = place.folder / DATABASE
    if not path.exists():
        if any(place.engine.glob("data/*/observations/[0-9]*_*")):
            yield Finding(path, "is missing beside observations", NEW_DATABASE)
        return
    if not path.stat().st_size:
        yield Finding(path, "is empty", NEW_DATABASE)
        return
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            said = connection.execute("PRAGMA quick_check").fetchone()[0]
            versions = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    except sqlite3.DatabaseError as problem:
        yield Finding(path, f"cannot be read ({problem})", NEW_DATABASE)
        return
    if said != "ok":
        yield Finding(path, f"is damaged ({said.splitlines()[0]})", NEW_DATABASE)
    if versions and versions[0][0] > HEAD:
        yield Finding(path, f"is of a newer version of Sightline ({versions[0][0]} > {HEAD})", "install that version")


def _secrets(place: Installation) -> Iterator[Finding]:
    secrets = Secrets(place.folder)
    for name, depends in DEPENDS.items():
        if secrets.is_damaged(name):
            path = secrets.path_of(name)
            yield Finding(path, f"is damaged, and {depends}", f"`sightline rotate-secret {name}` makes it anew")
    cut_off = secrets.next_of("seal")
    if cut_off.exists():
        yield Finding(cut_off, "is left of a rotation that was cut off", "run `sightline rotate-secret seal` again")
    for draft in sorted(place.folder.glob(".*.draft")):
        yield Finding(draft, "is left of a start that was cut off", "delete it")


def _space(place: Installation) -> Iterator[Finding]:
    room = FreeSpace([place.folder, place.engine]).look()
    if room and room.is_low:
        yield Finding(place.folder, "is on a disk that is nearly full", "make room: writes are refused")


LOOKS: tuple[Callable[[Installation], Iterator[Finding]], ...] = (
    lambda place: permissions.open_to_others(place.folder),
    _engine,
    _aside,
    _database,
    _secrets,
    _space,
)
"""Every check, in the order it is told."""
