"""Which experiment observations belong to: another read of the source tells, that of the items of experiments.

That read lists the runs that were filed item by item too. Those cross as runs, and leave no mark on observations.
"""

from collections import defaultdict
from datetime import UTC, datetime

from sightline.server.accounts.records import ProjectId
from sightline.server.evals.ran import run_id_of
from sightline.server.evals.records import DatasetId
from sightline.server.importing.parts.datasets import EveryRun
from sightline.server.importing.parts.part import Part
from sightline.server.importing.reading import Cursors, Row

FIELDS = (
    *("experimentId", "experimentName", "experimentDescription", "experimentMetadata", "experimentItemId"),
    *("experimentItemVersion", "experimentItemMetadata", "expectedOutput"),
)
GROUPS = "core,dataset,io,itemMetadata,experimentMetadata"
FIRST = datetime(2020, 1, 1, tzinfo=UTC)
"""Older than any experiment: the start of the read."""


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
        filed = await self._filed()
        async for batch in reader.batches({}):
            for row in batch.rows:
                times = filed.get((row["experimentName"], row["experimentItemId"], row["traceId"]))
                if times is None or (row["id"], row["startTime"]) in times:
                    self._known[row["traceId"], row["id"]] = self.fields(row)

    def of(self, row: Row) -> Row:
        """What to say of an observation's experiment; nothing where it has none."""
        return self._known.get((row["traceId"], row["id"]), {})

    async def _filed(self) -> dict[tuple[str, ...], set[tuple[str, str]]]:
        """By run, item and trace: observation and time of what runs ran. Where spans tell of it, it is theirs."""
        runs = await EveryRun.of(self._part.source)
        found: dict[tuple[str, ...], set[tuple[str, str]]] = defaultdict(set)
        if runs is not None:
            async for batch in runs.batches({}):
                for run in batch.rows:
                    for item in run["datasetRunItems"]:
                        key = run["name"], item["datasetItemId"], item["traceId"]
                        found[key].add((item.get("observationId") or "", item["createdAt"]))
        return found

    def fields(self, row: Row) -> Row:
        """What a row of `/experiment-items` says, with the ids that things have here."""
        fields = {name: row[name] for name in FIELDS if row.get(name) not in (None, {})}
        dataset = row.get("experimentDatasetId")
        if dataset:
            here = str(self._part.state.ids("datasets").get(dataset, dataset))
            fields |= {"experimentDatasetId": here, "experimentId": self._id_here(row, here)}
        return fields

    def _id_here(self, row: Row, dataset: str) -> str:
        """A deterministic id (of project, dataset and name) is derived for the target, so that clients find the run."""
        crossing, identity, name = self._part.crossing, str(row["experimentId"]), row["experimentName"]
        if identity != run_id_of(ProjectId(crossing.source_project), DatasetId(row["experimentDatasetId"]), name):
            return identity
        found = run_id_of(ProjectId(crossing.target_project), DatasetId(dataset), name)
        self._part.state.ids("dataset runs")[identity] = found
        return found
