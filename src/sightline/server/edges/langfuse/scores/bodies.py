"""A score as a client sends it, and what makes it valid."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal, Self

from pydantic import Field, StrictFloat, StrictInt, StrictStr, ValidationError, model_validator

from sightline.server.edges.answers import issues
from sightline.server.edges.langfuse.wire.bodies import Body
from sightline.server.edges.params import Moment
from sightline.server.runtime.clock import now
from sightline.server.runtime.ids import new_id
from sightline.server.tracing.clocks import TOLD, believable
from sightline.server.tracing.environments import environment_name
from sightline.server.tracing.records import ObservationId, ProjectId, Score, ScoreId, ScoreType, TraceId

LONGEST_TEXT = 500
"""Characters of a score's text value."""


class ScoreBody(Body):
    id: str | None = None
    trace_id: str | None = None
    session_id: str | None = None
    observation_id: str | None = None
    dataset_run_id: str | None = None
    name: str = Field(min_length=1)
    value: StrictStr | StrictInt | StrictFloat | bool
    data_type: ScoreType | None = None
    comment: str | None = None
    metadata: Any = None
    environment: str | None = None
    queue_id: str | None = None
    config_id: str | None = None
    source: Literal["API", "ANNOTATION"] | None = None
    timestamp: Moment | None = None

    @model_validator(mode="after")
    def _is_about_something(self) -> Self:
        subjects = {"traceId": self.trace_id, "sessionId": self.session_id, "datasetRunId": self.dataset_run_id}
        given = [name for name, value in subjects.items() if value]
        if len(given) != 1:
            said = " and ".join(given) or "none of them"
            raise ValueError(f"a score is about one thing: give traceId, sessionId or datasetRunId, not {said}")
        if self.observation_id and not self.trace_id:
            raise ValueError("observationId needs traceId: observation ids are unique within their trace only")
        if self.source == "ANNOTATION" and not self.config_id and self.data_type != "CORRECTION":
            raise ValueError("source ANNOTATION needs configId, unless dataType is CORRECTION")
        return self

    @model_validator(mode="after")
    def _value_fits_its_type(self) -> Self:
        check = _CHECKS[self.kind]
        if not check(self.value):
            raise ValueError(f"value {str(self.value)[:80]!r} does not fit dataType {self.kind}: {_WANTED[self.kind]}")
        return self

    @property
    def kind(self) -> ScoreType:
        """The given type, else what the value looks like."""
        return self.data_type or ("CATEGORICAL" if isinstance(self.value, str) else "NUMERIC")

    def score(self, project_id: ProjectId) -> Score:
        moment = now()
        numeric = self.kind in ("NUMERIC", "BOOLEAN")
        metadata = self.metadata if isinstance(self.metadata, dict) else {"metadata": self.metadata}
        told, given = self.timestamp, {} if self.metadata is None else metadata
        if told and not believable(told, moment):
            given = {**given, f"{TOLD}timestamp": told.isoformat()}
            told = None
        return Score(
            project_id=project_id,
            id=ScoreId(self.id or new_id()),
            name=self.name,
            data_type=self.kind,
            value=float(self.value) if numeric else None,
            string_value=None if numeric else str(self.value),
            trace_id=TraceId(self.trace_id) if self.trace_id else None,
            observation_id=ObservationId(self.observation_id) if self.observation_id else None,
            session_id=self.session_id,
            dataset_run_id=self.dataset_run_id,
            source=self.source or "API",
            environment=environment_name(self.environment),
            comment=self.comment,
            metadata=given,
            config_id=self.config_id,
            queue_id=self.queue_id,
            timestamp=told or moment,
            created_at=moment,
            updated_at=moment,
        )


def _numeric(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _short_text(value: Any) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= LONGEST_TEXT


_CHECKS: Mapping[str, Callable[[Any], bool]] = {
    "NUMERIC": _numeric,
    "BOOLEAN": lambda value: not isinstance(value, str) and value in (0, 1),
    "CATEGORICAL": lambda value: isinstance(value, str) and value != "",
    "TEXT": _short_text,
    "CORRECTION": lambda value: isinstance(value, str),
}
_WANTED = {
    "NUMERIC": "a finite number",
    "BOOLEAN": "0 or 1",
    "CATEGORICAL": "a text that is not empty",
    "TEXT": f"a text of 1 to {LONGEST_TEXT} characters",
    "CORRECTION": "a text",
}


def complaint(problem: ValidationError) -> str:
    """A validation failure in one line."""
    return "; ".join(
        f"{'.'.join(map(str, issue['path']))}: {issue['message']}" if issue["path"] else str(issue["message"])
        for issue in issues(problem.errors())
    )
