"""Evaluators and rules through their actions: versions of definitions, and rules that only speak of what there is."""

from datetime import UTC, datetime

import pytest

from server.conftest import ELSEWHERE, HERE, Storage
from sightline.server.evaluators.actions import Evaluators, Rules
from sightline.server.evaluators.records import Assignment, Evaluator, EvaluatorDraft, EvaluatorId, Rule, RuleId
from sightline.server.runtime.errors import Conflict, InvalidRequest, NotFound

MOMENT = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture
def evaluators(storage: Storage) -> Evaluators:
    return Evaluators(storage.database)


@pytest.fixture
def rules(storage: Storage) -> Rules:
    return Rules(storage.database)


async def make(evaluators: Evaluators, *variables: str) -> Evaluator:
    definition = {"prompt": "Is it right?", "variables": list(variables)}
    return await evaluators.create(HERE, "llm_as_judge", EvaluatorDraft(name="right", definition=definition))


def rule(*assignments: Assignment) -> Rule:
    return Rule(
        id=RuleId("r1"),
        project_id=HERE,
        name="all",
        enabled=True,
        sampling=1.0,
        filters=(),
        assignments=assignments,
        created_at=MOMENT,
        updated_at=MOMENT,
    )


async def test_another_definition_is_a_version_and_another_name_is_not(evaluators: Evaluators):
    made = await make(evaluators)
    renamed = await evaluators.change(HERE, made.row.id, EvaluatorDraft(name="correct"))
    changed = await evaluators.change(HERE, made.row.id, EvaluatorDraft(definition={"prompt": "Is it kind?"}))
    assert (renamed.current.version, changed.current.version, changed.row.name) == (1, 2, "correct")
    _, versions = await evaluators.versions(HERE, made.row.id)
    assert [each.definition["prompt"] for each in versions] == ["Is it kind?", "Is it right?"]


async def test_an_evaluator_does_not_change_its_kind(evaluators: Evaluators):
    made = await make(evaluators)
    with pytest.raises(InvalidRequest, match="cannot become code"):
        await evaluators.change(HERE, made.row.id, EvaluatorDraft(kind="code"))


async def test_an_evaluator_in_use_is_not_deleted(evaluators: Evaluators, rules: Rules):
    made = await make(evaluators)
    await rules.create(rule(Assignment(evaluator_id=made.row.id)))
    with pytest.raises(Conflict, match="used by rules r1"):
        await evaluators.delete(HERE, made.row.id)
    assert [each for each, _ in (await evaluators.get(HERE, made.row.id)).assignments] == ["r1"]
    await rules.delete(HERE, RuleId("r1"))
    await evaluators.delete(HERE, made.row.id)
    with pytest.raises(NotFound):
        await evaluators.get(HERE, made.row.id)


async def test_a_rule_speaks_of_evaluators_and_variables_there_are(evaluators: Evaluators, rules: Rules):
    made = await make(evaluators, "answer")
    once = Assignment(evaluator_id=made.row.id)
    with pytest.raises(InvalidRequest, match="assigned twice"):
        await rules.create(rule(once, once))
    with pytest.raises(InvalidRequest, match="does not exist"):
        await rules.create(rule(Assignment(evaluator_id=EvaluatorId("none"))))
    wrong = Assignment(evaluator_id=made.row.id, variable_mapping=[{"variable": "question", "source": "input"}])
    with pytest.raises(InvalidRequest, match="it has answer"):
        await rules.create(rule(wrong))
    assert await rules.page(HERE, 10, None) == ([], False)


async def test_evaluators_and_rules_are_of_their_project(evaluators: Evaluators, rules: Rules):
    made = await make(evaluators)
    await rules.create(rule(Assignment(evaluator_id=made.row.id)))
    assert await evaluators.page(ELSEWHERE, 10, None) == ([], False)
    with pytest.raises(NotFound):
        await evaluators.delete(ELSEWHERE, made.row.id)
    with pytest.raises(NotFound):
        await rules.change(ELSEWHERE, RuleId("r1"), {"enabled": False})
