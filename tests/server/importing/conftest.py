"""A seeded server to import from, and an empty one to import into, which each test has to itself."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio
import stamina

from server.cluster import Place as Stores
from server.edges.running_site import Site, opened, settings_in
from server.importing.origin import Origin, seed


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Origin]:
    running = Origin(tmp_path_factory.mktemp("origin"))
    try:
        seed(running)
        yield running
    finally:
        running.close()


@pytest_asyncio.fixture
async def target(tmp_path: Path, new_place: Callable[[Path], Stores]) -> AsyncIterator[Site]:
    folder = tmp_path / "target"
    folder.mkdir()
    async with opened(settings_in(folder, new_place(folder))) as site:
        yield site


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    """Repeats happen, but at once."""
    with stamina.set_testing(True, attempts=8):
        yield


@pytest.fixture
def into(target: Site) -> httpx2.ASGITransport:
    return httpx2.ASGITransport(app=target.app)
