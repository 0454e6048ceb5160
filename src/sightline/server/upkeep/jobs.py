"""Background jobs on stored data; a lease picks the process that runs them."""

from sightline.server.accounts.actions import Accounts
from sightline.server.runtime.leases import Leases
from sightline.server.upkeep.actions import Erasing, Retention


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


class ErasingRound:
    """Takes deleted bytes off the disk, three times within the deadline: a failed round leaves time for others."""

    def __init__(self, erasing: Erasing, leases: Leases, *, within_s: float) -> None:
        self._erasing = erasing
        self._leases = leases
        self.every_s = within_s / 3

    async def run(self) -> bool:
        """False when another process holds the lease."""
        async with self._leases.held("erasing") as ours:
            if ours:
                await self._erasing.run()
            return ours
