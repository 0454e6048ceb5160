"""Checks while a server opens its folder: what can be mended is mended, the rest is refused in one sentence."""

from collections.abc import Sequence
from pathlib import Path

import structlog
from sqlalchemy import func, make_url, select

from sightline.server.installation import engine_files, permissions
from sightline.server.installation.records import Finding, FolderRefused
from sightline.server.runtime.database import Database
from sightline.server.runtime.folder_lock import FolderLock
from sightline.server.runtime.observations import EmbeddedEngine, EngineFailed, ObservationsEngine
from sightline.server.runtime.secret import Secrets
from sightline.server.tables.accounts import api_keys, organization_keys

log = structlog.get_logger()

RENEWED = "signing"
"""The secret that is made anew when it is damaged: only media addresses that expire soon were signed with it."""
DOCTOR = "run `sightline doctor`"


def close_to_others(folder: Path) -> None:
    """Folders of older versions were readable by everybody on the machine."""
    closed = permissions.close(folder)
    if closed:
        log.warning("others could read the data folder", folder=str(folder), files=len(closed))


async def open_engine(engine: ObservationsEngine) -> None:
    """Open the engine; in an embedded one's folder, mend first what a crash on a full disk leaves."""
    if not isinstance(engine, EmbeddedEngine):
        await engine.open()
        return
    lock = FolderLock(engine.folder)
    lock.acquire()
    try:
        _tell(engine_files.mend(engine.folder))
        await engine.open()
    except EngineFailed as problem:
        why = str(problem).partition("\n")[0]
        raise FolderRefused(
            f"the engine cannot open {engine.folder} ({why}): make room if its disk is full, {DOCTOR}, or bring the "
            "folder back from a backup"
        ) from problem
    finally:
        lock.release()


def opened_well(engine: ObservationsEngine) -> None:
    """After a good start: keep copies of what a later one may need, and say what the engine set aside itself."""
    if not isinstance(engine, EmbeddedEngine):
        return
    engine_files.keep_copies(engine.folder)
    broken = engine_files.broken_parts(engine.folder)
    if broken:
        names = ", ".join(str(finding.path) for finding in broken[:5])
        log.error("damaged data was set aside, its rows are missing", parts=len(broken), first=names)


async def refuse_orphans(database_url: str, engine: ObservationsEngine) -> None:
    """FolderRefused for observations beside an empty database: their projects and keys are gone."""
    if not await engine.query("SELECT 1 AS one FROM observations LIMIT 1"):
        return
    raise FolderRefused(
        f"the database {shown(database_url)} is empty, and there are observations: bring it back from a "
        "backup, or give them a new one, without the projects, keys and prompts there were, by "
        "`sightline doctor --new-database`"
    )


def shown(url: str) -> str:
    """A file's path, or the address of a server without its password."""
    kind, _, path = url.partition(":///")
    return path if kind.startswith("sqlite") else make_url(url).render_as_string()


async def check_secrets(secrets: Secrets, database: Database) -> None:
    """Make a damaged secret anew where nothing lasting depends on it; FolderRefused for one that keys depend on."""
    renewed = secrets.renew_if_damaged(RENEWED)
    if renewed:
        log.warning("a damaged secret was made anew", path=str(renewed), problem="media addresses signed before end")
    if secrets.is_there("pepper"):
        return
    async with database.reading() as connection:
        keys = [select(func.count()).select_from(table) for table in (api_keys, organization_keys)]
        count = sum([(await connection.execute(query)).scalar_one() for query in keys])
    if count:
        raise FolderRefused(
            f"{secrets.path_of('pepper')} is missing, without which none of the {count} API keys is known: bring it "
            "back from a backup, or have a new one, and make the keys anew, by `sightline rotate-secret pepper`"
        )


def _tell(findings: Sequence[Finding]) -> None:
    for finding in findings:
        log.warning("a damaged file", path=str(finding.path), problem=finding.problem, remedy=finding.remedy)
    grave = [finding for finding in findings if not finding.is_mended]
    if grave:
        raise FolderRefused(grave[0].sentence)
