"""Evaluators and evaluation rules through Langfuse's paths."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from sightline.server.accounts.records import Access
from sightline.server.edges.access import key_for
from sightline.server.edges.answers import Json, iso
from sightline.server.edges.bodies import PlainJson
from sightline.server.edges.cursors import cursor_position, cursor_text
from sightline.server.edges.langfuse.evaluators.bodies import ChangedEvaluator, NewEvaluator, NewRule, RuleChanges
from sightline.server.edges.params import Params
from sightline.server.edges.services import Served
from sightline.server.evaluators.records import (
    Assignment,
    Evaluator,
    EvaluatorId,
    EvaluatorRow,
    Kind,
    Place,
    Rule,
    RuleId,
    Version,
)

router = APIRouter(route_class=PlainJson, prefix="/api/public/v2")

Reader = Annotated[Access, key_for("evaluators.read")]
Writer = Annotated[Access, key_for("evaluators.write")]

CURSOR = ("createdAt", "id")
"""Parts of the keyset cursor: time, then id as the tie-breaker."""


class CursorParams(Params):
    limit: int = Field(50, ge=1, le=100)
    cursor: str | None = None

    @property
    def after(self) -> Place | None:
        if not self.cursor:
            return None
        moment, [row_id] = cursor_position(self.cursor, *CURSOR)
        return moment, row_id


@router.get("/evaluators")
async def list_evaluators(who: Reader, services: Served, params: Annotated[CursorParams, Query()]) -> Json:
    found, more = await services.evaluators.page(who.project_id, params.limit, params.after)
    last = found[-1].row if more else None
    return Json({"data": [_evaluator(each) for each in found], "meta": _meta(last)})


@router.post("/evaluators")
async def create(body: NewEvaluator, who: Writer, services: Served) -> Json:
    made = await services.evaluators.create(who.project_id, body.root.type, body.root.draft())
    return Json(_evaluator(made), status_code=201)


@router.get("/evaluators/{evaluatorId}")
async def read(evaluatorId: str, who: Reader, services: Served) -> Json:
    return Json(_evaluator(await services.evaluators.get(who.project_id, EvaluatorId(evaluatorId))))


@router.get("/evaluators/{evaluatorId}/versions")
async def list_versions(
    evaluatorId: str, who: Reader, services: Served, params: Annotated[CursorParams, Query()]
) -> Json:
    row, versions = await services.evaluators.versions(who.project_id, EvaluatorId(evaluatorId))
    rest = [each for each in versions if params.after is None or (each.created_at, each.id) < params.after]
    page = rest[: params.limit]
    last = page[-1] if len(rest) > len(page) else None
    return Json({"data": [_version(each, row.kind) for each in page], "meta": _meta(last)})


@router.patch("/evaluators/{evaluatorId}")
async def change(evaluatorId: str, body: ChangedEvaluator, who: Writer, services: Served) -> Json:
    changed = await services.evaluators.change(who.project_id, EvaluatorId(evaluatorId), body.root.draft())
    return Json(_evaluator(changed))


@router.delete("/evaluators/{evaluatorId}")
async def delete(evaluatorId: str, who: Writer, services: Served) -> Json:
    await services.evaluators.delete(who.project_id, EvaluatorId(evaluatorId))
    return Json({"id": evaluatorId})


@router.get("/evaluation-rules")
async def list_rules(who: Reader, services: Served, params: Annotated[CursorParams, Query()]) -> Json:
    found, more = await services.rules.page(who.project_id, params.limit, params.after)
    return Json({"data": [_rule(each) for each in found], "meta": _meta(found[-1] if more else None)})


@router.post("/evaluation-rules")
async def create_rule(body: NewRule, who: Writer, services: Served) -> Json:
    return Json(_rule(await services.rules.create(body.rule(who.project_id))), status_code=201)


@router.get("/evaluation-rules/{ruleId}")
async def read_rule(ruleId: str, who: Reader, services: Served) -> Json:
    return Json(_rule(await services.rules.get(who.project_id, RuleId(ruleId))))


@router.patch("/evaluation-rules/{ruleId}")
async def change_rule(ruleId: str, body: RuleChanges, who: Writer, services: Served) -> Json:
    return Json(_rule(await services.rules.change(who.project_id, RuleId(ruleId), body.changes())))


@router.delete("/evaluation-rules/{ruleId}")
async def delete_rule(ruleId: str, who: Writer, services: Served) -> Json:
    await services.rules.delete(who.project_id, RuleId(ruleId))
    return Json({"id": ruleId})


def _meta(last: EvaluatorRow | Version | Rule | None) -> dict[str, str]:
    if last is None:
        return {}
    return {"cursor": cursor_text({"createdAt": last.created_at.isoformat(), "id": last.id})}


def _evaluator(evaluator: Evaluator) -> dict[str, Any]:
    row, current = evaluator.row, evaluator.current
    return {
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "type": row.kind,
        **current.definition,
        "status": "active",
        "pausedAt": None,
        "pausedReason": None,
        "pausedMessage": None,
        "evaluationRuleAssignments": [
            {"evaluationRuleId": rule_id, "variableMappingOverride": _mapping(assignment)}
            for rule_id, assignment in evaluator.assignments
        ],
        "createdBy": None,
        "createdAt": iso(row.created_at),
        "updatedAt": iso(row.updated_at),
        "version": current.version,
        "versionId": current.id,
        "versionCreatedAt": iso(current.created_at),
        "versionCreatedBy": None,
    }


def _version(version: Version, kind: Kind) -> dict[str, Any]:
    return {
        "id": version.id,
        "version": version.version,
        "type": kind,
        **version.definition,
        "createdAt": iso(version.created_at),
        "createdBy": None,
    }


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "name": rule.name,
        "enabled": rule.enabled,
        "sampling": rule.sampling,
        "filter": list(rule.filters),
        "evaluatorAssignments": [
            {"evaluatorId": each.evaluator_id, "variableMapping": _mapping(each)} for each in rule.assignments
        ],
        "createdBy": None,
        "createdAt": iso(rule.created_at),
        "updatedAt": iso(rule.updated_at),
    }


def _mapping(assignment: Assignment) -> list[Any] | None:
    return None if assignment.variable_mapping is None else list(assignment.variable_mapping)
