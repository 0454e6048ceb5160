"""Which experiment observations belong to: another read of the source tells, that of the items of experiments."""

from datetime import UTC, datetime

from sightline.server.importing.parts.part import Part
from sightline.server.importing.reading import Cursors, Row

FIELDS = (
    *("experimentId", "experimentName", "experimentDescription", "experimentMetadata", "experimentItemId"),
    *("experimentItemVersion", "experimentItemMetadata", "expectedOutput"),
)
GROUPS = "core,dataset,io,itemMetadata,experimentMetadata"
FIRST = datetime(2020, 1, 1, tzinfo=UTC)


class Experiments:
    """By trace and observation, in memory: experiments are small beside the traffic around them."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self._known: dict[tuple[str, str], Row] = {}

    async def read(self) -> None:
        """All of them; a source without experiments has none."""
        since = (self._part.since or FIRST).isoformat()
        if not await self._part.source.has("/experiment-items", fromStartTime=since, limit=1):
            return
        params = {"fromStartTime": since, "toStartTime": self._part.until.isoformat(), "fields": GROUPS}
        reader = Cursors(api=self._part.source, path="/experiment-items", params=params)
        async for batch in reader.batches({}):
            for row in batch.rows:
                self._known[row["traceId"], row["id"]] = self._fields(row)

    def of(self, row: Row) -> Row:
        """What to say of an observation's experiment; nothing where it has none."""
        return self._known.get((row["traceId"], row["id"]), {})

    def _fields(self, row: Row) -> Row:
        fields = {name: row[name] for name in FIELDS if row.get(name) not in (None, {})}
        dataset = row.get("experimentDatasetId")
        if dataset:
            fields["experimentDatasetId"] = self._part.state.ids("datasets").get(dataset, dataset)
        return fields
