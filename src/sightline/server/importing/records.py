"""Options of an import, and its report."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

Group = Literal["models", "prompts", "datasets", "traces", "scores", "comments", "media"]
GROUPS: tuple[Group, ...] = get_args(Group)


@dataclass(frozen=True, kw_only=True)
class Place:
    """A project behind a Langfuse API: the address, and a key pair of the project."""

    url: str
    public_key: str
    secret_key: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What of the project is wanted."""

    only: frozenset[Group] = frozenset(GROUPS)
    since: datetime | None = None
    """Of traces, observations and scores: from then on."""
    until: datetime | None = None
    """Before then; the moment the import began where nothing is said."""


@dataclass(kw_only=True)
class Tally:
    """What became of one part of a project."""

    part: str
    read: int = 0
    carried: int = 0
    left_out: int = 0
    total: int | None = None
    """How many there are, where the source says so."""


@dataclass(frozen=True, kw_only=True)
class Remark:
    """One reason for which things were left out, or changed on the way."""

    part: str
    reason: str
    count: int
    examples: tuple[str, ...]
    lost: bool
    """Left out; otherwise carried, but not quite as it was."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    source: str
    target: str
    tallies: tuple[Tally, ...]
    remarks: tuple[Remark, ...]
    dry_run: bool

    @property
    def complete(self) -> bool:
        """Nothing had to be left out."""
        return not any(remark.lost for remark in self.remarks)
