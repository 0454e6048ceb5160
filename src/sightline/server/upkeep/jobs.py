"""Background jobs on stored data; a lease picks the process that runs them."""

from sightline.server.accounts.actions import Accounts
from sightline.server.runtime.leases import Leases
from sightline.server.upkeep.actions import Retention


class RetentionRound:
    """Applies retention to every project."""

    every_s = 3600.0

    def __init__(self, retention: Retention, accounts: Accounts, leases: Leases) -> None:
        self._retention = retention
        self._accounts = accounts
        self._leases = leases

    async def run(self) -> bool:
        """False when another process holds the lease."""
        async with self._leases.held("retention") as ours:
            for project in await self._accounts.keeping_for_a_time() if ours else ():
                await self._retention.keep(project.id, project.retention_days)
            return ours
