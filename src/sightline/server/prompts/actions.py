"""What can be done with prompts, one verb a method; every method is scoped to the project it is given."""

from collections.abc import Collection, Sequence

from sightline.server.accounts import audit
from sightline.server.accounts.labels import check_move, record_move
from sightline.server.accounts.records import ProjectId
from sightline.server.prompts.composition import clashing_names, compose, inclusions_of
from sightline.server.prompts.records import (
    LATEST,
    PRODUCTION,
    Composed,
    Draft,
    Prompt,
    PromptId,
    PromptQuery,
    PromptSummary,
    Selector,
)
from sightline.server.prompts.store import PromptStore
from sightline.server.runtime.clock import now
from sightline.server.runtime.database import Database
from sightline.server.runtime.errors import InvalidRequest, NotFound
from sightline.server.runtime.hub import LiveHub
from sightline.server.tracing.records import Page


class Prompts:
    """Prompts and their versions. Versions are immutable; labels (movable pointers) and tags are not."""

    def __init__(self, database: Database, hub: LiveHub) -> None:
        self._database = database
        self._hub = hub

    async def create(self, project_id: ProjectId, draft: Draft, *, promotes: bool = False) -> Prompt:
        """Append a version to a prompt, which is created when it does not exist; its labels move to the new version.

        `promotes` says whether the caller may move protected labels.
        """
        included = inclusions_of(draft.content)
        async with self._database.work() as work:
            store = PromptStore(work.connection, project_id)
            version = await _next_version(store, draft)
            await check_move(work.connection, project_id, draft.labels, promotes=promotes)
            await compose(_unsaved(project_id, draft, version), store.one)
            await store.add(draft, version, included)
            await store.move_labels(draft.name, version, [*draft.labels, LATEST])
            await record_move(work.connection, project_id, "prompt", draft.name, version, draft.labels)
            if draft.tags is not None:
                await store.set_tags(draft.name, draft.tags)
            created = await _existing(store, Selector(name=draft.name, version=version))
            work.after_commit(lambda: self._hub.publish(project_id, "prompts"))
        return created

    async def get(self, project_id: ProjectId, selector: Selector, *, resolve: bool = True) -> Composed:
        """One version, by default the one labelled `production`, with its inclusions resolved. NotFound without it."""
        if selector.version is not None and selector.label is not None:
            raise InvalidRequest(
                f"version {selector.version} and label {selector.label!r} are both given: ask for one of them"
            )
        if selector.version is None and selector.label is None:
            selector = Selector(name=selector.name, label=PRODUCTION)
        async with self._database.reading() as connection:
            store = PromptStore(connection, project_id)
            prompt = await _existing(store, selector)
            return await compose(prompt, store.one) if resolve else Composed(prompt=prompt, inclusions={})

    async def ids(self, project_id: ProjectId, wanted: Collection[tuple[str, int]]) -> dict[tuple[str, int], PromptId]:
        """The ids of versions by name and number; those that do not exist are left out."""
        if not wanted:
            return {}
        async with self._database.reading() as connection:
            return await PromptStore(connection, project_id).ids(wanted)

    async def page(self, project_id: ProjectId, query: PromptQuery) -> Page[PromptSummary]:
        async with self._database.reading() as connection:
            items, total = await PromptStore(connection, project_id).page(query)
        return Page(items=items, total=total, more=query.offset + len(items) < total)

    async def label(
        self, project_id: ProjectId, name: str, version: int, labels: Sequence[str], *, promotes: bool = False
    ) -> Prompt:
        """Move labels to a version; those it has stay."""
        if LATEST in labels:
            raise InvalidRequest(f"label {LATEST!r} always points at the newest version: leave it out")
        async with self._database.work() as work:
            store = PromptStore(work.connection, project_id)
            selector = Selector(name=name, version=version)
            moving = set(labels) - set((await _existing(store, selector)).labels)
            await check_move(work.connection, project_id, moving, promotes=promotes)
            await store.move_labels(name, version, labels)
            await record_move(work.connection, project_id, "prompt", name, version, moving)
            work.after_commit(lambda: self._hub.publish(project_id, "prompts"))
            return await _existing(store, selector)

    async def delete(self, project_id: ProjectId, selector: Selector, *, promotes: bool = False) -> None:
        """Delete the selected versions, all when none is named. InvalidRequest while another prompt includes one."""
        if selector.version is not None and selector.label is not None:
            raise InvalidRequest("version and label are both given: delete by one of them, or all by neither")
        async with self._database.work() as work:
            store = PromptStore(work.connection, project_id)
            going = await store.matching(selector)
            if not going:
                raise _no_prompt(selector)
            labels = {label for prompt in going for label in prompt.labels}
            await check_move(work.connection, project_id, labels, promotes=promotes)
            await _check_not_needed(store, going)
            versions = [prompt.version for prompt in going]
            await store.remove(selector.name, versions)
            event = audit.of_project("prompt.delete", project_id, "prompt", selector.name, versions=sorted(versions))
            await audit.record(work.connection, event)
            work.after_commit(lambda: self._hub.publish(project_id, "prompts"))


async def _next_version(store: PromptStore, draft: Draft) -> int:
    clashing = clashing_names(draft.content)
    if clashing:
        raise InvalidRequest(f"variables and placeholders share the names {', '.join(clashing)}: rename one of each")
    newest = await store.newest(draft.name)
    if newest is None:
        return 1
    kind, version = newest
    if kind != draft.kind:
        raise InvalidRequest(
            f"prompt {draft.name!r} is a {kind} prompt, the new version a {draft.kind} prompt: "
            "create it under another name"
        )
    return version + 1


async def _check_not_needed(store: PromptStore, going: Sequence[Prompt]) -> None:
    name = going[0].name
    versions = {prompt.version for prompt in going}
    # A label points at one version only: when that goes, the label is gone, except `latest`, which moves.
    stay = len(await store.matching(Selector(name=name))) > len(going)
    labels = {label for prompt in going for label in prompt.labels if not (stay and label == LATEST)}
    needed = [
        f"{parent.name!r} version {parent.version} includes {wanted}"
        for parent, wanted in await store.including(name)
        if wanted.version in versions or wanted.label in labels
    ]
    if needed:
        raise InvalidRequest(f"other prompts need what is to be deleted: {'; '.join(needed)}: delete those first")


async def _existing(store: PromptStore, selector: Selector) -> Prompt:
    found = await store.one(selector)
    if found is None:
        raise _no_prompt(selector)
    return found


def _no_prompt(selector: Selector) -> NotFound:
    wanted = f"{selector.name!r}" if selector.version is None and selector.label is None else str(selector)
    return NotFound(f"Prompt not found: {wanted} does not exist in this project")


def _unsaved(project_id: ProjectId, draft: Draft, version: int) -> Prompt:
    """The draft as the version it is about to become, to see whether it can be composed."""
    return Prompt(
        id=PromptId(""),
        project_id=project_id,
        name=draft.name,
        kind=draft.kind,
        version=version,
        content=draft.content,
        config=draft.config,
        labels=(),
        tags=(),
        commit_message=draft.commit_message,
        created_by=draft.created_by,
        created_at=now(),
        updated_at=now(),
    )
