"""Evaluators and rules as clients describe them."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, RootModel, Tag, model_validator

from sightline.server.accounts.records import ProjectId
from sightline.server.edges.langfuse.wire.bodies import Body
from sightline.server.evaluators.records import Assignment, EvaluatorDraft, EvaluatorId, Kind, Rule, RuleId
from sightline.server.runtime.clock import now
from sightline.server.runtime.ids import new_id

Name = Annotated[str, Field(min_length=1, max_length=255)]
VARIABLE = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_.]*)\s*\}\}")
"""A template variable `{{name}}` in a prompt."""
COMPARISONS = ("=", ">", "<", ">=", "<=")
TEXTS = ("=", "contains", "does not contain", "starts with", "ends with")
CHOICES = ("any of", "none of")
OPERATORS: dict[str, tuple[str, ...]] = {
    "datetime": COMPARISONS,
    "string": TEXTS,
    "number": COMPARISONS,
    "stringOptions": CHOICES,
    "categoryOptions": CHOICES,
    "arrayOptions": (*CHOICES, "all of"),
    "stringObject": (*TEXTS, "is set", "is not set"),
    "numberObject": COMPARISONS,
    "boolean": ("=", "<>"),
    "null": ("is null", "is not null"),
}
"""Type of condition to its operators."""
KEYED = ("categoryOptions", "stringObject", "numberObject")
"""Types of condition that name an entry by `key`."""


class MessageBody(Body):
    role: Literal["system", "user", "assistant"]
    content: str = Field(min_length=1)


class ModelBody(Body):
    provider: Name
    model: Name


class MappingBody(Body):
    variable: Name
    source: Literal["input", "output", "metadata", "tool_calls", "expected_output", "experiment_item_metadata"]
    json_path: str | None = Field(default=None, max_length=1_000)


class OutputBody(Body):
    data_type: Literal["NUMERIC", "BOOLEAN", "CATEGORICAL"]
    min_value: float | None = None
    max_value: float | None = None
    categories: list[Name] | None = Field(default=None, max_length=100)
    should_allow_multiple_matches: bool | None = None
    score_reasoning_instructions: str | None = Field(default=None, max_length=10_000)
    score_value_instructions: str | None = Field(default=None, max_length=10_000)

    @model_validator(mode="after")
    def _is_one_of_its_kind(self) -> Self:
        if self.data_type == "CATEGORICAL":
            self._check_categories()
        elif self.categories is not None or self.should_allow_multiple_matches is not None:
            raise ValueError(f"a {self.data_type} output has no categories")
        if self.data_type != "NUMERIC" and (self.min_value is not None or self.max_value is not None):
            raise ValueError(f"a {self.data_type} output has no minValue or maxValue")
        if self.min_value is not None and self.max_value is not None and self.min_value >= self.max_value:
            raise ValueError("maxValue is not greater than minValue")
        return self

    def _check_categories(self) -> None:
        if not self.categories or len(self.categories) < 2 or len(set(self.categories)) != len(self.categories):
            raise ValueError("a CATEGORICAL output needs two different categories or more")
        if self.should_allow_multiple_matches is None:
            raise ValueError("a CATEGORICAL output says shouldAllowMultipleMatches: true or false")


class JudgeBody(Body):
    """An LLM-as-a-judge evaluator; without a prompt only a new name or description."""

    type: Literal["llm_as_judge"] = "llm_as_judge"
    name: Name | None = None
    description: str | None = Field(default=None, max_length=10_000)
    prompt: str | list[MessageBody] | None = None
    evaluator_model: ModelBody | None = Field(default=None, alias="modelConfig")
    variable_mapping: list[MappingBody] | None = Field(default=None, max_length=100)
    output_definition: OutputBody | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.prompt is None) != (self.output_definition is None):
            raise ValueError("prompt and outputDefinition go together: give both")
        if self.prompt is None and (self.evaluator_model or self.variable_mapping):
            raise ValueError("a new model or mapping is a new version: give prompt and outputDefinition with it")
        if self.prompt is not None and not self.prompt:
            raise ValueError("prompt is empty")
        unknown = {each.variable for each in self.variable_mapping or ()} - set(self.variables)
        if unknown:
            raise ValueError(f"variable {min(unknown)!r} is not in the prompt")
        return self

    @property
    def messages(self) -> list[MessageBody]:
        if isinstance(self.prompt, str):
            return [MessageBody(role="user", content=self.prompt)]
        return self.prompt or []

    @property
    def variables(self) -> list[str]:
        """Distinct, in order of appearance in the prompt."""
        return list(dict.fromkeys(name for each in self.messages for name in VARIABLE.findall(each.content)))

    def draft(self) -> EvaluatorDraft:
        definition = None
        if self.prompt is not None and self.output_definition is not None:
            mapping = None if self.variable_mapping is None else [each.shape() for each in self.variable_mapping]
            definition = {
                "prompt": [each.shape() for each in self.messages],
                "variables": self.variables,
                "variableMapping": mapping,
                "modelConfig": self.evaluator_model.shape() if self.evaluator_model else None,
                "outputDefinition": self.output_definition.shape(),
            }
        kind: Kind | None = "llm_as_judge" if definition else None
        return EvaluatorDraft(name=self.name, description=self.description, kind=kind, definition=definition)


class CodeBody(Body):
    type: Literal["code"] = "code"
    name: Name | None = None
    description: str | None = Field(default=None, max_length=10_000)
    source_code: str = Field(min_length=1, max_length=200_000)
    source_code_language: Literal["PYTHON", "TYPESCRIPT"]

    def draft(self) -> EvaluatorDraft:
        definition = {"sourceCode": self.source_code, "sourceCodeLanguage": self.source_code_language}
        return EvaluatorDraft(name=self.name, description=self.description, kind="code", definition=definition)


def _kind(given: Any) -> str:
    kind = given.get("type") if isinstance(given, dict) else getattr(given, "type", None)
    return "code" if kind == "code" or (isinstance(given, dict) and "sourceCode" in given) else "llm_as_judge"


class ChangedEvaluator(RootModel[Any]):
    root: Annotated[Annotated[JudgeBody, Tag("llm_as_judge")] | Annotated[CodeBody, Tag("code")], Discriminator(_kind)]


class NewEvaluator(ChangedEvaluator):
    @model_validator(mode="after")
    def _says_everything(self) -> Self:
        if not self.root.name:
            raise ValueError("an evaluator needs a name")
        if self.root.draft().definition is None:
            raise ValueError("a judge needs prompt and outputDefinition")
        return self


class FilterBody(Body):
    type: str
    column: Name
    operator: str
    value: Any = None
    key: str | None = None

    @model_validator(mode="after")
    def _speaks_the_grammar(self) -> Self:
        operators = OPERATORS.get(self.type)
        if operators is None:
            raise ValueError(f"type {self.type!r} is unknown: use {', '.join(OPERATORS)}")
        if self.operator not in operators:
            raise ValueError(f"operator {self.operator!r} is not one of {self.type}: use {', '.join(operators)}")
        if self.type in KEYED and not self.key:
            raise ValueError(f"a filter of type {self.type} needs a key")
        return self


class AssignmentBody(Body):
    evaluator_id: Name
    variable_mapping: list[MappingBody] | None = Field(default=None, max_length=100)

    def assignment(self) -> Assignment:
        mapping = None if self.variable_mapping is None else tuple(each.shape() for each in self.variable_mapping)
        return Assignment(evaluator_id=EvaluatorId(self.evaluator_id), variable_mapping=mapping)


class RuleChanges(Body):
    """Partial update (PATCH): fields that are left out keep their value."""

    name: Name | None = None
    enabled: bool | None = None
    sampling: float | None = Field(default=None, ge=0, le=1)
    filter: list[FilterBody] | None = Field(default=None, max_length=100)
    evaluator_assignments: list[AssignmentBody] | None = Field(default=None, max_length=100)

    def changes(self) -> dict[str, Any]:
        assigned = self.evaluator_assignments
        given: dict[str, Any] = {
            "name": self.name,
            "enabled": self.enabled,
            "sampling": self.sampling,
            "filters": None if self.filter is None else tuple(each.shape() for each in self.filter),
            "assignments": None if assigned is None else tuple(each.assignment() for each in assigned),
        }
        return {name: value for name, value in given.items() if value is not None}


class NewRule(RuleChanges):
    name: Name
    enabled: bool
    evaluator_assignments: list[AssignmentBody] = Field(max_length=100)

    def rule(self, project_id: ProjectId) -> Rule:
        moment = now()
        fields: dict[str, Any] = {"sampling": 1.0, "filters": ()} | self.changes()
        return Rule(id=RuleId(new_id()), project_id=project_id, created_at=moment, updated_at=moment, **fields)
