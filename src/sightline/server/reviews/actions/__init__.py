"""Comments and annotation queues."""

from sightline.server.reviews.actions.comments import Comments
from sightline.server.reviews.actions.queues import Queues

__all__ = ["Comments", "Queues"]
