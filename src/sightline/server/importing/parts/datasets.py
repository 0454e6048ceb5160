"""Datasets, their items, and the runs over them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote

from sightline.server.importing.parts.files import Files
from sightline.server.importing.parts.part import Part
from sightline.server.importing.reading import Batch, Pages, Reader, Row
from sightline.server.importing.wire import Api, Refused, again

DATASET_FIELDS = ("name", "description", "metadata", "inputSchema", "expectedOutputSchema")
"""Fields of a dataset that are carried."""
ITEM_FIELDS = (
    *("id", "datasetName", "status", "input", "expectedOutput", "metadata"),
    *("sourceTraceId", "sourceObservationId"),
)
"""Fields of an item that are carried."""
ITEM_TEXTS = ("input", "expectedOutput", "metadata")
"""Fields of an item that may refer to media."""


class Datasets(Part):
    """Natural key: the name, since the API gives each a new id. Schemas come along, so items are validated here too."""

    name = "datasets"
    groups = frozenset(("datasets",))

    async def reader(self) -> Reader:
        return Pages(api=self.source, path="/v2/datasets")

    async def carry(self, rows: Sequence[Row]) -> None:
        for row in rows:
            body = {name: row[name] for name in DATASET_FIELDS if row.get(name) is not None}
            try:
                made = await self.target.write("POST", "/v2/datasets", body)
            except Refused as problem:
                self.leave(row["name"], problem.message)
                continue
            self.state.ids("datasets")[row["id"]] = made["id"]
            self.carried()


class Items(Part):
    """Items as they are. Archived ones are in no list, so runs over them cannot be carried either."""

    name = "dataset items"
    groups = frozenset(("datasets", "media"))

    async def reader(self) -> Reader:
        self._files = Files(self)
        return Pages(api=self.source, path="/dataset-items")

    async def carry(self, rows: Sequence[Row]) -> None:
        for row in rows:
            if "datasets" in self.wanted:
                await self._put(row)
            if "media" in self.wanted:
                dataset_id = self.state.ids("datasets").get(row["datasetId"], row["datasetId"])
                await self._files.carry(row, ITEM_TEXTS, {"datasetId": str(dataset_id), "datasetItemId": row["id"]})

    async def _put(self, row: Row) -> None:
        body = {name: row[name] for name in ITEM_FIELDS if row.get(name) is not None}
        try:
            if not await self._is_here(body):
                await self.target.write("POST", "/dataset-items", body)
        except Refused as problem:
            self.leave(row["id"], problem.message)
        else:
            self.carried()

    async def _is_here(self, body: Row) -> bool:
        """Whether the same content is stored already: writing it again would add a version to its history."""
        try:
            known = await self.target.read(f"/dataset-items/{quote(body['id'], safe='')}")
        except Refused as problem:
            if problem.status == 404:
                return False
            raise
        return all(known.get(name) == value for name, value in body.items())


@dataclass(frozen=True, kw_only=True)
class EveryRun:
    """The runs of all datasets, each with all it ran."""

    api: Api

    @classmethod
    async def of(cls, source: Api) -> Self | None:
        """None where the source has no runs, or no list of them."""
        datasets = await source.read("/v2/datasets", limit=1)
        if not datasets["data"] or not await source.has(_runs(datasets["data"][0]["name"]), limit=1):
            return None
        return cls(api=source)

    async def total(self) -> int | None:
        counts = 0
        async for name in self._datasets():
            counts += int((await self.api.read(_runs(name), limit=1))["meta"]["totalItems"])
        return counts

    async def batches(self, place: Mapping[str, Any]) -> AsyncIterator[Batch]:
        del place  # They are few, and those that are here are found so.
        async for name in self._datasets():
            async for batch in Pages(api=self.api, path=_runs(name)).batches({}):
                rows = [await self.api.read(f"{_runs(name)}/{quote(row['name'], safe='')}") for row in batch.rows]
                yield Batch(rows=rows, place=None)

    async def _datasets(self) -> AsyncIterator[str]:
        async for batch in Pages(api=self.api, path="/v2/datasets").batches({}):
            for row in batch.rows:
                yield row["name"]


def _runs(dataset: str) -> str:
    return f"/datasets/{quote(dataset, safe='')}/runs"


class Runs(Part):
    """Natural key: the dataset's name and their own; scores on them follow to their new ids."""

    name = "dataset runs"
    groups = frozenset(("datasets",))

    async def reader(self) -> EveryRun | None:
        return await EveryRun.of(self.source)

    async def carry(self, rows: Sequence[Row]) -> None:
        for run in rows:
            await again(lambda run=run: self._put(run))  # type: ignore[misc]

    async def _put(self, run: Row) -> None:
        filed = await self._filed(run)
        missing = [item for item in run["datasetRunItems"] if _what(item) not in filed]
        for item in sorted(
            missing, key=lambda item: str(item["createdAt"])
        ):  # The run begins when its first item does.
            try:
                await self.target.write_once("POST", "/dataset-run-items", _item(run, item))
            except Refused as problem:
                self.state.remark(self.name, problem.message, f"{run['name']}: {item['id']}", lost=True)
        here = await self._here(run)
        if here is None:
            self.leave(run["name"], "none of its items could be filed")
            return
        self.state.ids("dataset runs")[run["id"]] = here["id"]
        self.carried()

    async def _here(self, run: Row) -> Row | None:
        try:
            found: Row = await self.target.read(f"{_runs(run['datasetName'])}/{quote(run['name'], safe='')}")
        except Refused as problem:
            if problem.status == 404:
                return None
            raise
        return found

    async def _filed(self, run: Row) -> set[tuple[str, ...]]:
        here = await self._here(run)
        return {_what(item) for item in here["datasetRunItems"]} if here else set()


def _what(item: Row) -> tuple[str, ...]:
    """What spans tell of as well may have been filed at a time of its own."""
    return item["datasetItemId"], item["traceId"], item.get("observationId") or "", str(item["createdAt"])


def _item(run: Row, item: Row) -> Row:
    return {
        "runName": run["name"],
        "runDescription": run.get("description"),
        "metadata": run.get("metadata"),
        "datasetItemId": item["datasetItemId"],
        "traceId": item["traceId"],
        "observationId": item.get("observationId"),
        "createdAt": item.get("createdAt"),
    }
