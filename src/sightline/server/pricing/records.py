"""What models cost: a project's own models and the built-in ones, in tiers of US dollars per unit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NewType

from sightline.server.accounts.records import ProjectId

ModelId = NewType("ModelId", str)

Unit = Literal["CHARACTERS", "TOKENS", "MILLISECONDS", "SECONDS", "IMAGES", "REQUESTS"]
Comparison = Literal["gt", "gte", "lt", "lte", "eq", "neq"]
AttributeSource = Literal["model_parameters", "metadata"]


@dataclass(frozen=True, kw_only=True)
class UsageCondition:
    """The units of all usage types that match, summed, compare so with the value."""

    pattern: str
    """A regular expression over names of usage types."""
    operator: Comparison
    value: float
    case_sensitive: bool = False


@dataclass(frozen=True, kw_only=True)
class AttributeCondition:
    """A model parameter, or a metadata entry, is one of the values."""

    source: AttributeSource
    key: str
    values: Sequence[str]


Condition = UsageCondition | AttributeCondition


@dataclass(frozen=True, kw_only=True)
class Tier:
    """Prices that hold when every condition does; the default tier has none and holds when no other does."""

    id: str
    name: str
    is_default: bool
    priority: int
    """Tiers are tried from the lowest."""
    conditions: Sequence[Condition] = ()
    prices: Mapping[str, float] = field(default_factory=dict)
    """US dollars per unit, by usage type."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model and what it costs."""

    id: ModelId
    project_id: ProjectId | None
    """None for a built-in model: the same for every project, and read-only."""
    name: str
    match_pattern: str
    """A regular expression over model names as observations carry them."""
    start_date: datetime | None = None
    """Only for observations that start then or later."""
    unit: Unit | None = "TOKENS"
    tokenizer_id: str | None = None
    tokenizer_config: Any = None
    tiers: Sequence[Tier]
    created_at: datetime

    @property
    def default_tier(self) -> Tier:
        return next(tier for tier in self.tiers if tier.is_default)


@dataclass(frozen=True, kw_only=True)
class Metered:
    """What of an observation decides its cost."""

    model: str
    start_time: datetime
    usage: Mapping[str, int]
    model_parameters: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    """Values as JSON text."""


@dataclass(frozen=True, kw_only=True)
class Priced:
    """The model and tier that an observation was priced by."""

    model: Model
    tier: Tier
    cost_usd: Mapping[str, float]
    """Cost per usage type, with `total`; empty when no usage type has a price."""
