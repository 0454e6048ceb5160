"""All tables: relational ones in SQLAlchemy with Alembic migrations, observations and scores in chdb."""

from sightline.server.tables.migration import migrate, migrate_observations

__all__ = ["migrate", "migrate_observations"]
