"""What can be asked of many observations and scores at once, and the boards that show the answers."""

from sightline.server.dashboards.actions.boards import Dashboards, Widgets
from sightline.server.dashboards.actions.metrics import Metrics

__all__ = ["Dashboards", "Metrics", "Widgets"]
