"""Counting usage once: the rule of `metering`, applied to stored rows whenever something of their trace changed."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from math import isclose
from typing import Any

from sightline.server.tracing.metering import NOTHING, Repeated, counted, repeated
from sightline.server.tracing.records import ProjectId, TraceId
from sightline.server.tracing.store.index import Change, Span, Told, TraceIndexStore


class CountedOnce:
    """Finds the traces that need it, and writes what is repeated in their rows."""

    def __init__(self, store: TraceIndexStore) -> None:
        self._store = store

    async def apply(
        self, project_id: ProjectId, summaries: Mapping[TraceId, dict[str, Any]], span: Span
    ) -> Collection[TraceId]:
        """Bring rows and summaries up to date; returns the other traces that share a call with these."""
        elsewhere: dict[TraceId, set[str]] = {}
        named = [trace_id for trace_id, summary in summaries.items() if summary["calls"]]
        if named:
            elsewhere = await self._store.calls_elsewhere(project_id, named, span)
        closer = [each for each in summaries if summaries[each]["repeats"] or each in elsewhere]
        if closer:
            changes: list[Change] = []
            for trace_id, told in (await self._store.reports(project_id, closer, span)).items():
                found = await asyncio.to_thread(repeated, [each.report for each in told], elsewhere.get(trace_id, ()))
                changes += _changes(trace_id, told, found)
                summaries[trace_id].update(_sums(told, found))
            if changes:
                await self._store.repeat(project_id, changes)
        return elsewhere.keys() - summaries.keys()


def _changes(trace_id: TraceId, told: Sequence[Told], found: Mapping[str, Repeated]) -> list[Change]:
    pairs = ((each, found.get(each.report.id, NOTHING)) for each in told)
    return [Change(trace_id, each, now) for each, now in pairs if not _same(each.repeated, now)]


def _sums(told: Sequence[Told], found: Mapping[str, Repeated]) -> dict[str, Any]:
    """Usage and cost of a trace, as sums over its rows are once they are written."""
    usage: dict[str, int] = {}
    cost_usd: dict[str, float] = {}
    for report in (each.report for each in told):
        repeats = found.get(report.id, NOTHING)
        for kind, units in counted(report.usage, repeats.usage).items():
            usage[kind] = usage.get(kind, 0) + round(units)
        for kind, cost in counted(report.cost_usd, repeats.cost_usd).items():
            cost_usd[kind] = cost_usd.get(kind, 0.0) + cost
    return {"usage": usage, "cost_usd": cost_usd}


def _same(one: Repeated, other: Repeated) -> bool:
    return dict(one.usage) == dict(other.usage) and all(
        isclose(one.cost_usd.get(kind, 0.0), other.cost_usd.get(kind, 0.0), rel_tol=1e-9, abs_tol=1e-15)
        for kind in one.cost_usd.keys() | other.cost_usd.keys()
    )
