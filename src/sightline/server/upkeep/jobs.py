"""Background work on what is stored, for whichever process holds its lease."""

from sightline.server.accounts.actions import Accounts
from sightline.server.runtime.leases import Leases
from sightline.server.upkeep.actions import Retention


class RetentionRound:
    """Every project's data of too long ago."""

    every_s = 3600.0

    def __init__(self, retention: Retention, accounts: Accounts, leases: Leases) -> None:
        self._retention = retention
        self._accounts = accounts
        self._leases = leases

    async def run(self) -> bool:
        """False when another process is at it."""
        async with self._leases.held("retention") as ours:
            for project in await self._accounts.keeping_for_a_time() if ours else ():
                await self._retention.keep(project.id, project.retention_days)
            return ours
