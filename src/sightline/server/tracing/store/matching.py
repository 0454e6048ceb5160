# ruff: noqa: S608  (statements are composed of our own text; every value travels as a parameter)
"""Which traces match a query, as SQL over observation rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sightline.server.tracing.records import TraceQuery
from sightline.server.tracing.store.conditions import Conditions
from sightline.server.tracing.store.search import identified, named, said, said_of_trace
from sightline.server.tracing.store.summaries import AGGREGATES, COLUMNS, ROOT_METADATA, TRACE_COLUMNS, trace_holds

TIME = "DateTime64(6, 'UTC')"
TICK = timedelta(microseconds=1)
LONGEST_TRACE = timedelta(days=1)
BEGINNING = datetime(1900, 1, 1, tzinfo=UTC)
END = datetime(2260, 1, 1, tzinfo=UTC)
Span = tuple[datetime, datetime]

RowKey = tuple[str, str, int]
"""Trace id, observation id and version of a row."""


@dataclass(frozen=True)
class Filter:
    """One filter of a query over traces, in the engine's words."""

    all_hold: str | None
    """What the trace must hold over its newest rows; None for a search, which `found` answers."""
    ways: tuple[str, ...] = ()
    """Conditions one of which some row of a matching trace holds; none where nothing is known of single rows."""

    @property
    def joined(self) -> tuple[str, ...]:
        """The same in two at most: the first is the one of long texts, which are read only where it needs them."""
        return (self.ways[0], " OR ".join(self.ways[1:])) if len(self.ways) > 2 else self.ways


@dataclass(frozen=True)
class Found:
    """All rows of a span that hold one filter of a query."""

    filter: int
    """Its place among the query's filters."""
    rows: Sequence[RowKey]


def earliest(moment: datetime, before: timedelta = LONGEST_TRACE) -> datetime:
    """When a trace that goes on at a time may have begun, as far as times reach."""
    return max(moment, BEGINNING + before) - before


def latest(moment: datetime) -> datetime:
    """When a trace that begins before a time may still go on, as far as times reach."""
    return min(moment, END - LONGEST_TRACE) + LONGEST_TRACE


def span_of(query: TraceQuery) -> Span:
    """The time in which traces that match began."""
    until = query.window.end or END
    if query.before:
        until = min(until, query.before[0] + TICK)
    return query.window.start or BEGINNING, until


def filters_of(where: Conditions, query: TraceQuery) -> list[Filter]:
    filters: list[Filter] = []
    equal: dict[str, tuple[str | None, str]] = {
        "name": (query.name, "(trace_name = {0} OR name = {0})"),
        "user_id": (query.user_id, "user_id = {0}"),
        "session_id": (query.session_id, "session_id = {0}"),
        "version": (query.version, "(trace_version = {0} OR version = {0})"),
        "release": (query.release, "release = {0}"),
    }
    for field, (value, row_holds) in equal.items():
        if value is not None:
            place = where.place("String", value)
            filters.append(Filter(f"{AGGREGATES[field]} = {place}", (row_holds.format(place),)))
    if query.ids:
        listed = f"trace_id IN {where.place('Array(String)', list(query.ids))}"
        filters.append(Filter(listed, (listed,)))
    if query.window.environments:
        place = where.place("Array(String)", list(query.window.environments))
        filters.append(Filter(f"{AGGREGATES['environment']} IN {place}", (f"environment IN {place}",)))
    if query.tags:
        place = where.place("Array(String)", list(query.tags))
        filters.append(Filter(f"hasAll({AGGREGATES['tags']}, {place})", (f"hasAny(tags, {place})",)))
    if query.errors_only:
        filters.append(Filter("error_count > 0", ("level = 'ERROR'",)))
    if query.search:
        ways = [way(where, query.search) for way in (said, said_of_trace, named)]
        filters.append(Filter(None, (*ways, *identified(where, query.search))))
    return filters + [Filter(trace_holds(where, condition)) for condition in query.conditions]


