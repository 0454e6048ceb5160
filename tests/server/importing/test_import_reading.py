"""Lists are read to their end, in windows of time that hold few enough rows to page through."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from sightline.server.importing.reading import WINDOW_ROWS, Windows, one_ahead
from sightline.server.importing.records import Place
from sightline.server.importing.wire import Api

END = datetime(2026, 6, 1, tzinfo=UTC)


class Traffic:
    """A list of moments behind an API that pages by number, and counts how deep it was asked to page."""

    def __init__(self, moments: list[datetime]) -> None:
        self.moments = sorted(moments, reverse=True)
        self.deepest = 0

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        params = request.url.params
        start, end = params.get("from"), params.get("to")
        inside = [
            moment
            for moment in self.moments
            if (start is None or moment >= datetime.fromisoformat(start)) and moment < datetime.fromisoformat(end)
        ]
        limit, page = int(params["limit"]), int(params.get("page", 1))
        self.deepest = max(self.deepest, page * limit)
        rows = [{"at": moment.isoformat()} for moment in inside[(page - 1) * limit : page * limit]]
        meta = {"totalItems": len(inside), "totalPages": -(-len(inside) // limit)}
        return httpx2.Response(200, json={"data": rows, "meta": meta})


async def all_of(traffic: Traffic, place: dict[str, Any], stop_after: int | None = None, **more: Any):
    seen: list[str] = []
    reached: Any = place
    async with Api(Place(url="http://there", public_key="a", secret_key="b"), httpx2.MockTransport(traffic)) as api:
        windows = Windows(api=api, path="/list", bounds=("from", "to"), since=more.get("since"), until=END)
        async for batch in one_ahead(windows.batches(place)):
            seen += [row["at"] for row in batch.rows]
            reached = batch.place or reached
            if stop_after is not None and len(seen) >= stop_after:
                break
    return seen, reached


def bursts() -> Traffic:
    """Seven thousand within an hour, a few scattered over two years before, one long before all."""
    hour = [END - timedelta(days=3, milliseconds=500 * number) for number in range(7_000)]
    years = [END - timedelta(days=11 * number) for number in range(1, 60)]
    return Traffic([*hour, *years, END - timedelta(days=4_000)])


async def test_every_row_is_read_once_and_no_page_is_deep():
    traffic = bursts()
    seen, _ = await all_of(traffic, {})
    assert sorted(seen) == sorted(moment.isoformat() for moment in traffic.moments)
    assert traffic.deepest <= WINDOW_ROWS + 100


async def test_from_a_place_that_was_reached_reading_goes_on_to_the_end():
    traffic = bursts()
    first, place = await all_of(traffic, {}, stop_after=4_000)
    assert place
    rest, _ = await all_of(traffic, place)
    assert {*first, *rest} == {moment.isoformat() for moment in traffic.moments}
    assert len(rest) < len(traffic.moments)


@pytest.mark.parametrize("days", [1, 30, 5_000])
async def test_nothing_before_the_beginning_is_read(days: int):
    traffic = bursts()
    since = END - timedelta(days=days)
    seen, _ = await all_of(traffic, {}, since=since)
    assert sorted(seen) == sorted(moment.isoformat() for moment in traffic.moments if moment >= since)
