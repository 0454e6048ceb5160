"""All tables: relational ones in SQLAlchemy with Alembic migrations, observations and scores in chdb."""

from sightline.server.tables.migration import NewerSchema, check_schema, migrate, migrate_observations

__all__ = ["NewerSchema", "check_schema", "migrate", "migrate_observations"]
