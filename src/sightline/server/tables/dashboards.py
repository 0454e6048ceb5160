"""Dashboards and the widgets placed on them."""

from sqlalchemy import JSON, Column, ForeignKey, String, Table, Text

from sightline.server.tables.accounts import ID, projects
from sightline.server.tables.metadata import UtcDateTime, metadata

dashboards = Table(
    "dashboards",
    metadata,
    Column("id", ID, primary_key=True),
    Column("project_id", ForeignKey(projects.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("name", String(255), nullable=False),
    Column("description", Text, nullable=False),
    Column("placements", JSON, nullable=False),
    Column("filters", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

dashboard_widgets = Table(
    "dashboard_widgets",
    metadata,
    Column("id", ID, primary_key=True),
    Column("project_id", ForeignKey(projects.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("name", String(255), nullable=False),
    Column("description", Text, nullable=False),
    Column("view", String(32), nullable=False),
    Column("dimensions", JSON, nullable=False),
    Column("metrics", JSON, nullable=False),
    Column("filters", JSON, nullable=False),
    Column("chart_type", String(32), nullable=False),
    Column("chart_config", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)
