"""What is done to stored data as a whole: deletion, retention, taking deleted bytes off the disk, health checks."""

from sightline.server.upkeep.actions.erasing import Erasing
from sightline.server.upkeep.actions.removal import Removal, Stores
from sightline.server.upkeep.actions.retention import Retention
from sightline.server.upkeep.actions.vitals import Vitals

__all__ = ["Erasing", "Removal", "Retention", "Stores", "Vitals"]
