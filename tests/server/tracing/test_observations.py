"""Lists of observations: filters, cursors, counts."""

import pytest

from server.tracing.making import HERE, at, observation
from sightline.server.runtime.errors import NotFound
from sightline.server.tracing.actions import Tracing
from sightline.server.tracing.records import Kind, Level, ObservationId, ObservationQuery, TraceId, Window


async def ids(tracing: Tracing, **query) -> list[str]:
    return [one.id for one in (await tracing.observations(HERE, ObservationQuery(**query))).items]


async def test_each_filter_narrows_the_list(tracing: Tracing):
    await tracing.record(
        HERE,
        [
            observation("t1", "root", is_root=True, name="ask", version="1", environment="prod", trace_user_id="ada"),
            observation("t1", "call", start=1, parent_id="root", kind=Kind.GENERATION, trace_session_id="s"),
            observation("t2", "other", start=2, level=Level.WARNING),
        ],
    )
    assert await ids(tracing) == ["other", "call", "root"]
    assert await ids(tracing, trace_id="t1") == ["call", "root"]
    assert await ids(tracing, parent_id="root") == ["call"]
    assert await ids(tracing, name="ask") == ["root"]
    assert await ids(tracing, kind=Kind.GENERATION) == ["call"]
    assert await ids(tracing, level=Level.WARNING) == ["other"]
    assert await ids(tracing, user_id="ada") == ["call", "root"]
    assert await ids(tracing, session_id="s") == ["call", "root"]
    assert await ids(tracing, version="1") == ["root"]
    assert await ids(tracing, is_root=True) == ["root"]
    assert await ids(tracing, is_root=False) == ["other", "call"]
    assert await ids(tracing, window=Window(start=at(1), end=at(2))) == ["call"]
    assert await ids(tracing, window=Window(environments=("prod",))) == ["root"]


async def test_cursor_pages_cover_everything_once_though_rows_are_replaced(tracing: Tracing):
    batch = [observation("t", f"o{n:02}", start=n // 3) for n in range(20)]
    for _ in range(2):
        await tracing.record(HERE, batch)
    seen: list[str] = []
    before = None
    while True:
        page = await tracing.observations(HERE, ObservationQuery(limit=6, before=before, counted=True))
        seen += [one.id for one in page.items]
        last = page.items[-1]
        before = (last.start_time, last.trace_id, last.id)
        if not page.more:
            break
    assert seen == [f"o{n:02}" for n in reversed(range(20))]


async def test_paging_by_number_says_the_total(tracing: Tracing):
    await tracing.record(HERE, [observation("t", f"o{n}", start=n) for n in range(5)])
    page = await tracing.observations(HERE, ObservationQuery(limit=2, offset=2, counted=True))
    assert ([one.id for one in page.items], page.total, page.more) == (["o2", "o1"], 5, True)


async def test_what_is_not_there_is_not_found(tracing: Tracing):
    with pytest.raises(NotFound, match="o1 does not exist"):
        await tracing.observation(HERE, ObservationId("o1"))
    with pytest.raises(NotFound, match="t1 does not exist"):
        await tracing.trace(HERE, TraceId("t1"))
