"""All tables: relational ones in SQLAlchemy with Alembic migrations, observations and scores in chdb."""

from sightline.server.tables.migration import is_migrated, migrate, migrate_observations

__all__ = ["is_migrated", "migrate", "migrate_observations"]
