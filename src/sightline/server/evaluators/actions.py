"""CRUD of evaluators, which are versioned, and evaluation rules."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sightline.server.accounts.records import ProjectId
from sightline.server.evaluators.records import (
    Assignment,
    Evaluator,
    EvaluatorDraft,
    EvaluatorId,
    EvaluatorRow,
    Kind,
    Place,
    Rule,
    RuleId,
    Version,
    VersionId,
)
from sightline.server.evaluators.store import EvaluatorStore, RuleStore, VersionStore
from sightline.server.runtime.clock import now
from sightline.server.runtime.database import Connection, Database
from sightline.server.runtime.errors import Conflict, InvalidRequest, NotFound
from sightline.server.runtime.ids import new_id


class Evaluators:
    """Every method is scoped to the project it is given."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, project_id: ProjectId, kind: Kind, draft: EvaluatorDraft) -> Evaluator:
        moment = now()
        row = EvaluatorRow(
            id=EvaluatorId(new_id()),
            project_id=project_id,
            name=draft.name or "",
            description=draft.description,
            kind=kind,
            created_at=moment,
            updated_at=moment,
        )
        version = _version(row, 1, draft.definition or {})
        async with self._database.work() as work:
            await EvaluatorStore(work.connection, project_id).add(row)
            await VersionStore(work.connection, project_id).add(version)
        return Evaluator(row=row, current=version)

    async def get(self, project_id: ProjectId, evaluator_id: EvaluatorId) -> Evaluator:
        async with self._database.reading() as connection:
            row = await _row(connection, project_id, evaluator_id)
            return (await _whole(connection, project_id, [row]))[0]

    async def page(self, project_id: ProjectId, limit: int, after: Place | None) -> tuple[list[Evaluator], bool]:
        """A page (keyset pagination), newest first, and whether there are more."""
        async with self._database.reading() as connection:
            rows, more = await EvaluatorStore(connection, project_id).following(limit, after)
            return await _whole(connection, project_id, rows), more

    async def versions(self, project_id: ProjectId, evaluator_id: EvaluatorId) -> tuple[EvaluatorRow, list[Version]]:
        """Newest first."""
        async with self._database.reading() as connection:
            row = await _row(connection, project_id, evaluator_id)
            return row, await VersionStore(connection, project_id).of(evaluator_id)

    async def change(self, project_id: ProjectId, evaluator_id: EvaluatorId, draft: EvaluatorDraft) -> Evaluator:
        """Rename or redescribe in place; a new definition appends an immutable version."""
        async with self._database.work() as work:
            row = await _row(work.connection, project_id, evaluator_id)
            if draft.kind and draft.kind != row.kind:
                raise InvalidRequest(f"evaluator {row.name!r} is {row.kind}: it cannot become {draft.kind}")
            changed = replace(
                row,
                name=draft.name or row.name,
                description=row.description if draft.description is None else draft.description,
                updated_at=now(),
            )
            await EvaluatorStore(work.connection, project_id).change(changed)
            if draft.definition is not None:
                await _add_version(work.connection, changed, draft.definition)
            return (await _whole(work.connection, project_id, [changed]))[0]

    async def delete(self, project_id: ProjectId, evaluator_id: EvaluatorId) -> None:
        """Delete with all versions. Conflict while a rule uses it (referential integrity)."""
        async with self._database.work() as work:
            row = await _row(work.connection, project_id, evaluator_id)
            [whole] = await _whole(work.connection, project_id, [row])
            if whole.assignments:
                rules = ", ".join(rule_id for rule_id, _ in whole.assignments)
                raise Conflict(f"evaluator {row.name!r} is used by rules {rules}: take it out of them first")
            await EvaluatorStore(work.connection, project_id).delete(evaluator_id)


class Rules:
    """Every method is scoped to the project it is given."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, rule: Rule) -> Rule:
        async with self._database.work() as work:
            await _check_assignments(work.connection, rule)
            await RuleStore(work.connection, rule.project_id).add(rule)
        return rule

    async def get(self, project_id: ProjectId, rule_id: RuleId) -> Rule:
        async with self._database.reading() as connection:
            return await _rule(connection, project_id, rule_id)

    async def page(self, project_id: ProjectId, limit: int, after: Place | None) -> tuple[list[Rule], bool]:
        """A page (keyset pagination), newest first, and whether there are more."""
        async with self._database.reading() as connection:
            return await RuleStore(connection, project_id).following(limit, after)

    async def change(self, project_id: ProjectId, rule_id: RuleId, changes: Mapping[str, Any]) -> Rule:
        async with self._database.work() as work:
            rule = replace(await _rule(work.connection, project_id, rule_id), **changes, updated_at=now())
            await _check_assignments(work.connection, rule)
            await RuleStore(work.connection, project_id).change(rule)
        return rule

    async def delete(self, project_id: ProjectId, rule_id: RuleId) -> None:
        async with self._database.work() as work:
            await _rule(work.connection, project_id, rule_id)
            await RuleStore(work.connection, project_id).delete(rule_id)


def _version(row: EvaluatorRow, number: int, definition: Mapping[str, Any]) -> Version:
    return Version(
        id=VersionId(new_id()),
        project_id=row.project_id,
        evaluator_id=row.id,
        version=number,
        definition=definition,
        created_at=now(),
    )


async def _add_version(connection: Connection, row: EvaluatorRow, definition: Mapping[str, Any]) -> None:
    store = VersionStore(connection, row.project_id)
    newest = (await store.current([row.id]))[row.id]
    await store.add(_version(row, newest.version + 1, definition))


async def _whole(connection: Connection, project_id: ProjectId, rows: Sequence[EvaluatorRow]) -> list[Evaluator]:
    current = await VersionStore(connection, project_id).current([row.id for row in rows])
    rules = await RuleStore(connection, project_id).every()
    uses: dict[EvaluatorId, list[tuple[RuleId, Assignment]]] = {}
    for rule in rules:
        for assignment in rule.assignments:
            uses.setdefault(assignment.evaluator_id, []).append((rule.id, assignment))
    return [Evaluator(row=row, current=current[row.id], assignments=tuple(uses.get(row.id, ()))) for row in rows]


async def _check_assignments(connection: Connection, rule: Rule) -> None:
    """InvalidRequest unless evaluators exist, each is named once, and mappings name variables of their prompts."""
    wanted = [assignment.evaluator_id for assignment in rule.assignments]
    if len(set(wanted)) != len(wanted):
        raise InvalidRequest("an evaluator is assigned twice: name each once")
    current = await VersionStore(connection, rule.project_id).current(wanted)
    for assignment in rule.assignments:
        version = current.get(assignment.evaluator_id)
        if version is None:
            raise InvalidRequest(f"evaluator {assignment.evaluator_id!r} does not exist in this project")
        for mapping in assignment.variable_mapping or ():
            if mapping["variable"] not in version.variables:
                known = ", ".join(version.variables) or "none"
                raise InvalidRequest(
                    f"variable {mapping['variable']!r} is not in the evaluator's prompt: it has {known}"
                )


async def _row(connection: Connection, project_id: ProjectId, evaluator_id: EvaluatorId) -> EvaluatorRow:
    found = await EvaluatorStore(connection, project_id).one(evaluator_id)
    if found is None:
        raise NotFound(f"evaluator {evaluator_id!r} does not exist in this project")
    return found


async def _rule(connection: Connection, project_id: ProjectId, rule_id: RuleId) -> Rule:
    found = await RuleStore(connection, project_id).one(rule_id)
    if found is None:
        raise NotFound(f"evaluation rule {rule_id!r} does not exist in this project")
    return found
