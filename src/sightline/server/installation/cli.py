"""`sightline doctor` and `sightline rotate-secret`: a data folder from the outside."""

import asyncio
import os
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from sightline.server.installation.doctor import Installation, examine, mend
from sightline.server.installation.doctor import new_database as made_new
from sightline.server.installation.records import Finding
from sightline.server.installation.rotation import rotate
from sightline.server.runtime.database import Database
from sightline.server.runtime.errors import SightlineError
from sightline.server.runtime.folder_lock import FolderLock
from sightline.server.runtime.secret import DEPENDS, Secrets
from sightline.server.tables import migrate

doctor_app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
rotate_app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

SICK = 1
"""Exit code when something is left to do."""
EXIT_USER_MISTAKE = 2

DataDir = Annotated[
    Path, typer.Option("--data-dir", envvar="SIGHTLINE_DATA_DIR", help="Folder that the server keeps everything in.")
]


@doctor_app.command()
def doctor(
    data_dir: DataDir = Path("sightline-data"),
    observations: Annotated[
        str | None, typer.Option(envvar="SIGHTLINE_OBSERVATIONS_URL", help="Folder of the embedded engine.")
    ] = None,
    should_mend: Annotated[
        bool, typer.Option("--mend", help="Mend what can be; nothing is deleted, files are set aside.")
    ] = False,
    new_database: Annotated[
        bool, typer.Option("--new-database", help="Set the database aside and make an empty one.")
    ] = False,
) -> None:
    """List what is not as it should be in a data folder, and mend what can be; exit code 1 when something is left."""
    folder = data_dir.expanduser().resolve()
    if not folder.is_dir():
        _fail(f"{folder} is no data folder: name it with --data-dir")
    elsewhere = observations if observations and "://" not in observations else None
    place = Installation(folder, Path(elsewhere).resolve() if elsewhere else folder / "observations")
    os.umask(0o077)
    try:
        findings = _treated(place, should_mend=should_mend, new_database=new_database)
    except (SightlineError, OSError) as problem:
        _fail(str(problem))
    for finding in findings:
        typer.echo(f"{'mended: ' if finding.is_mended else ''}{finding.sentence}")
    left = [finding for finding in findings if not finding.is_mended]
    typer.echo(f"{len(left)} to look at in {folder}" if left else f"nothing is wrong in {folder}")
    raise typer.Exit(SICK if left else 0)


def _treated(place: Installation, *, should_mend: bool, new_database: bool) -> list[Finding]:
    if not should_mend and not new_database:
        return examine(place)
    lock = FolderLock(place.engine)
    lock.acquire()
    try:
        made = [asyncio.run(made_new(place))] if new_database else []
        return made + (mend(place) if should_mend else examine(place))
    finally:
        lock.release()


@rotate_app.command()
def rotate_secret(
    name: Annotated[str, typer.Argument(help="pepper, seal or signing.")],
    data_dir: DataDir = Path("sightline-data"),
    database_url: Annotated[
        str | None, typer.Option(envvar="SIGHTLINE_DATABASE_URL", help="The database, where it is another.")
    ] = None,
    is_sure: Annotated[bool, typer.Option("--yes", help="Do it although every API key ends (pepper).")] = False,
) -> None:
    """Make a secret of the data folder anew, while the server is stopped."""
    folder = data_dir.expanduser().resolve()
    if not folder.is_dir():
        _fail(f"{folder} is no data folder: name it with --data-dir")
    if name not in DEPENDS:
        _fail(f"{name!r} is no secret: name one of {', '.join(sorted(DEPENDS))}")
    if os.environ.get("SIGHTLINE_SECRET"):
        _fail("SIGHTLINE_SECRET is set, and secrets come from it: set another value instead")
    if name == "pepper" and not is_sure:
        _fail("every API key ends with a new pepper: say --yes to go on")
    os.umask(0o077)
    try:
        typer.echo(
            asyncio.run(_rotated(folder, name, database_url or f"sqlite+aiosqlite:///{folder / 'sightline.db'}"))
        )
    except (SightlineError, OSError) as problem:
        _fail(str(problem))


async def _rotated(folder: Path, name: str, database_url: str) -> str:
    lock = FolderLock(folder / "observations")
    lock.acquire()
    await migrate(database_url)
    database = Database(database_url)
    try:
        return await rotate(Secrets(folder), name, database)
    finally:
        await database.close()
        lock.release()


def _fail(message: str) -> NoReturn:
    typer.echo(f"error: {message}", err=True)
    raise SystemExit(EXIT_USER_MISTAKE)
