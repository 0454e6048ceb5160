"""Taking deleted bytes off the disk within the deadline, or now."""

from sightline.server.upkeep.actions.removal import Removal, Stores
from sightline.server.upkeep.records import Thing
from sightline.server.upkeep.store import Disk, EngineRemovalStore, RemovalStore


class Erasing:
    """Rewrites what still holds deleted rows: parts of the engine, and the SQLite file with its WAL."""

    def __init__(self, stores: Stores, removal: Removal) -> None:
        self._removal = removal
        self._disk = Disk(stores.engine)
        self._engine = EngineRemovalStore(stores.engine)
        self._database = stores.database

    async def run(self) -> None:
        """Finish what was cut short, then rewrite. The engine drops replaced parts within two minutes of it."""
        await self._removal.resume()
        async with self._database.reading() as connection:
            noted = [each for each in await RemovalStore(connection).noted() if each.removed_at is not None]
        for each in noted:
            if each.thing is Thing.PROJECT:  # Spans that were on their way may have come after the deletion.
                await self._engine.delete_project(each.project_id)
        await self._disk.rewrite()
        if noted:
            async with self._database.work() as work:
                await RemovalStore(work.connection).forget([each.id for each in noted])
        await self._database.scrub()

    async def now(self) -> None:
        """As `run`, and return once replaced parts are dropped. For a folder that nothing else uses."""
        await self.run()
        await self._disk.drop_replaced()
