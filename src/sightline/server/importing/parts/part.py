"""What the parts of a project have in common while they cross."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from sightline.server.importing.reading import Reader, Row
from sightline.server.importing.records import Group, Selection
from sightline.server.importing.state import State
from sightline.server.importing.wire import Api


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """Both sides of an import, and how far it is."""

    source: Api
    target: Api
    source_project: str
    target_project: str
    """Their ids."""
    selection: Selection
    state: State


class Part:
    """One list of the source. `carry` is idempotent: what is here already is skipped or upserted."""

    name: ClassVar[str]
    groups: ClassVar[frozenset[Group]]
    """It is read when any of these is wanted."""

    def __init__(self, crossing: Crossing) -> None:
        self.source = crossing.source
        self.target = crossing.target
        self.state = crossing.state
        self.crossing = crossing
        self.wanted = crossing.selection.only & self.groups
        self.tally = replace(self.state.tally(self.key), part=self.name)

    @property
    def key(self) -> str:
        """Key of the checkpoint; it names the selection, so another selection starts from the beginning."""
        return f"{self.name} for {','.join(sorted(self.wanted))}"

    @property
    def since(self) -> datetime | None:
        """What has a time is read from then on."""
        return self.state.bounds(self.key)[0]

    @property
    def until(self) -> datetime:
        """And before then."""
        return self.state.bounds(self.key)[1]

    async def reader(self) -> Reader | None:
        """None where the source does not have such a list."""
        raise NotImplementedError

    async def carry(self, rows: Sequence[Row]) -> None:
        raise NotImplementedError

    async def finish(self) -> None:
        """After the last row."""

    def carried(self, count: int = 1) -> None:
        self.tally.carried += count

    def leave(self, identity: object, reason: str) -> None:
        """It cannot be carried."""
        self.tally.left_out += 1
        self.state.remark(self.name, reason, str(identity), lost=True)

    def leave_future(self, count: int) -> None:
        """So many are dated in the future: by default an import ends now."""
        if count:
            self.tally.left_out += count
            self.state.remark(self.name, "dated in the future: give --until", "the newest", lost=True, count=count)

    def change(self, identity: object, reason: str) -> None:
        """It is carried, but not quite as it was."""
        self.state.remark(self.name, reason, str(identity), lost=False)
