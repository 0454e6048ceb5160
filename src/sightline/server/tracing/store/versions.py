# ruff: noqa: S608  (statements are composed of our own text)
"""The highest row version that is stored, over all projects."""

from sightline.server.runtime.observations import ObservationsEngine

VERSIONED = ("observations", "traces", "scores", "changes")
"""Tables whose rows have versions."""


class VersionStore:
    def __init__(self, engine: ObservationsEngine) -> None:
        self._engine = engine

    async def highest(self) -> int:
        """0 for an empty folder."""
        each = ", ".join(f"(SELECT max(row_version) FROM {table})" for table in VERSIONED)
        return int((await self._engine.query(f"SELECT greatest({each}) AS highest"))[0]["highest"] or 0)
