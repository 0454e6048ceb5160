"""Models with prices of the project's own, and score configs."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from sightline.server.importing.parts.part import Part
from sightline.server.importing.reading import Pages, Reader, Row
from sightline.server.importing.wire import Refused, again

MODEL_FIELDS = ("modelName", "matchPattern", "startDate", "unit", "tokenizerId", "tokenizerConfig")
"""Fields of a model that are carried."""
FLAT_PRICES = ("inputPrice", "outputPrice", "totalPrice")
CONFIG_FIELDS = ("name", "dataType", "categories", "minValue", "maxValue", "description")
"""Fields of a score config that are carried."""


class Models(Part):
    """By id. Built-in ones are the target's own."""

    name = "models"
    groups = frozenset(("models",))

    async def reader(self) -> Reader:
        return Pages(api=self.source, path="/models")

    async def carry(self, rows: Sequence[Row]) -> None:
        for row in rows:
            if row.get("isLangfuseManaged"):
                continue
            try:
                await self.target.write("PUT", f"/models/{quote(row['id'], safe='')}", _model(row))
            except Refused as problem:
                self.leave(row["modelName"], problem.message)
            else:
                self.carried()


def _model(row: Row) -> dict[str, Any]:
    body = {name: row[name] for name in MODEL_FIELDS if row.get(name) is not None}
    tiers = row.get("pricingTiers")
    if tiers:
        return body | {"pricingTiers": [_tier(tier) for tier in tiers]}
    flat = {name: row[name] for name in FLAT_PRICES if row.get(name) is not None}
    if flat:
        return body | flat
    prices = {name: _price(price) for name, price in (row.get("prices") or {}).items()}
    return body | {"pricingTiers": [{"name": "Standard", "isDefault": True, "priority": 0, "prices": prices}]}


def _tier(tier: Row) -> dict[str, Any]:
    return tier | {"prices": {name: _price(price) for name, price in (tier.get("prices") or {}).items()}}


def _price(given: Any) -> float:
    return float(given["price"] if isinstance(given, dict) else given)


class ScoreConfigs(Part):
    """Natural key: name and type, since the API gives each config a new id.

    They are archived last: an archived one scores nothing.
    """

    name = "score configs"
    groups = frozenset(("scores",))

    async def reader(self) -> Reader:
        return Pages(api=self.source, path="/score-configs")

    async def carry(self, rows: Sequence[Row]) -> None:
        for row in rows:
            try:
                known = await again(lambda row=row: self._put(row))  # type: ignore[misc]
            except Refused as problem:
                self.leave(row["name"], problem.message)
                continue
            self.state.ids("score configs")[row["id"]] = known["id"]
            self.carried()

    async def _put(self, row: Row) -> Row:
        async for batch in Pages(api=self.target, path="/score-configs").batches({}):
            for known in batch.rows:
                if (known["name"], known["dataType"]) == (row["name"], row["dataType"]):
                    return known
        body = {name: row[name] for name in CONFIG_FIELDS if row.get(name) is not None}
        if row["dataType"] == "BOOLEAN":
            body.pop("categories", None)
        made: Row = await self.target.write_once("POST", "/score-configs", body)
        return made


class ArchivedConfigs(Part):
    """What is archived over there is archived here, once all scores are."""

    name = "archived score configs"
    groups = frozenset(("scores",))

    async def reader(self) -> Reader:
        return Pages(api=self.source, path="/score-configs")

    async def carry(self, rows: Sequence[Row]) -> None:
        for row in rows:
            here = self.state.ids("score configs").get(row["id"])
            if row.get("isArchived") and here:
                await self.target.write("PATCH", f"/score-configs/{here}", {"isArchived": True})
                self.carried()
