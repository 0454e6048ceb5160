"""Experiments and their items, whichever way they were told: by spans, or filed item by item as runs of a dataset."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sightline.server.accounts.records import ProjectId
from sightline.server.evals.ran import all_ran
from sightline.server.evals.records import ExperimentItem, FiledItem, FiledRun, ItemId
from sightline.server.evals.standing import experiment_item, experiment_of
from sightline.server.evals.store import FiledStore
from sightline.server.runtime.database import Database
from sightline.server.tracing.actions import TracedExperiments
from sightline.server.tracing.records import Experiment, ExperimentQuery, ObservationId, Page, TraceId

CHUNK = 1_000
"""Batch size: filed items that are read, and looked up among the spans, by one statement."""


class Experiments:
    """Every method is scoped to the project it is given."""

    def __init__(self, database: Database, traced: TracedExperiments) -> None:
        self._database = database
        self._traced = traced

    async def page(self, project_id: ProjectId, query: ExperimentQuery) -> Page[Experiment]:
        """A page by latest activity. Filed runs are few beside spans: all that match are read, merged, then cut."""
        async with self._database.reading() as connection:
            filed: dict[str, FiledRun] = {
                each.run.id: each for each in await FiledStore(connection, project_id).runs(query)
            }
        ids = tuple(filed)
        alone = await self._traced.page(project_id, replace(query, without_ids=ids))
        both = {}
        if ids:
            every = replace(query, ids=ids, limit=len(ids), before=None)
            both = {each.id: each for each in (await self._traced.page(project_id, every)).items}
        joined = [experiment_of(each, both.get(each.run.id)) for each in filed.values()]
        found = sorted([*alone.items, *(each for each in joined if _follows(each, query))], key=_place, reverse=True)
        shown = found[: query.limit]
        counts = await self._counts(project_id, query, [filed[each.id] for each in shown if each.id in both])
        items = [replace(each, item_count=counts.get(each.id, each.item_count)) for each in shown]
        return Page(items, more=alone.more or len(found) > query.limit)

    async def items(self, project_id: ProjectId, query: ExperimentQuery) -> Page[ExperimentItem]:
        """A page, newest first: merges items that spans tell of, by start, with those only filed, by filing time."""
        traced = await self._traced.items(project_id, query)
        filed = await self._only_filed(project_id, query)
        standing = await self._standing(project_id, filed)
        told = [
            ExperimentItem(observation=each, place=(each.start_time, (each.trace_id, each.id))) for each in traced.items
        ]
        found = sorted([*told, *standing], key=lambda item: (item.place[0], bool(item.place[1][0])), reverse=True)
        return Page(found[: query.limit], more=traced.more or len(found) > query.limit)

    async def _counts(
        self, project_id: ProjectId, query: ExperimentQuery, runs: Sequence[FiledRun]
    ) -> Mapping[str, int]:
        """Deduplicated item counts of runs that are both filed and told by spans."""
        if not runs:
            return {}
        ids = tuple(each.run.id for each in runs)
        filed = defaultdict(list)
        every = replace(query, ids=ids, limit=sum(each.items for each in runs), before=None)
        async with self._database.reading() as connection:
            for item in await FiledStore(connection, project_id).items(every):
                filed[item.run.id].append(item.ran)
        traced = defaultdict(list)
        for each in await self._traced.ran(project_id, ids, window=query.window):
            traced[each.experiment_id].append(each)
        return {each.run.id: len(all_ran(each.run, filed[each.run.id], traced[each.run.id])) for each in runs}

    async def _only_filed(self, project_id: ProjectId, query: ExperimentQuery) -> list[FiledItem]:
        """Over-fetch: a page and one more of the items that no span tells of."""
        found: list[FiledItem] = []
        asked = replace(query, limit=CHUNK)
        while len(found) <= query.limit:
            async with self._database.reading() as connection:
                chunk = await FiledStore(connection, project_id).items(asked)
            told = await self._told(project_id, chunk)
            found += [each for each in chunk if (each.run.id, each.ran.id) not in told]
            if len(chunk) < CHUNK:
                break
            asked = replace(asked, before=(chunk[-1].ran.created_at, ("", chunk[-1].ran.id)))
        return found[: query.limit + 1]

    async def _told(self, project_id: ProjectId, filed: Sequence[FiledItem]) -> set[tuple[str, str]]:
        """Run and id of those that spans tell of too."""
        runs = tuple({each.run.id for each in filed})
        traces = tuple({each.ran.trace_id for each in filed})
        keys: dict[tuple[str, ItemId, TraceId, ObservationId | None], str] = {
            (each.run.id, each.ran.item_id, each.ran.trace_id, each.ran.observation_id): each.ran.id for each in filed
        }
        told = set()
        for traced in await self._traced.ran(project_id, runs, trace_ids=traces):
            for observation in (traced.observation_id, None):
                key = traced.experiment_id, ItemId(traced.item_id), traced.trace_id, observation
                if key in keys:
                    told.add((traced.experiment_id, keys[key]))
        return told

    async def _standing(self, project_id: ProjectId, filed: Sequence[FiledItem]) -> list[ExperimentItem]:
        traces = list({each.ran.trace_id for each in filed})
        ids = [each.ran.observation_id for each in filed if each.ran.observation_id]
        by_trace = defaultdict(list)
        for observation in await self._traced.of_traces(project_id, traces, ids):
            by_trace[observation.trace_id].append(observation)
        return [experiment_item(project_id, each, by_trace[each.ran.trace_id]) for each in filed]


def _place(experiment: Experiment) -> tuple[object, str]:
    return experiment.end_time, experiment.id


def _follows(experiment: Experiment, query: ExperimentQuery) -> bool:
    if query.before is None:
        return True
    ended, (last,) = query.before
    return (experiment.end_time, experiment.id) < (ended, last)
