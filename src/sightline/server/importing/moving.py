"""The whole import: one part after another, each resumed from its checkpoint."""

from collections.abc import Sequence
from typing import Protocol

from sightline.server.importing.parts import PARTS, Crossing, Part
from sightline.server.importing.reading import Reader, Windows, one_ahead
from sightline.server.importing.records import Summary, Tally
from sightline.server.importing.wire import ABSENT, Api, Refused
from sightline.server.runtime.clock import now
from sightline.server.runtime.errors import InvalidRequest


class Watcher(Protocol):
    """Observer of progress."""

    def begins(self, tally: Tally) -> None: ...

    def moved(self, tally: Tally) -> None: ...

    def ends(self, tally: Tally) -> None: ...


async def project_of(api: Api, wanted: str | None = None) -> str:
    """The id of the project a key pair opens; InvalidRequest when it is another than `wanted`, an id or a name."""
    answer = await api.greet()
    [project] = answer["data"]
    if wanted is not None and wanted not in (project["id"], project["name"]):
        raise InvalidRequest(
            f"these keys open project {project['name']!r} ({project['id']}), not {wanted!r}: use that project's keys"
        )
    return str(project["id"])


async def move(crossing: Crossing, watcher: Watcher) -> Summary:
    """Import what is selected. Idempotent and resumable: the next call continues from the checkpoints."""
    chosen = _chosen(crossing)
    crossing.state.begin([part.key for part in chosen])
    crossing.state.save(now_or_never=True)
    tallies = []
    for kind in [type(part) for part in chosen]:
        part = kind(crossing)  # Anew: a next round begins with nothing done.
        if not crossing.state.done(part.key):
            await _move_part(part, watcher)
        tallies.append(part.tally)
    crossing.state.end()
    crossing.state.save(now_or_never=True)
    return _summary(crossing, tallies, dry_run=False)


async def count(crossing: Crossing, watcher: Watcher) -> Summary:
    """Dry run: count what an import would read."""
    tallies = []
    for part in _chosen(crossing):
        if await _offered(part) is None:
            part.tally.total = 0
        watcher.ends(part.tally)
        tallies.append(part.tally)
    return _summary(crossing, tallies, dry_run=True)


def _chosen(crossing: Crossing) -> list[Part]:
    return [part for part in (kind(crossing) for kind in PARTS) if part.wanted]


async def _move_part(part: Part, watcher: Watcher) -> None:
    reader = await _offered(part)
    if reader is None:
        part.state.finish(part.key)
        part.state.save(now_or_never=True)
        return
    total = part.tally.total
    part.tally.total = None if total is None else max(total, part.tally.read)
    watcher.begins(part.tally)
    async for batch in one_ahead(reader.batches(part.state.place(part.key))):
        await part.carry(batch.rows)
        part.tally.read += len(batch.rows)
        if batch.place is not None:
            part.state.reach(part.key, batch.place, part.tally)
            part.state.save()
        watcher.moved(part.tally)
    await part.finish()
    if isinstance(reader, Windows) and part.crossing.selection.until is None:
        # What was written meanwhile is for the next import; what is dated after now, a wrong clock wrote.
        part.leave_future(await reader.after(now()))
    part.state.reach(part.key, {}, part.tally)
    part.state.finish(part.key)
    part.state.save(now_or_never=True)
    watcher.ends(part.tally)


async def _offered(part: Part) -> Reader | None:
    """The reader of a part, with its total in the tally; None where the source's version has no such endpoint."""
    try:
        reader = await part.reader()
        part.tally.total = await reader.total() if reader else None
    except Refused as problem:
        if problem.status not in ABSENT:
            raise
        reader = None
    if reader is None:
        part.change(part.crossing.source.place.url, "this source has no list of them")
    return reader


def _summary(crossing: Crossing, tallies: Sequence[Tally], *, dry_run: bool) -> Summary:
    return Summary(
        source=crossing.source.place.url,
        target=crossing.target.place.url,
        tallies=tuple(tallies),
        remarks=tuple(crossing.state.remarks()),
        dry_run=dry_run,
    )
