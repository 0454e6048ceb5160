"""The short twin of `make campaign-faults`: a real server out of descriptors, or with files that cannot grow.

Limits of the process stand in for a full disk: they need neither root nor a C compiler.
"""

import os
import resource
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
KEYS = ("k0", "k1")


@dataclass
class Faulty:
    """A server by fork, what is written to it, and the parts of the campaign."""

    served: Any
    subjects: list[Any]
    zygote: Any
    page: Any
    folder: Path
    registers: dict[str, Any] = field(default_factory=dict)

    def start(self) -> Any:
        server = self.served.Server(
            self.zygote, self.folder / "data", self.folder / "log", self.page, settings={"min_free_bytes": 0}
        ).start()
        assert server.is_up, server.said()
        return server

    def put(self, server: Any, number: int) -> list[int]:
        """A value for every key of every subject; the statuses."""
        statuses = []
        for subject in self.subjects:
            for key in KEYS:
                status = subject.put(server, key, subject.value(number))
                self.registers[subject.name].note(key, subject.value(number), status)
                statuses.append(status)
        return statuses

    def check(self, server: Any, before: dict[tuple[str, str], str]) -> None:
        for subject in self.subjects:
            for key in KEYS:
                stands = subject.get(server, key)
                allowed = self.registers[subject.name].may_stand(key, before.get((subject.name, key), "nothing"))
                assert stands in allowed, (subject.name, key, self.registers[subject.name].tried)


@pytest.fixture
def faulty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Faulty]:
    monkeypatch.syspath_prepend(str(ROOT))
    served = import_module("benchmarks.faults.served")
    shim = import_module("benchmarks.faults.shim")
    subjects = import_module("benchmarks.faults.subjects")
    zygote, page = served.Zygote(None), shim.Page(tmp_path / "page")
    kinds = (subjects.Spans, subjects.Scores, subjects.Changes, subjects.Prompts, subjects.MediaFiles)
    made = Faulty(served, [kind() for kind in kinds], zygote, page, tmp_path)
    made.registers = {subject.name: subjects.Registers() for subject in made.subjects}
    yield made
    zygote.close()
    page.close()


def limit(pid: int, what: int, most: int) -> None:
    hard = resource.prlimit(pid, what)[1]
    resource.prlimit(pid, what, (hard if most < 0 else most, hard))


def descriptors(pid: int) -> tuple[int, int]:
    """No file more than are open."""
    return resource.RLIMIT_NOFILE, len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - as the system names it


def no_growth(_: int) -> tuple[int, int]:
    """No file may be written beyond its first bytes."""
    return resource.RLIMIT_FSIZE, 100


@pytest.mark.parametrize("fault", [descriptors, no_growth])
def test_what_is_acknowledged_under_a_fault_is_there_after_a_kill(faulty: Faulty, fault: Any):
    server = faulty.start()
    assert {200 <= status < 300 for status in faulty.put(server, 0)} == {True}
    what, most = fault(server.pid)
    limit(server.pid, what, most)
    under_fault = faulty.put(server, 1)
    assert [status for status in under_fault if not (200 <= status < 300 or status in (0, 429, 503))] == []
    assert 503 in under_fault or 0 in under_fault
    limit(server.pid, what, 4096 if fault is descriptors else -1)
    after = faulty.put(server, 2)
    assert all(200 <= status < 300 for status in after), (after, server.said()[-2000:])
    server.kill()
    again = faulty.start()
    faulty.check(again, {})
    again.kill()
