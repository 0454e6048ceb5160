"""Two processes on one PostgreSQL and one ClickHouse server, whose clocks are 5 s apart: last write wins all the same.

Both write the same keys in turn, and each value that was acknowledged is read through the other process at once.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.faults.kinds import Moment
from benchmarks.faults.runs import KEYS, ROUNDS, Result, odd
from benchmarks.faults.served import PROJECT, ReadFailed, Server, Zygote
from benchmarks.faults.shim import Page
from benchmarks.faults.subjects import Registers, Subject, old_spans
from server.cluster import Cluster

KIND = "two processes 5 s apart"
APART_S = -5.0
SECRET = "for the campaign of faults, the same for both"


@dataclass
class Pair:
    """Two servers on the same stores."""

    one: Server
    other: Server
    clock: Page
    """Of the other."""


@contextmanager
def pair(zygote: Zygote, cluster: Cluster, subject: Subject, folder: Path, moment: Moment) -> Iterator[Pair]:
    place = cluster.place()
    settings: dict[str, Any] = {
        "min_free_bytes": 0,
        "database_url": place.database,
        "observations_url": place.observations,
        "bus_url": place.buses[0],
        "media_url": str(folder / "media"),
        "secret": SECRET,
    }
    with ExitStack() as stack:
        servers = []
        for name in ("one", "other"):
            page = Page(folder / f"{name}.page")
            stack.callback(page.close)
            server = Server(
                zygote, folder / name, folder / f"{name}.log", page, (*subject.patches, "clock"), settings=settings
            )
            servers.append(server)
            stack.callback(server.kill)
        one, other = servers
        if moment == "before":
            other.page.set_clock(APART_S)
        yield Pair(one.start(), other.start(), other.page)


def run_pair(zygote: Zygote, cluster: Cluster, subject: Subject, folder: Path, moment: Moment) -> Result:
    result = Result(KIND, subject.name, moment)
    registers = Registers()
    with pair(zygote, cluster, subject, folder, moment) as both:
        if not (both.one.is_up and both.other.is_up):
            result.lost.append(f"a process did not start: {both.one.said()[-300:]} {both.other.said()[-300:]}")
            return result
        for body in old_spans():
            both.one.ask("POST", "/v1/traces", body, {**PROJECT, "Content-Type": "application/x-protobuf"})
        try:
            _write(both, subject, moment, registers, result)
        except ReadFailed as failure:
            result.lost.append(str(failure))
        both.one.kill()
        both.other.kill()
        both.clock.set_clock(0.0)
        _check(both.other.start(), subject, registers, result)
    result.acknowledged = registers.acknowledged
    result.refused = sum(not 200 <= status < 300 for status in registers.statuses)
    result.wrong += [f"answer {status}" for status in odd(registers.statuses)]
    return result


def _write(both: Pair, subject: Subject, moment: Moment, registers: Registers, result: Result) -> None:
    for number in range(ROUNDS + 1):
        if moment == "during" and number == 1:
            both.clock.set_clock(APART_S)
        for place, key in enumerate(KEYS):
            writer, reader = (both.one, both.other) if (number + place) % 2 else (both.other, both.one)
            value = subject.value(number)
            status = subject.put(writer, key, value)
            registers.note(key, value, status)
            found = subject.get(reader, key)
            if found not in registers.may_stand(key, subject.before(key)):
                result.lost.append(f"{key} is {found} in the other process after {value} was answered {status}")


def _check(server: Server, subject: Subject, registers: Registers, result: Result) -> None:
    if not server.is_up:
        result.lost.append(f"it does not start again: {server.said()[-300:]}")
        return
    for key in KEYS:
        found = subject.get(server, key)
        if found not in registers.may_stand(key, subject.before(key)):
            result.lost.append(f"{key} is {found} after a restart")
