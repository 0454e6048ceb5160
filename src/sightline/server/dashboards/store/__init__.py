"""All SQL of metrics and dashboards."""

from sightline.server.dashboards.store.boards import DashboardStore, WidgetStore
from sightline.server.dashboards.store.daily import DailyStore
from sightline.server.dashboards.store.metrics import MetricsStore

__all__ = ["DailyStore", "DashboardStore", "MetricsStore", "WidgetStore"]
