"""The faults: each is armed before the first write or in the midst of one, and heals."""

import errno
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal

from benchmarks.faults.disk import Disk
from benchmarks.faults.served import Server
from benchmarks.faults.shim import CREATE, SYNC, WRITE, Page

Moment = Literal["before", "during"]
MOMENTS: tuple[Moment, ...] = ("before", "during")
NO_RESERVE = {"min_free_bytes": 0}
DAYS_S = 2 * 86_400.0
FEW_MS = 0.03
"""After so many seconds, at most, a fault strikes in the midst of writing."""


@dataclass
class Struck:
    """What a fault needs to know of the run."""

    disk: Disk
    page: Page
    rng: Random
    server: Server | None = None

    def calls_before(self, moment: Moment) -> int:
        """Calls that still succeed: none, or some of those that one write makes."""
        return 0 if moment == "before" else self.rng.randint(1, 40)


def _nothing(_: Struck, __: Moment) -> None:
    return


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A fault. `arm` strikes a running server, `prepare` what is true from its start on."""

    name: str
    arm: Callable[[Struck, Moment], None] = _nothing
    prepare: Callable[[Struck, Moment], None] = _nothing
    heal: Callable[[Struck], None] = lambda _: None
    settings: Mapping[str, Any] = field(default_factory=lambda: NO_RESERVE)
    patches: tuple[str, ...] = ()
    tables: str = ""
    """Settings of the analytics tables while it lasts."""
    is_refusing: bool = True
    """Whether writes are refused under it; under another clock they go on."""
    needs_disk: bool = False
    is_lasting: bool = False
    """Whether a migration meets it at its start."""


def _filled(free_bytes: int) -> Callable[[Struck, Moment], None]:
    def arm(struck: Struck, moment: Moment) -> None:
        if moment == "during":
            time.sleep(struck.rng.uniform(0, FEW_MS))
        struck.disk.leave(free_bytes)

    return arm


def _heal_disk(struck: Struck) -> None:
    struck.disk.heal()


def _out_of_files(struck: Struck, moment: Moment) -> None:
    if struck.server is None or not struck.server.is_up:
        return
    more = 0 if moment == "before" else struck.rng.randint(1, 6)
    struck.server.limit_files(struck.server.open_files() + more)


def _files_again(struck: Struck) -> None:
    if struck.server is not None and struck.server.is_alive():
        struck.server.limit_files(4096)


def _failing(error: int, calls: int) -> Callable[[Struck, Moment], None]:
    def arm(struck: Struck, moment: Moment) -> None:
        struck.page.arm(error, calls, struck.disk.folder, struck.calls_before(moment))

    return arm


def _disarm(struck: Struck) -> None:
    struck.page.disarm()


def _clock(from_s: float, to_s: float) -> tuple[Callable[[Struck, Moment], None], Callable[[Struck, Moment], None]]:
    """The clock at the start, and what it is set to in the midst."""

    def prepare(struck: Struck, _: Moment) -> None:
        struck.page.set_clock(from_s)

    def arm(struck: Struck, moment: Moment) -> None:
        if moment == "during":
            struck.page.set_clock(to_s)

    return prepare, arm


def _right_clock(struck: Struck) -> None:
    struck.page.set_clock(0.0)


def _wrong_clocks() -> list[Kind]:
    """Ahead, then right; and right, then behind. `before`: over a restart; `during`: while the server runs."""
    made = []
    for name, offset_s in (("2 days", DAYS_S), ("2 s", 2.0)):
        ahead, back = _clock(offset_s, 0.0)
        common: dict[str, Any] = {"heal": _right_clock, "patches": ("clock",), "is_refusing": False}
        made.append(Kind(name=f"clock {name} ahead, then right", prepare=ahead, arm=back, **common))
        right, behind = _clock(0.0, -offset_s)
        made.append(Kind(name=f"clock right, then {name} behind", prepare=right, arm=behind, **common))
    return made


FULL = tuple(
    Kind(
        name=f"ENOSPC, {free // 1024} KiB left",
        arm=_filled(free),
        prepare=_nothing,
        heal=_heal_disk,
        needs_disk=True,
        is_lasting=True,
    )
    for free in (0, 256 * 1024, 2 * 1024 * 1024)
)
KINDS = (
    *FULL,
    Kind(
        name="ENOSPC, default reserve",
        arm=_filled(2 * 1024 * 1024),
        heal=_heal_disk,
        settings={},
        needs_disk=True,
        is_lasting=True,
    ),
    Kind(name="EMFILE", arm=_out_of_files, heal=_files_again),
    Kind(name="EIO on write", arm=_failing(errno.EIO, WRITE), heal=_disarm, is_lasting=True),
    Kind(name="EIO on sync", arm=_failing(errno.EIO, SYNC), heal=_disarm, is_lasting=True),
    Kind(name="read-only", arm=_failing(errno.EROFS, CREATE | WRITE), heal=_disarm, is_lasting=True),
    Kind(name="too many parts", tables="parts_to_delay_insert = {parts}, parts_to_throw_insert = {parts}"),
    Kind(name="partition limit", patches=("partitions",)),
    *_wrong_clocks(),
)
"""Every fault of one process. Two processes 5 s apart are in `pairs`."""
