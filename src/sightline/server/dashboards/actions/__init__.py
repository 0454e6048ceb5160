"""Aggregate queries over observations and scores, and the dashboards that show them."""

from sightline.server.dashboards.actions.boards import Dashboards, Widgets
from sightline.server.dashboards.actions.metrics import Metrics

__all__ = ["Dashboards", "Metrics", "Widgets"]
