"""A trace is what its observations add up to; the list finds traces by time, filter and text."""

import pytest

from server.tracing.making import HERE, at, observation, score
from sightline.server.tracing.actions import Tracing
from sightline.server.tracing.records import Kind, Level, MediaId, ObservationQuery, TraceId, TraceQuery, Window

TOKEN = "@@@langfuseMedia:type=image/png|id=abcdefghijklmnopqrstuv|source=bytes@@@"


async def names(tracing: Tracing, **query) -> list[str]:
    return [trace.id for trace in (await tracing.traces(HERE, TraceQuery(**query))).items]


async def test_a_trace_adds_up_its_observations(tracing: Tracing):
    root = observation(
        "t1",
        "root",
        is_root=True,
        name="ask",
        start=0,
        end_time=at(3),
        input='"why?"',
        output='"so"',
        trace_tags=("b",),
    )
    call = observation(
        "t1",
        "call",
        parent_id="agent",
        kind=Kind.GENERATION,
        start=1,
        end_time=at(5),
        level=Level.ERROR,
        usage={"input": 10, "output": 2, "total": 12},
        cost_usd={"input": 0.1, "output": 0.2, "total": 0.3},
        input=f'["{TOKEN}"]',
        trace_user_id="ada",
        trace_session_id="s1",
        trace_tags=("a", "b"),
    )
    agent = observation("t1", "agent", kind=Kind.AGENT, parent_id="root", start=2, usage={"total": 12}, end_time=None)
    await tracing.record(HERE, [call, root, agent])
    trace, observations = await tracing.trace(HERE, TraceId("t1"))
    assert [one.id for one in observations] == ["root", "call", "agent"]
    assert (trace.name, trace.user_id, trace.session_id, trace.tags) == ("ask", "ada", "s1", ("a", "b"))
    assert (trace.timestamp, trace.end_time, trace.latency_s) == (at(0), at(5), 5.0)
    assert (trace.input, trace.output) == ('"why?"', '"so"')
    assert (trace.observation_count, trace.error_count) == (3, 1)
    assert (trace.usage, trace.cost_usd) == ({"input": 10, "output": 2, "total": 12}, 0.3)
    assert trace.media_id == MediaId("abcdefghijklmnopqrstuv")


async def test_what_a_client_sets_for_the_trace_goes_before_its_root_and_the_last_one_wins(tracing: Tracing):
    await tracing.record(HERE, [observation(is_root=True, name="root", input='"root"', trace_name="first")])
    await tracing.record(HERE, [observation(trace_name="second", trace_input='"set"', trace_metadata={"k": "1"})])
    await tracing.record(HERE, [observation(trace_metadata={"k": "2", "l": "3"})])
    trace, _ = await tracing.trace(HERE, TraceId("t1"))
    assert (trace.name, trace.input, trace.metadata) == ("second", '"set"', {"k": "2", "l": "3"})


async def test_an_outline_leaves_the_long_texts_out(tracing: Tracing):
    await tracing.record(HERE, [observation(is_root=True, input='"' + "x" * 9000 + '"', metadata={"k": "1"})])
    trace, [root] = await tracing.outline(HERE, TraceId("t1"))
    assert (root.input, root.metadata) == (None, {})
    assert trace.input == "x" * 500


async def test_a_list_shows_readable_previews_and_whole_texts_when_asked(tracing: Tracing):
    chat = '[{"role":"system","content":"be brief"},{"role":"user","content":[{"type":"text","text":"How many?"}]}]'
    reply = '{"role":"assistant","content":"two"}'
    await tracing.record(HERE, [observation(is_root=True, input=chat, output=reply)])
    [short] = (await tracing.traces(HERE, TraceQuery())).items
    assert (short.input, short.output) == ("How many?", "two")
    [whole] = (await tracing.traces(HERE, TraceQuery(whole=True))).items
    assert (whole.input, whole.output) == (chat, reply)


