"""kill -9 while spans are recorded: what was acknowledged is there exactly once. The campaign does this 200 times."""

import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from server.tracing import ingesting
from sightline.server.runtime.observations import EmbeddedEngine
from sightline.server.tracing.records import ObservationQuery
from sightline.server.tracing.store import ObservationStore
from sightline.server.tracing.store.traces import TraceSource

KILLS = 3


def acknowledged_until_killed(folder: Path, after_s: float) -> list[tuple[str, str]]:
    """Run the ingesting process, kill it so long after its first acknowledgement, return what it acknowledged."""
    script = Path(ingesting.__file__)
    with subprocess.Popen([sys.executable, str(script), str(folder)], stdout=subprocess.PIPE, text=True) as process:
        first = process.stdout.readline()
        time.sleep(after_s)
        process.kill()
        rest = process.stdout.read()
    lines = [first, *rest.splitlines(keepends=True)]
    return [tuple(line.split()) for line in lines if line.endswith("\n")]


@pytest.fixture
def acknowledged(tmp_path: Path) -> list[tuple[str, str]]:
    """The spans acknowledged by processes that were killed one after another on the same folder."""
    return [key for kill in range(KILLS) for key in acknowledged_until_killed(tmp_path, 0.2 + 0.15 * kill)]


async def test_every_acknowledged_span_survives_a_kill_exactly_once(
    tmp_path: Path, acknowledged: list[tuple[str, str]]
):
    engine = EmbeddedEngine(tmp_path / "observations")
    await engine.open()
    page = await ObservationStore(engine, TraceSource(lambda: True)).page(
        ingesting.HERE, ObservationQuery(limit=1_000_000)
    )
    await engine.close()
    seen = Counter((one.trace_id, one.id) for one in page.items)
    assert len(acknowledged) >= KILLS * ingesting.SPANS
    assert [key for key in acknowledged if seen[key] != 1] == []
    assert max(seen.values()) == 1
