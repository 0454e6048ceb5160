"""All SQL of evaluators and rules. A store belongs to one project and one unit of work."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from sightline.server.accounts.records import ProjectId
from sightline.server.evaluators.records import Assignment, EvaluatorId, EvaluatorRow, Rule, Version
from sightline.server.runtime.rows import ProjectRows
from sightline.server.tables.evaluators import evaluation_rules, evaluator_versions, evaluators


class EvaluatorStore(ProjectRows[EvaluatorRow]):
    def __init__(self, connection: AsyncConnection, project_id: ProjectId) -> None:
        super().__init__(connection, evaluators, project_id, lambda row: EvaluatorRow(**row), vars)


class VersionStore(ProjectRows[Version]):
    def __init__(self, connection: AsyncConnection, project_id: ProjectId) -> None:
        super().__init__(connection, evaluator_versions, project_id, lambda row: Version(**row), vars)

    async def current(self, evaluator_ids: Sequence[EvaluatorId]) -> dict[EvaluatorId, Version]:
        """The newest version of each."""
        found = await self.every(evaluator_versions.c.evaluator_id.in_(evaluator_ids))
        by_version = sorted(found, key=lambda version: version.version)
        return {version.evaluator_id: version for version in by_version}

    async def of(self, evaluator_id: EvaluatorId) -> list[Version]:
        """Newest first."""
        found = await self.every(evaluator_versions.c.evaluator_id == evaluator_id)
        return sorted(found, key=lambda version: -version.version)


class RuleStore(ProjectRows[Rule]):
    def __init__(self, connection: AsyncConnection, project_id: ProjectId) -> None:
        super().__init__(connection, evaluation_rules, project_id, _rule, _rule_row)


def _rule(row: Mapping[str, Any]) -> Rule:
    assignments = tuple(Assignment(**each) for each in row["assignments"])
    return Rule(**{**row, "filters": tuple(row["filters"]), "assignments": assignments})


def _rule_row(rule: Rule) -> Mapping[str, Any]:
    assignments = [asdict(each) for each in rule.assignments]
    return vars(rule) | {"filters": list(rule.filters), "assignments": assignments}
