"""The page API's answers and bodies. `web/openapi.json` and the page's TypeScript types come from these classes."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic.alias_generators import to_camel

from sightline.server.accounts import records
from sightline.server.accounts.permissions import Verb
from sightline.server.accounts.records import FULL, KeyScope
from sightline.server.edges.params import Label, Moment
from sightline.server.tracing.records import Kind, Level, ScoreType


class Shape(BaseModel):
    """camelCase on the wire; every field of an answer is always there, null where there is nothing."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        frozen=True,
        json_schema_serialization_defaults_required=True,
        protected_namespaces=(),
    )


class SignIn(Shape):
    """Either a person's e-mail and password, or the token of a one-time link."""

    email: str | None = None
    password: str | None = None
    token: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.token) == bool(self.email and self.password):
            raise ValueError("give e-mail and password, or the token of a sign-in link")
        return self


class Person(Shape):
    id: str
    email: str
    name: str | None


class Organization(Shape):
    id: str
    name: str


class Project(Shape):
    id: str
    name: str
    role: str
    may: list[Verb]
    """What this person may do here, by the table of permissions: the page offers nothing else."""
    organization: Organization


class Session(Shape):
    user: Person
    projects: list[Project]
    version: str
    notice: str | None
    """What everybody should know of the server: that its disk is full. Null when all is well."""


class Score(Shape):
    id: str
    name: str
    data_type: ScoreType
    value: float | None
    string_value: str | None
    source: str
    comment: str | None
    observation_id: str | None


class TraceRow(Shape):
    id: str
    name: str | None
    timestamp: datetime
    environment: str
    user_id: str | None
    session_id: str | None
    tags: list[str]
    latency_ms: float
    observation_count: int
    error_count: int
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    total_cost_usd: float | None
    input_preview: str | None
    output_preview: str | None
    thumbnail: str | None
    scores: list[Score]


class Cursor(Shape):
    cursor: str | None


class TracePage(Shape):
    data: list[TraceRow]
    meta: Cursor


class Bucket(Shape):
    start: datetime
    count: int
    errors: int
    p50_ms: float | None = Field(alias="p50Ms")
    p95_ms: float | None = Field(alias="p95Ms")
    scores: dict[str, float]
    """Mean per numeric score name."""


class Series(Shape):
    data: list[Bucket]
    whole: Bucket | None
    """The whole time as one bucket: percentiles and means do not add up over buckets."""
    step_seconds: float


class TraceHead(TraceRow):
    end_time: datetime | None
    version: str | None
    release: str | None
    public: bool
    metadata: dict[str, Any]


class Node(Shape):
    id: str
    parent_id: str | None
    type: Kind
    name: str
    start_time: datetime
    end_time: datetime | None
    latency_ms: float | None
    level: Level
    status_message: str | None
    model: str | None
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    total_cost_usd: float | None
    time_to_first_token_ms: float | None
    scores: list[Score]


class TraceDetail(Shape):
    trace: TraceHead
    observations: list[Node]


class LookedWord(Shape):
    text: str
    grid: list[list[float]]
    """Rows of columns; sums to 1."""


class Looked(Shape):
    method: str
    words: list[LookedWord]


class Picture(Shape):
    media_id: str
    url: str
    content_type: str
    field: Literal["input", "output", "metadata"]


class ObservationDetail(Node):
    input: Any
    """A JSON value where it parses, else text; media tokens stay in place."""
    output: Any
    metadata: dict[str, Any]
    model_parameters: dict[str, str]
    usage: dict[str, int]
    cost_usd: dict[str, float]
    environment: str
    version: str | None
    prompt_name: str | None
    prompt_version: int | None
    images: list[Picture]
    looked: Looked | None


class Model(Shape):
    id: str
    name: str
    description: str
    suggestions: list[str]
    methods: list[str]


class Models(Shape):
    data: list[Model]


class Sample(Shape):
    id: str
    url: str
    caption: str
    suggestions: list[str]


class Samples(Shape):
    data: list[Sample]


class Turn(Shape):
    question: str
    answer: str


class Question(Shape):
    model: str
    image: str = Field(pattern=r"^data:image/[a-z0-9.+-]+;base64,")
    """A data URI."""
    question: str | None = None
    history: list[Turn] = Field(default_factory=list)
    looked: Literal["live", "gradient"] | None = None


class TokenEvent(Shape):
    text: str


class AskUsage(Shape):
    input_tokens: int
    output_tokens: int


class DoneEvent(Shape):
    answer: str
    trace_id: str | None
    observation_id: str | None
    usage: AskUsage
    timings_ms: dict[str, float]
    looked: Looked | None


class ErrorEvent(Shape):
    message: str


class HintEvent(Shape):
    topic: str
    count: int


NOTE_LENGTH = 100
"""Characters of a key's note."""


class KeyDraft(Shape):
    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=NOTE_LENGTH)] | None = None
    """What the key is for, to tell keys apart."""
    scopes: list[KeyScope] | None = None
    """What it may do; all of it without a choice."""
    expires_at: Moment | None = None
    """When it expires; never without one."""

    def draft(self) -> records.KeyDraft:
        scopes = FULL if self.scopes is None else frozenset(self.scopes)
        return records.KeyDraft(note=self.note or None, scopes=scopes, expires_at=self.expires_at)


class Key(Shape):
    public_key: str
    display_secret_key: str
    note: str | None
    expires_at: datetime | None
    """Expiry: from then on the pair is refused. Null never expires."""
    created_at: datetime
    last_used_at: datetime | None
    """Exact to the minute."""
    scopes: list[KeyScope]


class Keys(Shape):
    data: list[Key]
    base_url: str


class NewKey(Key):
    secret_key: str
    """Shown this once."""


class ProtectedLabels(Shape):
    labels: list[Label]


class AuditActor(Shape):
    kind: str
    id: str | None
    """A person's id, or the public half of a key."""
    address: str | None


class AuditTarget(Shape):
    kind: str
    id: str | None


class AuditEntry(Shape):
    id: str
    at: datetime
    actor: AuditActor
    action: str
    target: AuditTarget
    project_id: str | None
    outcome: str
    details: dict[str, Any]


class AuditPage(Shape):
    data: list[AuditEntry]
    meta: Cursor


class Problem(Shape):
    message: str
    error: str
