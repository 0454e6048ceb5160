"""Whether anything arrives, whatever project it is for."""

from datetime import datetime

from sightline.server.runtime.observations import ObservationsEngine


class VitalsStore:
    def __init__(self, engine: ObservationsEngine) -> None:
        self._engine = engine

    async def any_since(self, moment: datetime) -> bool:
        """Whether an observation began, or a score was given, then or later."""
        since = "{since:DateTime64(6, 'UTC')}"
        sql = (
            f"SELECT (SELECT count() FROM observations WHERE start_time >= {since}) + "  # noqa: S608
            f"(SELECT count() FROM scores WHERE timestamp >= {since}) AS events"
        )
        return bool((await self._engine.query(sql, {"since": moment}))[0]["events"])
