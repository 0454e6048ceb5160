"""Datasets of examples, runs over them, and configs that say what a score may be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NewType

from sightline.server.accounts.records import ProjectId
from sightline.server.tracing.records import Observation, ObservationId, TraceId

DatasetId = NewType("DatasetId", str)
ItemId = NewType("ItemId", str)
RunId = NewType("RunId", str)
ConfigId = NewType("ConfigId", str)

ItemStatus = Literal["ACTIVE", "ARCHIVED"]
"""Soft delete: archived items are left out of lists and runs."""
ConfigType = Literal["NUMERIC", "BOOLEAN", "CATEGORICAL", "TEXT"]


@dataclass(frozen=True, kw_only=True)
class Dataset:
    id: DatasetId
    project_id: ProjectId
    name: str
    description: str | None
    metadata: Any
    input_schema: Mapping[str, Any] | None
    """JSON Schema that every item's input fits."""
    expected_output_schema: Mapping[str, Any] | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class DatasetDraft:
    """A dataset to upsert; None keeps the stored value."""

    name: str
    description: str | None = None
    metadata: Any = None
    input_schema: Mapping[str, Any] | None = None
    expected_output_schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Item:
    """One version of an example, valid from `valid_from` until `valid_to`."""

    project_id: ProjectId
    id: ItemId
    dataset_id: DatasetId
    dataset_name: str
    status: ItemStatus
    input: Any
    expected_output: Any
    metadata: Any
    source_trace_id: str | None
    source_observation_id: str | None
    created_at: datetime
    updated_at: datetime
    valid_from: datetime
    """Start of the version, inclusive, in whole milliseconds as clients write times."""
    valid_to: datetime | None = None
    """End of the version, exclusive: when another one, or deletion, superseded it."""


@dataclass(frozen=True, kw_only=True)
class ItemDraft:
    """An item to upsert; None keeps the stored value."""

    dataset_name: str
    id: ItemId | None = None
    status: ItemStatus | None = None
    input: Any = None
    expected_output: Any = None
    metadata: Any = None
    source_trace_id: str | None = None
    source_observation_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class ItemQuery:
    """Active items, newest first."""

    dataset_name: str | None = None
    source_trace_id: str | None = None
    source_observation_id: str | None = None
    at: datetime | None = None
    """As-of read: the dataset at this time; None is now."""
    limit: int = 50
    offset: int = 0


@dataclass(frozen=True, kw_only=True)
class Run:
    """One pass of an application over a dataset."""

    id: RunId
    project_id: ProjectId
    dataset_id: DatasetId
    dataset_name: str
    name: str
    description: str | None
    metadata: Any
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class RunItem:
    """What a run did with an item: the trace, or an observation in it."""

    id: str
    run_id: RunId
    run_name: str
    item_id: ItemId
    trace_id: TraceId
    observation_id: ObservationId | None
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class RunItemDraft:
    """A trace or observation to file under a run, which is made when it does not exist."""

    run_name: str
    run_description: str | None = None
    run_metadata: Mapping[str, Any] = field(default_factory=dict)
    item_id: ItemId
    item_at: datetime | None = None
    """Version of the item that was run; None is the current one."""
    trace_id: TraceId | None = None
    observation_id: ObservationId | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class FiledRun:
    """A run as its filed items tell it, within the window that was looked at."""

    run: Run
    first_at: datetime
    last_at: datetime
    items: int


@dataclass(frozen=True, kw_only=True)
class FiledItem:
    """An item filed under a run, and what of the item it ran."""

    run: Run
    ran: RunItem
    version: datetime
    expected_output: Any
    metadata: Any


@dataclass(frozen=True, kw_only=True)
class ExperimentItem:
    """What an experiment did with an item: the observation that stands for it, which says so in its `experiment`."""

    observation: Observation
    place: tuple[datetime, tuple[str, str]]
    """In the list of all items. One that spans tell of is where it began, before all that were filed at that time; a
    filed one is where it was filed, and names no trace."""


@dataclass(frozen=True, kw_only=True)
class Category:
    label: str
    value: float


@dataclass(frozen=True, kw_only=True)
class ScoreConfig:
    """What scores that name it may be."""

    id: ConfigId
    project_id: ProjectId
    name: str
    data_type: ConfigType
    is_archived: bool = False
    categories: Sequence[Category] | None = None
    min_value: float | None = None
    max_value: float | None = None
    description: str | None = None
    created_at: datetime
    updated_at: datetime
