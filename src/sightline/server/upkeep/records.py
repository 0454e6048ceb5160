"""What can be deleted, and how what is kept elsewhere goes with it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

from sightline.server.accounts.records import ProjectId

STEP = 1_000
"""Ids of one statement."""
ERASED = "erased-person"
"""Stands as the author where a person was erased."""


class Thing(StrEnum):
    """What a deletion is asked of; its value is its name in the documentation."""

    TRACE = "trace"
    OBSERVATION = "observation"
    SESSION = "session"
    SCORE = "score"
    DATASET = "dataset"
    ITEM = "dataset item"
    RUN = "dataset run"
    PROMPT = "prompt"
    SKILL = "skill"
    EVALUATOR = "evaluator"
    QUEUE = "annotation queue"
    COMMENT = "comment"
    MEDIA = "media"
    PROJECT = "project"
    ORGANIZATION = "organisation"
    PERSON = "person"
    AGE = "retention"


class How(StrEnum):
    """What becomes of rows or files when the object they belong to is deleted."""

    ROWS = "deleted"
    CASCADE = "deleted with what it belongs to"
    LAST_USE = "deleted with its last use"
    NAMELESS = "stays; its author becomes an erased person"
    STAYS = "stays"


@dataclass(frozen=True)
class Tie:
    """How what a place keeps goes with an object."""

    thing: Thing
    by: str
    """The column that names the object, or what leads to it."""
    how: How = How.ROWS
    when: Mapping[str, str] = field(default_factory=dict)
    """Columns that say what `by` is the id of."""
    note: str = ""


PlaceKind = Literal["relational table", "analytics table", "folder", "file", "memory", "elsewhere"]


@dataclass(frozen=True)
class Place:
    """Something that keeps data of users: a table, a part of the data folder, a cache, a store of somebody else."""

    name: str
    kind: PlaceKind
    keeps: str
    ties: Sequence[Tie] = ()
    off_disk: str = ""
    """How deleted bytes leave it, where that is not the way of its kind."""


@dataclass(frozen=True, kw_only=True)
class Noted:
    """A deletion in the log: asked for, done with rows, and soon off the disk."""

    id: str
    project_id: ProjectId
    thing: Thing
    ids: Sequence[str]
    asked_at: datetime
    removed_at: datetime | None = None


def steps(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Batches of ids: databases bound how many one statement may have."""
    for begin in range(0, len(ids), STEP):
        yield ids[begin : begin + STEP]
