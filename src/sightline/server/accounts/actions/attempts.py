"""Lockout with exponential backoff: wrong passwords cost time, per account and without telling whether there is one.

Every attempt is counted before its outcome is told, so parallel guesses gain nothing. A browser that has signed in to
the account before holds a device cookie and is counted apart: strangers who guess do not lock its owner out.
"""

import hashlib
import hmac
import secrets
from datetime import timedelta
from math import ceil

from sightline.server.accounts.store import attempts as store
from sightline.server.runtime.clock import now
from sightline.server.runtime.database import Database
from sightline.server.runtime.errors import TooBusy

FREE_ATTEMPTS = 5
"""Failures in a row before the first wait."""
FIRST_WAIT = timedelta(seconds=2)
"""It doubles with every failure."""
LONGEST_WAIT = timedelta(minutes=15)
"""An account is never locked for longer than this after an attempt."""
FORGOTTEN_AFTER = timedelta(hours=1)
"""Without an attempt for so long the count starts again."""


class Attempts:
    """Counts in the database, so that several server processes share them and a restart forgets nothing."""

    def __init__(self, database: Database, pepper: bytes) -> None:
        self._database = database
        self._pepper = pepper

    async def begin(self, name: str) -> None:
        """Count an attempt at `name`. TooBusy (429 with Retry-After) while it is locked."""
        key, moment = self._sealed("attempt", name), now()
        async with self._database.work() as work:
            await store.forget_older(work.connection, moment, FORGOTTEN_AFTER)
            failures, locked_until = await store.counted(work.connection, key) or (0, moment)
            if locked_until > moment:
                wait_s = ceil((locked_until - moment).total_seconds())
                raise TooBusy(
                    f"too many wrong passwords: wait {wait_s} s and try again. A browser that has signed in here "
                    "before does not wait for others.",
                    retry_after_s=wait_s,
                )
            until = moment + _wait(failures + 1)
            await store.count(work.connection, key, failures + 1, moment=moment, locked_until=until)

    async def succeeded(self, name: str) -> None:
        """Take back this attempt alone: whoever has another account of the same address clears nobody's count."""
        key, moment = self._sealed("attempt", name), now()
        async with self._database.work() as work:
            failures, locked_until = await store.counted(work.connection, key) or (1, moment)
            until = locked_until if failures > FREE_ATTEMPTS else moment
            await store.count(work.connection, key, failures - 1, moment=moment, locked_until=until)

    async def forget(self, name: str) -> None:
        """Clear the count of what belongs to one account alone."""
        async with self._database.work() as work:
            await store.forget(work.connection, self._sealed("attempt", name))

    def mark(self, account: str) -> str:
        """The device cookie for a browser that has signed in: random, and signed for this account alone."""
        random = secrets.token_urlsafe(16)
        return f"{random}.{self._signature(account, random)}"

    def is_mark_of(self, account: str, mark: str | None) -> bool:
        random, _, signature = (mark or "").partition(".")
        return bool(signature) and hmac.compare_digest(signature.encode(), self._signature(account, random).encode())

    def _signature(self, account: str, random: str) -> str:
        return self._sealed("device", f"{random}\0{account}")

    def _sealed(self, use: str, text: str) -> str:
        return hmac.new(self._pepper, f"{use}\0{text}".encode(), hashlib.sha256).hexdigest()


def _wait(failures: int) -> timedelta:
    over = failures - FREE_ATTEMPTS
    return timedelta() if over < 0 else min(FIRST_WAIT * 2 ** min(over, 20), LONGEST_WAIT)
