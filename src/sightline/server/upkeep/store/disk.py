"""Taking deleted rows off the disk of the analytics engine.

A lightweight delete only masks rows (`_row_exists`). Applying the mask rewrites the parts that have one; replaced parts
are dropped by the engine's cleanup after `old_parts_lifetime`.
"""

import asyncio

from sightline.server.runtime.errors import Unavailable
from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.tables.observations import TIDY
from sightline.server.upkeep.belongings import ANALYTICS

TABLES = tuple(place.name for place in ANALYTICS)
AT_ONCE = (
    "old_parts_lifetime = 1, cleanup_delay_period = 1, max_cleanup_delay_period = 2, "
    "cleanup_delay_period_random_add = 0, finished_mutations_to_keep = 1"
)
"""Settings of a table whose replaced parts are wanted off the disk now."""
SLOW = "max_execution_time = 0, mutations_sync = 1"
PATIENCE_S = 120
"""How long replaced parts are waited for."""


class Disk:
    """The engine's parts."""

    def __init__(self, engine: ObservationsEngine) -> None:
        self._engine = engine

    async def rewrite(self) -> None:
        """Rewrite every part that has masked rows without them. Idempotent."""
        masked = (
            "SELECT DISTINCT table, partition_id FROM system.parts WHERE database = currentDatabase() AND active "
            "AND has_lightweight_delete ORDER BY table, partition_id"
        )
        for row in await self._engine.query(masked):
            if row["table"] in TABLES:
                partition = "".join(each for each in row["partition_id"] if each.isalnum())
                await self._engine.execute(
                    f"ALTER TABLE {row['table']} APPLY DELETED MASK IN PARTITION ID '{partition}' SETTINGS {SLOW}"
                )

    async def drop_replaced(self) -> None:
        """Wait until no replaced part is left. For a folder that nothing else uses: tables are reopened."""
        if self._engine.is_shared:
            return  # Other processes read these tables; the server drops replaced parts by itself.
        for table in TABLES:
            await self._engine.execute(f"ALTER TABLE {table} MODIFY SETTING {AT_ONCE}")
            # The cleanup sleeps up to half a minute; reopening the table wakes it.
            await self._engine.execute(f"DETACH TABLE {table} SYNC")
            await self._engine.execute(f"ATTACH TABLE {table}")
        try:
            await self._until_dropped()
        finally:
            for table in TABLES:
                await self._engine.execute(f"ALTER TABLE {table} MODIFY SETTING {TIDY}")
                for setting in ("cleanup_delay_period", "cleanup_delay_period_random_add"):
                    await self._engine.execute(f"ALTER TABLE {table} RESET SETTING {setting}")

    async def _until_dropped(self) -> None:
        left = (
            "SELECT (SELECT count() FROM system.parts WHERE database = currentDatabase() AND NOT active) + "
            "(SELECT count() FROM (SELECT table, count(DISTINCT mutation_id) AS kept FROM system.mutations "
            "WHERE database = currentDatabase() GROUP BY table) WHERE kept > 1) AS left"
        )
        for _ in range(PATIENCE_S * 2):
            if not (await self._engine.query(left))[0]["left"]:
                return
            await asyncio.sleep(0.5)
        raise Unavailable(f"parts with deleted rows are still on the disk after {PATIENCE_S} s: run it again")
