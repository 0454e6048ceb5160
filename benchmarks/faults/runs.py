"""One run: a copy of a folder, a fault, writes, a kill -9, a start without the fault, and what is read then."""

import shutil
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.faults.disk import Disk
from benchmarks.faults.kinds import Kind, Moment, Struck
from benchmarks.faults.served import ReadFailed, Server, Zygote
from benchmarks.faults.shim import Page
from benchmarks.faults.subjects import OLD_TRACES, REFUSALS, Registers, Subject, old_trace

KEYS = tuple(f"k{number}" for number in range(3))
LAST = 9
"""Number of the value that is written after the restart."""
ROUNDS = 3
"""Values that each key is given under the fault."""
RETAINED_WITHIN_S = 15.0


@dataclass
class Result:
    """What one run has shown."""

    kind: str
    subject: str
    moment: Moment
    acknowledged: int = 0
    refused: int = 0
    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    """Answers that are neither success nor a refusal to come again after, and tracebacks."""
    notes: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        return not self.lost and not self.wrong


@dataclass
class Stage:
    """Where runs take place."""

    zygote: Zygote
    disk: Disk
    page: Page
    templates: dict[str, Path]
    alter: Any
    """`alter(folder, settings)` changes settings of the analytics tables of a closed folder."""

    def server(self, kind: Kind | None, subject: Subject) -> Server:
        patches = (*subject.patches, *(kind.patches if kind else ()))
        if "clock" not in patches:
            patches = (*patches, "clock")
        return Server(
            zygote=self.zygote,
            folder=self.disk.folder / "data",
            log=self.page.path.with_suffix(".log"),
            page=self.page,
            patches=patches if kind else (*subject.patches, "clock"),
            settings=kind.settings if kind else {"min_free_bytes": 0},
        )

    def fresh(self, subject: Subject) -> Path:
        folder = self.disk.folder / "data"
        shutil.rmtree(folder, ignore_errors=True)
        template = self.templates["older" if subject.name == "migration" else "usual"]
        shutil.copytree(template, folder, symlinks=True)
        return folder


def run(stage: Stage, kind: Kind, subject: Subject, moment: Moment, rng: Random) -> Result:
    result = Result(kind.name, subject.name, moment)
    registers = Registers()
    folder = stage.fresh(subject)
    if kind.tables:
        stage.alter(folder, kind.tables.format(parts=1 if moment == "before" else 2))
    struck = Struck(stage.disk, stage.page, rng)
    kind.prepare(struck, moment)
    meets_start = subject.name == "migration" and kind.is_lasting
    if meets_start:
        kind.arm(struck, moment)
    struck.server = server = stage.server(kind, subject).start()
    if server.is_up:
        _write(struck, kind, subject, moment, registers)
    elif "Traceback" in server.said():
        result.wrong.append(f"start: {_last_line(server.said())}")
    else:
        result.notes.append(f"start refused: {_last_line(server.said())}")
    kind.heal(struck)
    if server.is_up:
        _recover(server, subject, registers, result)
    server.kill()
    kind.heal(struck)
    if kind.tables:
        stage.alter(folder, "parts_to_delay_insert = 1000, parts_to_throw_insert = 3000")
    _check(stage, subject, registers, result)
    result.acknowledged = registers.acknowledged
    result.refused = sum(not 200 <= status < 300 for status in registers.statuses)
    result.wrong += [f"answer {status}" for status in odd(registers.statuses)]
    return result


def _write(struck: Struck, kind: Kind, subject: Subject, moment: Moment, registers: Registers) -> None:
    """Values for every key; `before` armed first, `during` while they are on their way."""
    server = struck.server
    assert server is not None

    def rounds(first: int, count: int) -> None:
        for number in range(first, first + (1 if subject.name == "delete" else count)):
            for key in KEYS:
                value = subject.value(number)
                registers.note(key, value, subject.put(server, key, value))

    if not kind.is_refusing:
        rounds(0, 1)
    if moment == "before":
        kind.arm(struck, moment)
        rounds(1, ROUNDS)
        return
    writer = threading.Thread(target=rounds, args=(1, ROUNDS))
    writer.start()
    kind.arm(struck, moment)
    writer.join()


def _recover(server: Server, subject: Subject, registers: Registers, result: Result) -> None:
    """Without the fault the same process takes writes again, within some tries."""
    if not server.is_alive():
        result.wrong.append(f"the server ended: {_last_line(server.said())}")
        return
    for _ in range(5):
        key = KEYS[0]
        value = subject.value(ROUNDS + 1)
        status = subject.put(server, key, value)
        registers.note(key, value, status)
        if 200 <= status < 300:
            return
        time.sleep(0.3)
    if server.is_alive():
        result.notes.append(f"writes were refused after the fault ({status}): {_last_line(server.said())}")
    else:
        result.wrong.append(f"the server ended: {_last_line(server.said())}")


def _check(stage: Stage, subject: Subject, registers: Registers, result: Result) -> None:
    server = stage.server(None, subject).start()
    if not server.is_up:
        result.lost.append(f"the folder does not open: {_last_line(server.said())}")
        return
    try:
        for key in KEYS:
            allowed = registers.may_stand(key, subject.before(key))
            found = subject.get(server, key)
            if found not in allowed:
                result.lost.append(f"{key} is {found}, not {' or '.join(sorted(allowed))}")
        _check_template(server, subject, result)
        _check_updates(server, subject, result)
    except ReadFailed as failure:
        result.lost.append(str(failure))
    finally:
        server.kill()


def _check_updates(server: Server, subject: Subject, result: Result) -> None:
    """What is written after the restart is seen at once."""
    for key in KEYS:
        value = subject.value(LAST)
        status = subject.put(server, key, value)
        found = subject.get(server, key)
        if not 200 <= status < 300 or found != value:
            result.lost.append(f"{key} is {found} after {value} was answered {status}")


def _check_template(server: Server, subject: Subject, result: Result) -> None:
    """What the folder held before is still there, or gone where its days are over."""
    if subject.name == "delete":
        return
    if subject.name != "retention":
        if missing := len([*_missing(server)]):
            result.lost.append(f"{missing} traces of before are missing")
        return
    if not server.read("/api/public/projects")["data"][0].get("retentionDays"):
        return
    until = time.monotonic() + RETAINED_WITHIN_S
    while len([*_missing(server)]) < OLD_TRACES:
        if time.monotonic() > until:
            result.lost.append("traces whose days are over are still there")
            return
        time.sleep(0.3)


def _missing(server: Server) -> Iterator[str]:
    for number in range(OLD_TRACES):
        if server.read(f"/api/public/traces/{old_trace(f'k{number}')}") is None:
            yield old_trace(f"k{number}")


def odd(statuses: list[int]) -> Counter[int]:
    """Answers that no fault excuses."""
    return Counter(each for each in statuses if not 200 <= each < 300 and each not in REFUSALS)


def _last_line(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1][:300] if lines else "nothing was said"
