"""Removing all that tracing holds of a project, once the project itself is gone."""

from sightline.server.runtime.blobs import Blobs
from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.tracing.actions.media import folder_of
from sightline.server.tracing.records import ProjectId
from sightline.server.tracing.store.removal import RemovalStore


class Removal:
    """The files and the rows of the analytics engine; media records go with the project's row."""

    def __init__(self, engine: ObservationsEngine, blobs: Blobs) -> None:
        self._store = RemovalStore(engine)
        self._blobs = blobs

    async def of_project(self, project_id: ProjectId) -> None:
        """Run twice, the second finds nothing."""
        await self._store.of_project(project_id)
        await self._blobs.delete_under(folder_of(project_id))
