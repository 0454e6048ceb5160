"""Deletion of objects with everything that belongs to them.

A deletion is logged before its first row is deleted (write-ahead log), and every step is idempotent: one that a crash
or a full disk interrupts is finished later. Relational rows go first, as only the observations tell what they are of.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from sightline.server.accounts import audit
from sightline.server.accounts.actions import Accounts
from sightline.server.accounts.records import AuditAction, AuditEvent, OrganizationId, ProjectId, UserId
from sightline.server.prompts.actions import Prompts
from sightline.server.prompts.records import Selector
from sightline.server.runtime.database import Connection, Database
from sightline.server.runtime.errors import Conflict, NotFound, SightlineError, Unavailable
from sightline.server.runtime.hub import LiveHub
from sightline.server.runtime.ids import digest_of
from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.tracing.actions import TracedExperiments, Tracing
from sightline.server.tracing.actions.removal import MediaRemoval
from sightline.server.tracing.records import TraceId
from sightline.server.upkeep.records import Noted, Thing, steps
from sightline.server.upkeep.store import EngineRemovalStore, RemovalStore

log = structlog.get_logger()

TOPICS = ("traces", "scores", "comments", "queues", "datasets")
"""Lists that change when traces go."""


@dataclass(frozen=True, kw_only=True)
class Stores:
    """Where things are deleted from."""

    engine: ObservationsEngine
    database: Database
    tracing: Tracing
    traced: TracedExperiments
    media: MediaRemoval
    prompts: Prompts
    accounts: Accounts
    hub: LiveHub


class Removal:
    """One verb an object; each returns once nothing finds the object any more. `resume` finishes what was cut short."""

    def __init__(self, stores: Stores) -> None:
        self.stores = stores
        self._database = stores.database
        self._engine = EngineRemovalStore(stores.engine)

    async def traces(self, project_id: ProjectId, trace_ids: Sequence[TraceId]) -> None:
        """Delete traces; those that are not there are deleted already."""
        ids = list(dict.fromkeys(trace_ids))
        if ids:
            await self._logged(project_id, Thing.TRACE, ids, *_events("trace.delete", project_id, ids))

    async def ended(self, project_id: ProjectId, trace_ids: Sequence[TraceId]) -> None:
        """As `traces`, at the end of their retention: nobody's act, so the audit log has no row of it."""
        if trace_ids:
            await self._logged(project_id, Thing.TRACE, trace_ids)

    async def session(self, project_id: ProjectId, session_id: str) -> None:
        """Delete a session with all its traces. NotFound when no trace names it."""
        if not await self.stores.tracing.traces_of_session(project_id, session_id):
            raise NotFound(f"session {session_id} does not exist: no trace names it")
        events = _events("session.delete", project_id, [digest_of(session_id)])
        await self._logged(project_id, Thing.SESSION, [session_id], *events)

    async def item(self, project_id: ProjectId, item_id: str) -> None:
        """Delete every version of a dataset item, those that as-of reads would find too."""
        await self._logged(project_id, Thing.ITEM, [item_id])

    async def dataset(self, project_id: ProjectId, dataset_id: str) -> None:
        """Delete a dataset with its items, its runs, and the scores on them; the traces of its runs stay."""
        events = _events("dataset.delete", project_id, [dataset_id])
        await self._logged(project_id, Thing.DATASET, [dataset_id], *events)

    async def project(self, project_id: ProjectId) -> None:
        """Delete a project, its keys, and everything in it."""
        await self._logged(project_id, Thing.PROJECT, [], *_events("project.delete", project_id, [project_id]))

    async def organization(self, organization_id: OrganizationId, name: str) -> None:
        """Delete an organisation and its projects; its people stay. Conflict unless `name` is its name."""
        async with self._database.reading() as connection:
            store = RemovalStore(connection)
            known, projects = await store.organization(organization_id), await store.projects(organization_id)
        if known != name:
            raise Conflict(f"the organisation is not called {name!r}: give its name to say that it is meant")
        for project_id in projects:
            await self.project(project_id)
        async with self._database.work() as work:
            event = AuditEvent(
                action="organization.delete",
                target_kind="organization",
                target_id=organization_id,
                organization_id=organization_id,
            )
            await audit.record(work.connection, event)
            await RemovalStore(work.connection).remove_organization(organization_id)
            work.after_commit(self.stores.accounts.forget_keys)

    async def prompt(self, project_id: ProjectId, selector: Selector, *, promotes: bool = False) -> None:
        """Delete versions of a prompt, with the comments on them."""

        async def also(connection: Connection, version_ids: Sequence[str]) -> None:
            await RemovalStore(connection).remove(project_id, Thing.PROMPT, version_ids)

        await self.stores.prompts.delete(project_id, selector, also, promotes=promotes)

    async def person(self, user_id: UserId, *, by: OrganizationId | None = None, everywhere: bool = False) -> None:
        """Erase a person: their account goes, what they wrote stays without their name.

        `by` an organisation only its own name of them, or an account that belongs to no other. Conflict where they are
        the last owner of one. An address is taken from the projects of their organisations, or `everywhere`: nobody
        proves that one is theirs, and others may have written it down for somebody else.
        """
        async with self._database.work() as work:
            store = RemovalStore(work.connection)
            known = await store.person(user_id)
            if user_id not in known or (by is not None and by not in await store.organizations_of([user_id])):
                raise NotFound(f"user {user_id!r} does not exist or is not a member of this organisation")
            ids = [*known]
            await self._check_erasable(store, ids, known[user_id], by)
            theirs: Sequence[OrganizationId | None] = await store.organizations_of(ids) or [None]
            for organization_id in theirs:
                event = AuditEvent(
                    action="person.delete", target_kind="person", target_id=user_id, organization_id=organization_id
                )
                await audit.record(work.connection, event)
            names = [*ids, *known.values()] if everywhere else ids
            noted = [await store.note(ProjectId(""), Thing.PERSON, names)]
            for known_as, address in () if everywhere else known.items():
                for project_id in await store.projects_of(known_as):
                    noted.append(await store.note(project_id, Thing.PERSON, [address]))
            for each in noted:
                await store.erase(each.ids, each.project_id)
            await store.remove_people(ids)
        for each in noted:
            await self._finish(each)

    async def _check_erasable(
        self, store: RemovalStore, ids: Sequence[UserId], address: str, by: OrganizationId | None
    ) -> None:
        if by is not None and len(await store.organizations_of(ids)) > 1:
            raise Conflict(f"user {ids[0]!r} belongs to other organisations too: only they can erase their account")
        if orphaned := await store.orphaned_by(ids):
            raise Conflict(f"{address} is the last owner of {orphaned[0]!r}: make somebody else one first")

    async def person_at(self, email: str) -> None:
        """As `person`, everybody with this address, for whoever runs the server."""
        async with self._database.reading() as connection:
            found = await RemovalStore(connection).people_at(email)
        if not found:
            raise NotFound(f"nobody has the address {email}")
        for user_id in found:
            await self.person(user_id, everywhere=True)

    async def resume(self) -> None:
        """Finish deletions that were cut short. Their failures are logged: the next round tries again."""
        async with self._database.reading() as connection:
            noted = await RemovalStore(connection).noted()
        for each in noted:
            if each.removed_at is None:
                try:
                    await self._finish(each)
                except SightlineError:
                    log.exception("a deletion could not be finished and will be tried again", of=each.thing)

    async def _logged(self, project_id: ProjectId, thing: Thing, ids: Sequence[str], *events: AuditEvent) -> None:
        """Note a deletion with its rows of the audit log, then do it. What cannot be done now is refused unnoted."""
        await self._engine.require_room()
        async with self._database.work() as work:
            await audit.record(work.connection, *events)
            noted = await RemovalStore(work.connection).note(project_id, thing, ids)
        await self._finish(noted)

    async def _finish(self, noted: Noted) -> None:
        act: dict[Thing, Callable[[Noted], Awaitable[None]]] = {
            Thing.TRACE: self._remove_traces,
            Thing.SESSION: self._remove_session,
            Thing.ITEM: self._remove_items,
            Thing.DATASET: self._remove_datasets,
            Thing.PROJECT: self._remove_project,
            Thing.PERSON: self._remove_author,
        }
        async with _explained():
            await act[noted.thing](noted)
            async with self._database.work() as work:
                await RemovalStore(work.connection).done(noted.id)
        for topic in TOPICS if noted.thing is not Thing.PERSON else ():
            self.stores.hub.publish(noted.project_id, topic)

    async def _remove_traces(self, noted: Noted) -> None:
        for step in steps(noted.ids):
            await self._remove_some(noted.project_id, [TraceId(each) for each in step])

    async def _remove_some(self, project_id: ProjectId, trace_ids: Sequence[TraceId]) -> None:
        tracing = self.stores.tracing
        by_trace = await tracing.observation_ids(project_id, trace_ids)
        told = await self.stores.media.told_by(project_id, trace_ids)
        async with self._database.work() as work:
            store = RemovalStore(work.connection)
            await store.remove(project_id, Thing.TRACE, trace_ids)
            await store.remove(project_id, Thing.OBSERVATION, [each for ids in by_trace.values() for each in ids])
        await tracing.delete_traces(project_id, trace_ids)
        await self.stores.media.of_traces(project_id, trace_ids, told)

    async def _remove_session(self, noted: Noted) -> None:
        tracing = self.stores.tracing
        async with self._database.work() as work:
            await RemovalStore(work.connection).remove(noted.project_id, Thing.SESSION, noted.ids)
        for session_id in noted.ids:
            await tracing.delete_session_scores(noted.project_id, session_id)
            while trace_ids := await tracing.traces_of_session(noted.project_id, session_id):
                await self._remove_some(noted.project_id, trace_ids)

    async def _remove_items(self, noted: Noted) -> None:
        await self.stores.media.of_items(noted.project_id, noted.ids)
        async with self._database.work() as work:
            await RemovalStore(work.connection).remove(noted.project_id, Thing.ITEM, noted.ids)

    async def _remove_datasets(self, noted: Noted) -> None:
        for dataset_id in noted.ids:
            async with self._database.reading() as connection:
                items, runs = await RemovalStore(connection).of_dataset(noted.project_id, dataset_id)
            told = await self.stores.traced.of_dataset(noted.project_id, dataset_id)
            await self.stores.traced.forget(noted.project_id, [*runs, *(each.id for each in told)])
            await self.stores.media.of_items(noted.project_id, items)
        async with self._database.work() as work:
            await RemovalStore(work.connection).remove(noted.project_id, Thing.DATASET, noted.ids)

    async def _remove_project(self, noted: Noted) -> None:
        async with self._database.work() as work:
            await RemovalStore(work.connection).remove_project(noted.project_id)
            await audit.forget_words(work.connection, [noted.project_id])
            work.after_commit(self.stores.accounts.forget_keys)
        await self._engine.delete_project(noted.project_id)
        await self.stores.media.of_project(noted.project_id)

    async def _remove_author(self, noted: Noted) -> None:
        await self._engine.erase(noted.ids, noted.project_id)


def _events(action: AuditAction, project_id: ProjectId, ids: Sequence[str]) -> list[AuditEvent]:
    kind = action.partition(".")[0]
    return [AuditEvent(action=action, target_kind=kind, target_id=each, project_id=project_id) for each in ids]


@asynccontextmanager
async def _explained() -> AsyncIterator[None]:
    """Say what a deletion that fails midway has come to: it is logged, and goes on by itself."""
    try:
        yield
    except SightlineError as problem:
        raise Unavailable(
            "the deletion was noted and goes on by itself, but could not be finished now: "
            f"{problem.message}. What is left may still be found until then"
        ) from problem
