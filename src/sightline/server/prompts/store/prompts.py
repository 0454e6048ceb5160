"""Versions, labels, tags and inclusions. A store belongs to one project and one unit of work."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, delete, distinct, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from sightline.server.accounts.records import ProjectId
from sightline.server.prompts.records import (
    LATEST,
    Draft,
    Kind,
    Prompt,
    PromptId,
    PromptQuery,
    PromptSummary,
    Selector,
)
from sightline.server.prompts.store.conditions import labelled, sql_condition
from sightline.server.questions import Condition
from sightline.server.runtime.clock import now
from sightline.server.runtime.errors import Conflict
from sightline.server.runtime.ids import new_id
from sightline.server.tables.prompts import prompt_labels, prompt_references, prompt_tags, prompt_versions, prompts

_VERSIONS: Select[Any] = select(prompts.c.project_id, prompts.c.name, prompts.c.kind, *prompt_versions.c).join_from(
    prompt_versions, prompts
)
_WITHOUT_CONTENT: Select[Any] = select(
    prompts.c.name,
    prompts.c.kind,
    prompt_versions.c.prompt_id,
    prompt_versions.c.version,
    prompt_versions.c.config,
    prompt_versions.c.updated_at,
).join_from(prompt_versions, prompts)
"""Projection without the content, which may be large."""


class _Marks:
    """Labels and tags of some prompts."""

    def __init__(self) -> None:
        self.labels: dict[tuple[str, int], list[str]] = defaultdict(list)
        self.tags: dict[str, list[str]] = defaultdict(list)

    def labels_of(self, rows: Iterable[Row[Any]]) -> tuple[str, ...]:
        labels = (label for row in rows for label in self.labels[row.prompt_id, row.version])
        return tuple(sorted(labels, key=lambda label: (label == LATEST, label)))


class PromptStore:
    """The prompts of one project, over a connection."""

    def __init__(self, connection: AsyncConnection, project_id: ProjectId) -> None:
        self._connection = connection
        self._project_id = project_id

    async def newest(self, name: str) -> tuple[Kind, int] | None:
        """The prompt's kind and highest version."""
        query = (
            select(prompts.c.kind, func.max(prompt_versions.c.version).label("version"))
            .join_from(prompts, prompt_versions)
            .where(self._named(name))
            .group_by(prompts.c.id, prompts.c.kind)
        )
        row = (await self._connection.execute(query)).first()
        return (row.kind, row.version) if row else None

    async def one(self, selector: Selector) -> Prompt | None:
        found = await self.matching(selector)
        return found[0] if found else None

    async def matching(self, selector: Selector) -> list[Prompt]:
        """The versions a selector means, newest first: all of the prompt when it names neither version nor label."""
        query = _VERSIONS.where(self._named(selector.name)).order_by(prompt_versions.c.version.desc())
        if selector.version is not None:
            query = query.where(prompt_versions.c.version == selector.version)
        if selector.label is not None:
            query = query.where(labelled([selector.label]))
        rows = (await self._connection.execute(query)).all()
        return await self._prompts(rows)

    async def ids(self, wanted: Iterable[tuple[str, int]]) -> dict[tuple[str, int], PromptId]:
        """The ids of these versions, by name and number."""
        names, versions = zip(*wanted, strict=True)
        query = (
            select(prompts.c.name, prompt_versions.c.version, prompt_versions.c.id)
            .join_from(prompt_versions, prompts)
            .where(prompts.c.project_id == self._project_id)
            .where(prompts.c.name.in_(set(names)), prompt_versions.c.version.in_(set(versions)))
        )
        rows = await self._connection.execute(query)
        return {(row.name, row.version): PromptId(row.id) for row in rows}

    async def add(self, draft: Draft, version: int, included: Iterable[Selector]) -> PromptId:
        """Insert a version. Conflict when another writer took its number first (unique constraint)."""
        try:
            return await self._add(draft, version, included)
        except IntegrityError as problem:
            raise Conflict(
                f"version {version} of prompt {draft.name!r} was created by somebody else just now: send it again"
            ) from problem

    async def move_labels(self, name: str, version: int, labels: Iterable[str]) -> None:
        """Point labels at a version, away from where they pointed."""
        prompt_id = await self._prompt_id(name)
        moved = list(dict.fromkeys(labels))
        at_labels = (prompt_labels.c.prompt_id == prompt_id, prompt_labels.c.label.in_(moved))
        lost = (await self._connection.execute(select(prompt_labels.c.version).where(*at_labels))).scalars().all()
        await self._connection.execute(delete(prompt_labels).where(*at_labels))
        rows = [{"prompt_id": prompt_id, "label": label, "version": version} for label in moved]
        if rows:
            await self._connection.execute(insert(prompt_labels), rows)
            await self._touch(prompt_id, {version, *lost})

    async def set_tags(self, name: str, tags: Iterable[str]) -> None:
        """Give the prompt, all its versions, these tags and no others."""
        prompt_id = await self._prompt_id(name)
        await self._connection.execute(delete(prompt_tags).where(prompt_tags.c.prompt_id == prompt_id))
        unique = enumerate(dict.fromkeys(tags))
        rows = [{"prompt_id": prompt_id, "tag": tag, "position": position} for position, tag in unique]
        if rows:
            await self._connection.execute(insert(prompt_tags), rows)

    async def remove(self, name: str, versions: Sequence[int]) -> None:
        """Delete versions with their labels; `latest` moves to the newest left, a prompt without any is deleted."""
        prompt_id = await self._prompt_id(name)
        mine = prompt_versions.c.prompt_id == prompt_id
        await self._connection.execute(
            delete(prompt_versions).where(mine, prompt_versions.c.version.in_(list(versions)))
        )
        left = (await self._connection.execute(select(func.max(prompt_versions.c.version)).where(mine))).scalar()
        if left is None:
            await self._connection.execute(delete(prompts).where(self._named(name)))
        else:
            await self.move_labels(name, left, [LATEST])

    async def including(self, name: str) -> list[tuple[Prompt, Selector]]:
        """Which versions include the prompt, and how they name it."""
        query = _VERSIONS.add_columns(
            prompt_references.c.version.label("wanted_version"), prompt_references.c.label.label("wanted_label")
        ).join(prompt_references, prompt_references.c.parent_id == prompt_versions.c.id)
        mine = prompt_references.c.project_id == self._project_id, prompt_references.c.name == name
        rows = (await self._connection.execute(query.where(*mine, prompts.c.project_id == self._project_id))).all()
        wanted = [Selector(name=name, version=row.wanted_version, label=row.wanted_label) for row in rows]
        return list(zip(await self._prompts(rows), wanted, strict=True))

    async def page(self, query: PromptQuery) -> tuple[list[PromptSummary], int]:
        """A page of summaries by name, each over its matching versions, and the total count."""
        matching = self._matching(query.conditions)
        counted = select(func.count(distinct(prompts.c.id))).join_from(prompt_versions, prompts).where(matching)
        total = (await self._connection.execute(counted)).scalar_one()
        names = (
            select(prompts.c.name)
            .join_from(prompt_versions, prompts)
            .where(matching)
            .distinct()
            .order_by(prompts.c.name)
            .limit(query.limit)
            .offset(query.offset)
        )
        shown = (await self._connection.execute(names)).scalars().all()
        wanted = _WITHOUT_CONTENT.where(matching, prompts.c.name.in_(shown)).order_by(prompt_versions.c.version)
        rows = (await self._connection.execute(wanted)).all()
        marks = await self._marks(rows)
        return [_summary([row for row in rows if row.name == name], marks) for name in shown], total

    async def _add(self, draft: Draft, version: int, included: Iterable[Selector]) -> PromptId:
        prompt_id = new_id()
        if version == 1:
            values = {"id": prompt_id, "project_id": self._project_id, "name": draft.name, "kind": draft.kind}
            await self._connection.execute(insert(prompts).values(values))
        else:
            prompt_id = await self._prompt_id(draft.name)
        moment = now()
        row = {
            "id": new_id(),
            "prompt_id": prompt_id,
            "version": version,
            "content": draft.content,
            "config": draft.config,
            "commit_message": draft.commit_message,
            "created_by": draft.created_by,
            "created_at": moment,
            "updated_at": moment,
        }
        await self._connection.execute(insert(prompt_versions).values(row))
        references = [
            {"parent_id": row["id"], "position": position, "project_id": self._project_id, **vars(selector)}
            for position, selector in enumerate(included)
        ]
        if references:
            await self._connection.execute(insert(prompt_references), references)
        return PromptId(str(row["id"]))

    async def _prompt_id(self, name: str) -> str:
        """The prompt's id under a row lock (SELECT … FOR UPDATE): writers of one prompt are serialised from here on."""
        query = select(prompts.c.id).where(self._named(name)).with_for_update()
        found: str = (await self._connection.execute(query)).scalar_one()
        return found

    async def _touch(self, prompt_id: str, versions: Iterable[int]) -> None:
        touched = prompt_versions.c.prompt_id == prompt_id, prompt_versions.c.version.in_(list(versions))
        await self._connection.execute(update(prompt_versions).where(*touched).values(updated_at=now()))

    async def _prompts(self, rows: Sequence[Row[Any]]) -> list[Prompt]:
        marks = await self._marks(rows)
        return [_prompt(row, marks) for row in rows]

    async def _marks(self, rows: Sequence[Row[Any]]) -> _Marks:
        ids = {row.prompt_id for row in rows}
        marks = _Marks()
        for row in await self._connection.execute(select(prompt_labels).where(prompt_labels.c.prompt_id.in_(ids))):
            marks.labels[row.prompt_id, row.version].append(row.label)
        tags = select(prompt_tags).where(prompt_tags.c.prompt_id.in_(ids)).order_by(prompt_tags.c.position)
        for row in await self._connection.execute(tags):
            marks.tags[row.prompt_id].append(row.tag)
        return marks

    def _named(self, name: str) -> ColumnElement[bool]:
        return and_(prompts.c.project_id == self._project_id, prompts.c.name == name)

    def _matching(self, conditions: Sequence[Condition]) -> ColumnElement[bool]:
        return and_(prompts.c.project_id == self._project_id, *(sql_condition(each) for each in conditions))


def _prompt(row: Row[Any], marks: _Marks) -> Prompt:
    return Prompt(
        id=PromptId(row.id),
        project_id=ProjectId(row.project_id),
        name=row.name,
        kind=row.kind,
        version=row.version,
        content=row.content,
        config=row.config,
        labels=marks.labels_of([row]),
        tags=tuple(marks.tags[row.prompt_id]),
        commit_message=row.commit_message,
        created_by=row.created_by,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _summary(versions: Sequence[Row[Any]], marks: _Marks) -> PromptSummary:
    """Of the matching versions of one prompt, oldest first."""
    newest = versions[-1]
    return PromptSummary(
        name=newest.name,
        kind=newest.kind,
        versions=tuple(row.version for row in versions),
        labels=marks.labels_of(versions),
        tags=tuple(marks.tags[newest.prompt_id]),
        updated_at=max(row.updated_at for row in versions),
        config=newest.config,
    )
