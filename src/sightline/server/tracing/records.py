"""What tracing speaks of: observations, scores, media, the traces they add up to. Times are UTC, costs US dollars."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Generic, Literal, NewType, TypeVar

from sightline.server.accounts.records import ProjectId as ProjectId  # noqa: PLC0414 - tracing speaks of it too
from sightline.server.questions import Condition as Condition  # noqa: PLC0414 - its queries are made of them

TraceId = NewType("TraceId", str)
ObservationId = NewType("ObservationId", str)
ScoreId = NewType("ScoreId", str)
MediaId = NewType("MediaId", str)

Item = TypeVar("Item")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Kind(StrEnum):
    """An observation's type, in Langfuse's words."""

    SPAN = "SPAN"
    GENERATION = "GENERATION"
    EVENT = "EVENT"
    AGENT = "AGENT"
    TOOL = "TOOL"
    CHAIN = "CHAIN"
    RETRIEVER = "RETRIEVER"
    EVALUATOR = "EVALUATOR"
    EMBEDDING = "EMBEDDING"
    GUARDRAIL = "GUARDRAIL"


class Level(StrEnum):
    DEBUG = "DEBUG"
    DEFAULT = "DEFAULT"
    WARNING = "WARNING"
    ERROR = "ERROR"


@dataclass(frozen=True, kw_only=True)
class TraceFields:
    """Attributes of the trace, carried by every observation that knows them (Langfuse v4's wide rows)."""

    name: str | None = None
    user_id: str | None = None
    session_id: str | None = None
    tags: tuple[str, ...] = ()
    public: bool | None = None
    version: str | None = None
    release: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    """Values as JSON text."""
    input: str | None = None
    """JSON text; set only where a client set the trace's input apart from its root observation's."""
    output: str | None = None


@dataclass(frozen=True, kw_only=True)
class ExperimentFields:
    """Which experiment a span was part of, and which item it ran; carried by every span of that item's run."""

    id: str
    name: str | None = None
    description: str | None = None
    metadata: str | None = None
    """JSON text, as the other texts here."""
    dataset_id: str | None = None
    item_id: str | None = None
    item_version: str | None = None
    """ISO-8601 time of the dataset's state that was run."""
    expected_output: str | None = None
    item_metadata: str | None = None
    root_id: str | None = None
    """The observation that stands for the item's run; its input and output are the item's."""


@dataclass(frozen=True, kw_only=True)
class Observation:
    """One span, as a row. Upsert by trace and id: the row with the highest version wins."""

    project_id: ProjectId
    trace_id: TraceId
    id: ObservationId
    parent_id: ObservationId | None = None
    is_root: bool = False
    """No parent, or marked as the application's root by the SDK."""
    kind: Kind = Kind.SPAN
    name: str = ""
    start_time: datetime
    end_time: datetime | None = None
    completion_start_time: datetime | None = None
    level: Level = Level.DEFAULT
    status_message: str | None = None
    environment: str = "default"
    version: str | None = None
    input: str | None = None
    """JSON text, or plain text where the client sent a bare string; media replaced by reference tokens."""
    output: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    """Top-level keys to JSON text."""
    model: str | None = None
    model_parameters: Mapping[str, str] = field(default_factory=dict)
    usage: Mapping[str, int] = field(default_factory=dict)
    """Units per usage type: input, output, total, input_cached_tokens, …"""
    cost_usd: Mapping[str, float] = field(default_factory=dict)
    """Cost per usage type, with `total`."""
    model_id: str | None = None
    """The model of the price table that `model` means."""
    pricing_tier: str | None = None
    """The tier that `cost_usd` was calculated by; None when the client gave the cost, or there is none."""
    call_id: str | None = None
    """The provider's id of the response (`gen_ai.response.id`): two spans with the same one report the same call."""
    prompt_name: str | None = None
    prompt_version: int | None = None
    service: str | None = None
    scope: str | None = None
    """Instrumentation scope name."""
    trace: TraceFields = TraceFields()
    experiment: ExperimentFields | None = None
    stands_for_trace: bool = False
    """No span: the row that carries what was said of the trace itself. Reads of observations leave it out."""
    row_version: int | None = field(default=None, compare=False)
    """Row version: Unix nanoseconds of the write, unique and monotonic; None for a row that is not stored yet."""


ScoreType = Literal["NUMERIC", "BOOLEAN", "CATEGORICAL", "TEXT", "CORRECTION"]
ScoreSource = Literal["API", "ANNOTATION", "EVAL"]


@dataclass(frozen=True, kw_only=True)
class Score:
    """A judgement on a trace, an observation, a session or an experiment run."""

    project_id: ProjectId
    id: ScoreId
    name: str
    data_type: ScoreType
    value: float | None = None
    """The number of a NUMERIC or BOOLEAN score."""
    string_value: str | None = None
    trace_id: TraceId | None = None
    observation_id: ObservationId | None = None
    session_id: str | None = None
    dataset_run_id: str | None = None
    source: ScoreSource = "API"
    environment: str = "default"
    comment: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    config_id: str | None = None
    queue_id: str | None = None
    author_user_id: str | None = None
    timestamp: datetime
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class Trace:
    """What the observations of one trace id add up to."""

    project_id: ProjectId
    id: TraceId
    timestamp: datetime
    end_time: datetime | None
    name: str | None
    user_id: str | None
    session_id: str | None
    environment: str
    tags: tuple[str, ...]
    public: bool
    version: str | None
    release: str | None
    metadata: Mapping[str, str]
    input: str | None
    """Whole text in a detail read; in a list a preview of at most 500 characters, readable, chats cut to one turn."""
    output: str | None
    latency_s: float
    observation_count: int
    error_count: int
    usage: Mapping[str, int]
    cost_usd: float
    media_id: MediaId | None = None
    """The first image among its observations, for a thumbnail."""
    scores: tuple[Score, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Media:
    """A file that observations refer to, content-addressed by SHA-256 and deduplicated within a project."""

    project_id: ProjectId
    id: MediaId
    """First 22 characters of the URL-safe base64 of the SHA-256, as Langfuse's clients compute it."""
    sha256_base64: str
    content_type: str
    content_length: int
    uploaded_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class MediaUpload:
    """What a client says before it uploads: the file, and where it is used."""

    sha256_base64: str
    content_type: str
    content_length: int
    field: str
    """`input`, `output`, `metadata`, or `expectedOutput` of a dataset item."""
    trace_id: TraceId | None = None
    """None for a file of a dataset item, whose texts say themselves what they refer to."""
    observation_id: ObservationId | None = None


@dataclass(frozen=True, kw_only=True)
class Window:
    """Which slice of time and which environments a read looks at."""

    start: datetime | None = None
    end: datetime | None = None
    environments: tuple[str, ...] = ()


TraceOrder = Literal["timestamp", "id", "name", "userId", "sessionId", "release", "version", "public", "latency"]


@dataclass(frozen=True, kw_only=True)
class TraceQuery:
    window: Window = Window()
    conditions: tuple[Condition, ...] = ()
    ids: tuple[TraceId, ...] = ()
    """Only these, where any are named."""
    name: str | None = None
    user_id: str | None = None
    session_id: str | None = None
    tags: tuple[str, ...] = ()
    """All of them."""
    version: str | None = None
    release: str | None = None
    errors_only: bool = False
    search: str | None = None
    """Text somewhere in names, ids, inputs or outputs."""
    order_by: TraceOrder = "timestamp"
    """By time, the primary key bounds the scan to the page; by anything else all matches are read and sorted."""
    ascending: bool = False
    limit: int = 50
    offset: int = 0
    before: tuple[datetime, TraceId] | None = None
    """Keyset cursor: only traces older than this one (timestamp, then id as the tie-breaker)."""
    counted: bool = False
    """Whether to count the total, which scans all matches."""
    whole: bool = False
    """Whether inputs and outputs come whole instead of as previews, and what roots say in the metadata."""


Inherited = Literal["user_id", "session_id", "name", "tags"]


@dataclass(frozen=True, kw_only=True)
class ObservationQuery:
    window: Window = Window()
    conditions: tuple[Condition, ...] = ()
    ids: tuple[ObservationId, ...] = ()
    """Only these, where any are named."""
    trace_id: TraceId | None = None
    parent_id: ObservationId | None = None
    trace_name: str | None = None
    """As `user_id` and `session_id`: what the observation says of its trace itself, else what its trace's rows say."""
    name: str | None = None
    kind: Kind | None = None
    level: Level | None = None
    user_id: str | None = None
    session_id: str | None = None
    version: str | None = None
    is_root: bool | None = None
    limit: int = 50
    offset: int = 0
    before: tuple[datetime, TraceId, ObservationId] | None = None
    """Keyset cursor: only observations older than this one (start time, then ids as tie-breakers)."""
    counted: bool = False
    inherited: frozenset[Inherited] = frozenset()
    """Which fields of `trace` are filled from the other rows of the trace where an observation lacks them."""


@dataclass(frozen=True, kw_only=True)
class ScoreQuery:
    window: Window = Window()
    """Over the score's own timestamp."""
    conditions: tuple[Condition, ...] = ()
    trace_user_id: str | None = None
    """The user of the scored trace."""
    trace_tags: tuple[str, ...] = ()
    """All of them on the scored trace."""
    ids: tuple[ScoreId, ...] = ()
    names: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    data_types: tuple[ScoreType, ...] = ()
    trace_ids: tuple[TraceId, ...] = ()
    observation_ids: tuple[ObservationId, ...] = ()
    session_ids: tuple[str, ...] = ()
    config_ids: tuple[str, ...] = ()
    queue_ids: tuple[str, ...] = ()
    dataset_run_ids: tuple[str, ...] = ()
    author_user_ids: tuple[str, ...] = ()
    value: tuple[Literal["=", "!=", "<", ">", "<=", ">="], float] | None = None
    numbers: tuple[float, ...] = ()
    """Any of these numbers."""
    values: tuple[str, ...] = ()
    """Any of these string values."""
    value_min: float | None = None
    value_max: float | None = None
    limit: int = 50
    offset: int = 0
    before: tuple[datetime, ScoreId] | None = None
    counted: bool = False


@dataclass(frozen=True, kw_only=True)
class Session:
    """Traces that share a session id."""

    id: str
    project_id: ProjectId
    created_at: datetime
    """When its first observation began."""
    environment: str


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """What the spans of one experiment add up to, within the window that was looked at. `metadata` is JSON text."""

    id: str
    name: str
    description: str | None
    metadata: str | None
    dataset_id: str | None
    start_time: datetime
    end_time: datetime
    item_count: int


@dataclass(frozen=True, kw_only=True)
class ExperimentQuery:
    """Experiments by latest activity, or their items by start; newest first."""

    window: Window = Window()
    ids: tuple[str, ...] = ()
    without_ids: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    dataset_ids: tuple[str, ...] = ()
    item_ids: tuple[str, ...] = ()
    limit: int = 50
    before: tuple[datetime, tuple[str, ...]] | None = None
    """Keyset cursor: a time, and ids as tie-breakers: the experiment's, or the item's trace and observation."""


@dataclass(frozen=True, kw_only=True)
class TracedItem:
    """That an item of an experiment ran, as its spans tell it."""

    experiment_id: str
    item_id: str
    trace_id: TraceId
    observation_id: ObservationId
    """The one that stands for the item."""
    start_time: datetime


@dataclass(frozen=True)
class Page(Generic[Item]):
    """One page of a list; `total` is there only when the query asked for it (`counted`)."""

    items: Sequence[Item]
    total: int | None = None
    more: bool = False


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """One step of the charts over the trace list."""

    start: datetime
    count: int
    errors: int
    p50_s: float | None
    p95_s: float | None
    score_mean: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Series:
    """The charts over the trace list: steps of equal length, the empty ones too, and the whole time as one."""

    steps: Sequence[Bucket] = ()
    whole: Bucket | None = None
    """Its own percentiles and means, which no sum over steps gives."""
