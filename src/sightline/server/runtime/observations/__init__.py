"""The analytics engine in ClickHouse's dialect: embedded in the process by default, a server by one setting."""

from pathlib import Path

from sightline.server.runtime.observations.clickhouse import PORTS, ClickHouseEngine
from sightline.server.runtime.observations.embedded import EmbeddedEngine
from sightline.server.runtime.observations.engine import EngineFailed, NotStored, ObservationsEngine


def engine_at(place: str | Path) -> ObservationsEngine:
    """The engine of an address `clickhouse://…`, or of a folder."""
    text = str(place)
    return ClickHouseEngine(text) if text.partition("://")[0] in PORTS and "://" in text else EmbeddedEngine(Path(text))


__all__ = ["ClickHouseEngine", "EmbeddedEngine", "EngineFailed", "NotStored", "ObservationsEngine", "engine_at"]
