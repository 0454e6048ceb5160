"""Failed sign-ins, counted per name that was tried."""

from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sightline.server.tables.accounts import sign_in_attempts as table


async def counted(connection: AsyncConnection, key: str) -> tuple[int, datetime] | None:
    """How many attempts failed, and until when none is taken."""
    row = (await connection.execute(select(table).where(table.c.key_hash == key))).first()
    return (row.failures, row.locked_until) if row else None


async def count(
    connection: AsyncConnection, key: str, failures: int, *, moment: datetime, locked_until: datetime
) -> None:
    values = {"failures": failures, "last_at": moment, "locked_until": locked_until}
    changed = await connection.execute(update(table).where(table.c.key_hash == key).values(values))
    if not changed.rowcount:
        await connection.execute(insert(table).values(values | {"key_hash": key}))


async def forget(connection: AsyncConnection, key: str) -> None:
    await connection.execute(delete(table).where(table.c.key_hash == key))


async def forget_older(connection: AsyncConnection, moment: datetime, keep: timedelta) -> None:
    """Those whose last attempt is older than `keep`."""
    await connection.execute(delete(table).where(table.c.last_at < moment - keep))
