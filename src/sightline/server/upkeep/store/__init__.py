"""All SQL of upkeep: over whole tables, whatever their rows say. Deletions are compiled from `belongings`."""

from sightline.server.upkeep.store.disk import Disk
from sightline.server.upkeep.store.engine import EngineRemovalStore
from sightline.server.upkeep.store.relational import RemovalStore

__all__ = ["Disk", "EngineRemovalStore", "RemovalStore"]
