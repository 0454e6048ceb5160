"""Evaluators in versions, and the rules that say what they look at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NewType

from sightline.server.accounts.records import ProjectId

EvaluatorId = NewType("EvaluatorId", str)
VersionId = NewType("VersionId", str)
RuleId = NewType("RuleId", str)

Kind = Literal["llm_as_judge", "code"]
Place = tuple[datetime, str]
"""Position of a keyset cursor: creation time and id of the last row of a page."""


@dataclass(frozen=True, kw_only=True)
class Version:
    """One immutable version of an evaluator's definition."""

    id: VersionId
    project_id: ProjectId
    evaluator_id: EvaluatorId
    version: int
    definition: Mapping[str, Any]
    """As clients read it: the prompt with its variables, their mapping, model and output; or the source code."""
    created_at: datetime

    @property
    def variables(self) -> Sequence[str]:
        return tuple(self.definition.get("variables", ()))


@dataclass(frozen=True, kw_only=True)
class EvaluatorRow:
    """An evaluator without its versions."""

    id: EvaluatorId
    project_id: ProjectId
    name: str
    description: str | None
    kind: Kind
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class Evaluator:
    """An evaluator as it is now."""

    row: EvaluatorRow
    current: Version
    assignments: Sequence[tuple[RuleId, "Assignment"]] = ()
    """The rules that use it, and how."""


@dataclass(frozen=True, kw_only=True)
class EvaluatorDraft:
    """A partial update; None keeps the stored value."""

    name: str | None = None
    description: str | None = None
    kind: Kind | None = None
    definition: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """An evaluator that a rule sets to work, perhaps with another mapping of its variables."""

    evaluator_id: EvaluatorId
    variable_mapping: Sequence[Mapping[str, Any]] | None = None


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Which observations are evaluated, and by which evaluators."""

    id: RuleId
    project_id: ProjectId
    name: str
    enabled: bool
    sampling: float
    """Sampling rate of the matching observations, from 0 to 1."""
    filters: Sequence[Mapping[str, Any]]
    """Conditions in Langfuse's filter grammar; all of them hold."""
    assignments: Sequence[Assignment]
    created_at: datetime
    updated_at: datetime
