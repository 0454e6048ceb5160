"""All tables: relational ones in SQLAlchemy with Alembic migrations, observations and scores in chdb."""

from sightline.server.runtime.observations import ObservationsEngine

__all__ = ["migrate", "migrate_observations"]


async def migrate(database_url: str) -> None:
    """Bring the relational schema to its newest version."""
    raise NotImplementedError


async def migrate_observations(engine: ObservationsEngine) -> None:
    """Create the tables of the analytics engine that are missing."""
    raise NotImplementedError