async def test_paging_by_cursor_is_stable_while_traces_arrive(tracing: Tracing):
    await tracing.record(HERE, [observation(f"t{n:02}", start=n // 2) for n in range(10)])
    seen: list[str] = []
    before = None
    for page_number in range(4):
        page = await tracing.traces(HERE, TraceQuery(limit=3, before=before))
        seen += [trace.id for trace in page.items]
        assert page.more == (page_number < 3)
        before = (page.items[-1].timestamp, page.items[-1].id)
        await tracing.record(HERE, [observation(f"new{page_number}", start=100 + page_number)])
    assert seen == [f"t{n:02}" for n in reversed(range(10))]


async def test_paging_by_number_counts_what_matches(tracing: Tracing):
    await tracing.record(HERE, [observation(f"t{n}", start=n) for n in range(7)])
    page = await tracing.traces(HERE, TraceQuery(limit=3, offset=3, counted=True))
    assert ([trace.id for trace in page.items], page.total, page.more) == (["t3", "t2", "t1"], 7, True)
    assert await names(tracing, ascending=True, limit=2) == ["t0", "t1"]


async def test_a_trace_is_listed_by_its_first_observation_however_long_it_runs(tracing: Tracing):
    long = [observation("long", f"l{n}", start=n) for n in range(0, 3000, 1000)]
    await tracing.record(HERE, [*long, observation("short", start=1500)])
    assert await names(tracing) == ["short", "long"]
    assert await names(tracing, window=Window(start=at(500))) == ["short"]
    assert await names(tracing, window=Window(end=at(500))) == ["long"]


async def test_more_rows_than_a_slice_holds_are_found_in_order(tracing: Tracing):
    rows = [observation("busy", f"b{n}", start=10 + n / 1000) for n in range(2500)]
    await tracing.record(HERE, [*rows, *(observation(f"t{n}", start=n) for n in range(5))])
    assert await names(tracing, limit=3) == ["busy", "t4", "t3"]
    assert await names(tracing, limit=3, ascending=True) == ["t0", "t1", "t2"]


async def test_filters_look_at_the_trace_as_a_whole(tracing: Tracing):
    await tracing.record(
        HERE,
        [
            observation("a", is_root=True, name="ask", environment="prod", trace_user_id="ada", trace_tags=("x",)),
            observation("a", start=1, level=Level.ERROR, trace_tags=("y",)),
            observation("b", is_root=True, name="caption", start=2, trace_session_id="s", trace_release="r"),
            observation("b", start=3, trace_version="v2"),
        ],
    )
    assert await names(tracing, name="ask", user_id="ada") == ["a"]
    assert await names(tracing, tags=("x", "y")) == ["a"]
    assert await names(tracing, tags=("x", "z")) == []
    assert await names(tracing, errors_only=True) == ["a"]
    assert await names(tracing, session_id="s") == ["b"]
    assert await names(tracing, version="v2", release="r") == ["b"]
    assert await names(tracing, window=Window(environments=("prod",))) == ["a"]
    assert await names(tracing, name="ask", session_id="s") == []


async def test_search_finds_words_in_texts_and_pieces_of_names(tracing: Tracing):
    await tracing.record(
        HERE,
        [
            observation("a", is_root=True, input='"A Crimson three, left of 100%_sure"'),
            observation("b", output='"zwei blaue Fünfen"', start=1),
            observation("c", name="preprocess-image", start=2),
            observation("d", trace_input="what the trace was asked", start=3),
            observation("e", status_message="ValueError: no such city", level="ERROR", start=4),
        ],
    )
    assert await names(tracing, search="crimson") == ["a"]
    assert await names(tracing, search="three, LEFT of") == ["a"]
    assert await names(tracing, search="100%_sure") == ["a"]
    assert await names(tracing, search="three left") == []
    assert await names(tracing, search="process") == ["c"]
    assert await names(tracing, search="trace was") == ["d"]
    assert await names(tracing, search="valueerror: no such") == ["e"]
    assert await names(tracing, search="it's 'quoted' \\ {x:String} (.*") == []


async def test_a_star_lets_a_search_begin_or_end_inside_a_word(tracing: Tracing):
    await tracing.record(HERE, [observation("a", input="crimson 100%_sure"), observation("b", output="Fünfen 赤い三")])
    assert await names(tracing, search="rimso") == []
    assert await names(tracing, search="*rimso*") == ["a"]
    assert await names(tracing, search="crim") == []
    assert await names(tracing, search="crim*") == ["a"]
    assert await names(tracing, search="*rimson 100") == ["a"]
    assert await names(tracing, search="*0%_s*") == ["a"]
    assert await names(tracing, search="*0_%s*") == []
    assert sorted(await names(tracing, search="*")) == ["a", "b"]


async def test_letters_beyond_ascii_are_found_inside_words(tracing: Tracing):
    await tracing.record(HERE, [observation("a", output="zwei Fünfen"), observation("b", output="赤い三が左", start=1)])
    assert await names(tracing, search="FÜNFE") == []
    assert await names(tracing, search="ÜNFEN") == ["a"]
    assert await names(tracing, search="い三") == ["b"]


async def test_a_search_goes_on_beyond_its_first_rows(tracing: Tracing, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sightline.server.tracing.store.traces.FOUND_ROWS", (2, 4))
    common = [observation("long", f"o{n}", start=50 + n, input="common words") for n in range(9)]
    early = [observation(name, start=n, input="common words") for n, name in enumerate(("a", "b", "c"))]
    await tracing.record(HERE, [*common, *early])
    assert await names(tracing, search="common") == ["long", "c", "b", "a"]
    assert await names(tracing, search="common", limit=2) == ["long", "c"]
    assert await names(tracing, search="common", limit=1, offset=1) == ["c"]
    assert await names(tracing, search="common", ascending=True) == ["a", "b", "c", "long"]
    assert await names(tracing, search="common", window=Window(start=at(1), end=at(3))) == ["c", "b"]


async def test_rare_traces_are_found_behind_a_crowd(tracing: Tracing):
    crowd = [observation(f"t{n}", start=1_000 + n) for n in range(40)]
    rare = [observation(name, start=n, trace_user_id="ada", input="rare words") for n, name in enumerate("abc")]
    await tracing.record(HERE, [*crowd, *rare])
    assert await names(tracing, user_id="ada") == ["c", "b", "a"]
    assert await names(tracing, search="rare", limit=2) == ["c", "b"]
    assert await names(tracing, user_id="ada", search="rare", limit=1, offset=2) == ["a"]
    page = await tracing.observations(HERE, ObservationQuery(user_id="ada", limit=2))
    assert ([one.trace_id for one in page.items], page.more) == (["c", "b"], True)


async def test_a_trace_that_goes_on_stands_where_it_began(tracing: Tracing):
    days = 86_400.0
    long = [observation("long", start=0), observation("long", start=3 * days)]
    others = [observation(f"t{n}", start=days + n) for n in range(5)]
    await tracing.record(HERE, [*long, *others])
    assert await names(tracing, limit=3) == ["t4", "t3", "t2"]
    assert await names(tracing) == ["t4", "t3", "t2", "t1", "t0", "long"]


async def test_a_replaced_text_is_no_longer_found(tracing: Tracing):
    await tracing.record(HERE, [observation("a", "o", input="first words")])
    await tracing.record(HERE, [observation("a", "o", input="other words")])
    assert await names(tracing, search="first") == []
    assert await names(tracing, search="other") == ["a"]


async def test_a_list_carries_the_scores_of_its_traces(tracing: Tracing):
    await tracing.record(HERE, [observation("t1"), observation("t2", start=1)])
    await tracing.record_scores(HERE, [score("s1", trace_id="t1"), score("s2", trace_id="t2", value=0.0)])
    [second, first] = (await tracing.traces(HERE, TraceQuery())).items
    assert ([one.id for one in first.scores], [one.id for one in second.scores]) == (["s1"], ["s2"])


async def test_series_share_the_lists_filter(tracing: Tracing):
    await tracing.record(
        HERE,
        [
            observation("a", start=0, end_time=at(1)),
            observation("b", start=5, end_time=at(8), level=Level.ERROR),
            observation("c", start=90, end_time=at(92)),
        ],
    )
    await tracing.record_scores(HERE, [score("s1", trace_id="a"), score("s2", trace_id="b", value=0.0)])
    window = Window(start=at(0), end=at(100))
    found = await tracing.series(HERE, TraceQuery(window=window), buckets=10)
    first, *between, last = found.steps
    assert (first.start, first.count, first.errors, first.score_mean) == (at(0), 2, 1, {"correct": 0.5})
    assert (last.start, last.count, last.p50_s) == (at(90), 1, 2.0)
    assert [bucket.count for bucket in between] == [0] * 8
    assert found.whole
    assert (found.whole.start, found.whole.count, found.whole.p50_s, found.whole.score_mean) == (
        at(0),
        3,
        2.0,
        {"correct": 0.5},
    )
    failed = await tracing.series(HERE, TraceQuery(window=window, errors_only=True), buckets=1)
    assert [(bucket.count, bucket.p95_s) for bucket in failed.steps] == [(1, 3.0)]
    whole = await tracing.series(HERE, TraceQuery(), buckets=4)
    assert sum(bucket.count for bucket in whole.steps) == 3


async def test_a_trace_without_spans_counts_and_has_no_latency(tracing: Tracing):
    said = observation("said", stands_for_trace=True, start=0, end_time=None)
    await tracing.record(HERE, [said, observation("took", start=1, end_time=at(5))])
    windows = [Window(start=at(0), end=at(10)), Window(start=at(0), end=at(1))]
    buckets = [(await tracing.series(HERE, TraceQuery(window=window), buckets=1)).whole for window in windows]
    assert [(each.count, each.p50_s, each.p95_s) for each in buckets if each] == [(2, 4.0, 4.0), (1, None, None)]


async def test_percentiles_of_few_traces_are_exact(tracing: Tracing):
    await tracing.record(HERE, [observation(f"t{n}", start=n, end_time=at(n + 1 + n)) for n in range(5)])
    whole = (await tracing.series(HERE, TraceQuery(window=Window(start=at(0))), buckets=3)).whole
    assert whole
    assert (whole.p50_s, whole.p95_s) == (3.0, pytest.approx(4.8))


@pytest.mark.parametrize("moved", [False, True], ids=["sent once", "sent again with another time"])
async def test_an_open_window_counts_each_observation_once(tracing: Tracing, moved: bool):
    await tracing.record(HERE, [observation("a", "one", start=1, end_time=at(2), level=Level.ERROR)])
    await tracing.record(HERE, [observation("a", "one", start=4 if moved else 1, end_time=at(10))])
    await tracing.record(HERE, [observation("b", start=20, end_time=at(21))])
    found = await tracing.series(HERE, TraceQuery(window=Window(start=at(0))), buckets=2)
    assert found.whole
    assert (found.whole.count, found.whole.errors, found.whole.p95_s) == (2, 0, pytest.approx(5.75 if moved else 8.6))
    assert [bucket.count for bucket in found.steps] == [1, 1]