def matching_traces(
    where: Conditions,
    query: TraceQuery,
    span: Span,
    *,
    found: Found | None = None,
    before: timedelta = LONGEST_TRACE,
    settled: bool = False,
) -> str:
    """SELECT of the traces that match and began in `span`.

    Its columns are `trace_id, timestamp, error_count, rows, began, ended, ordered`.
    With `found` only its rows' traces are looked at. A trace that goes on in the span, but began longer than `before`
    before it, passes for one that began in it. `settled` is for a query without filters and without an end, of whose
    rows none was sent again with another time: merged by the engine, they take a third of the time.
    """
    project = str(where)
    low, high = where.place(TIME, span[0]), where.place(TIME, span[1])
    within = f"{project} AND start_time >= {low}"
    ids = f"SELECT trace_id FROM observations WHERE {within} AND start_time < {high}"
    known = listed(where, found.rows) if found else ""
    narrowed = [f"SELECT trace_id FROM ({known})" if found else ids]
    having = [f"timestamp >= {low} AND timestamp < {high}"]
    for place, each in enumerate(filters_of(where, query)):
        if not found and each.ways:
            narrowed.append(f"SELECT trace_id FROM ({_holding(each, within)})")
        if each.all_hold:
            having.append(each.all_hold)
            continue
        searched = f"{within} AND trace_id IN ({narrowed[0]})"
        held = known if found and found.filter == place else _holding(each, searched)
        having.append(f"countIf((trace_id, id, row_version) IN ({held})) > 0")
    if query.before:
        cursor = f"{where.place(TIME, query.before[0])}, {where.place('String', query.before[1])}"
        having.append(f"(timestamp, trace_id) < ({cursor})")
    since = where.place(TIME, earliest(span[0], before))
    recent = f"{project} AND start_time >= {since}"
    read = " AND ".join((recent, *(f"trace_id IN ({sql})" for sql in narrowed)))
    columns = [ROOT_METADATA] if any(each.column == "metadata" for each in query.conditions) else []
    fields = ", ".join(f"{AGGREGATES[name]} AS {name}" for name in ("timestamp", "error_count"))
    more = (
        f"{AGGREGATES['began']} AS began, {AGGREGATES['end_time']} AS ended, {TRACE_COLUMNS[query.order_by]} AS ordered"
    )
    merged = f"SELECT {COLUMNS} FROM observations FINAL WHERE {recent}"
    rows = merged if settled else newest(COLUMNS, read, columns)
    return (
        f"SELECT trace_id, {fields}, count() AS rows, {more} FROM ({rows}) "
        f"GROUP BY trace_id HAVING {' AND '.join(having)}"
    )


def newest(columns: str, where: str, more: Sequence[str] = ()) -> str:
    """The newest row of each observation."""
    named_columns = ", ".join((columns, *more))
    return f"SELECT {named_columns} FROM observations WHERE {where} ORDER BY row_version DESC LIMIT 1 BY trace_id, id"


def listed(where: Conditions, rows: Sequence[RowKey]) -> str:
    """SELECT of these very rows."""
    columns = zip(*rows, strict=True) if rows else ((), (), ())
    kinds = ("Array(String)", "Array(String)", "Array(UInt64)")
    places = [where.place(kind, list(column)) for kind, column in zip(kinds, columns, strict=True)]
    keys = f"SELECT arrayJoin(arrayZip({', '.join(places)})) AS key"
    return f"SELECT key.1 AS trace_id, key.2 AS id, key.3 AS row_version FROM ({keys})"


def _holding(filter_: Filter, within: str) -> str:
    """SELECT of the rows that hold a filter one way or another; some of them twice."""
    columns = "trace_id, id, row_version"
    return " UNION ALL ".join(f"SELECT {columns} FROM observations WHERE {within} AND {way}" for way in filter_.ways)
