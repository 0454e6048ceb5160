"""What can be asked of many observations and scores at once."""

from sightline.server.dashboards.actions.metrics import Metrics

__all__ = ["Metrics"]
