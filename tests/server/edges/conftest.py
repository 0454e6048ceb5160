"""One application for each module of tests, and browsers signed in to either of its projects."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from server.cluster import Place
from server.edges.running_site import Site, browser, opened, settings_in
from sightline.server.settings import Settings


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, new_place: Callable[[Path], Place]) -> Settings:
    folder = tmp_path_factory.mktemp("data")
    return settings_in(folder, new_place(folder))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(settings: Settings) -> AsyncIterator[Site]:
    async with opened(settings) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def ada(site: Site) -> AsyncIterator[httpx2.AsyncClient]:
    """A browser signed in to the first project."""
    async with browser(site, "ada@example.org") as client:
        yield client


@pytest_asyncio.fixture(loop_scope="module")
async def eve(site: Site) -> AsyncIterator[httpx2.AsyncClient]:
    """A browser signed in to the other project."""
    async with browser(site, "eve@example.org") as client:
        yield client


@pytest.fixture
def fresh_settings(tmp_path: Path, new_place: Callable[[Path], Place]) -> Callable[..., Settings]:
    """Settings on a folder of this test alone."""
    folder = tmp_path / "data"
    folder.mkdir()
    return lambda **more: settings_in(folder, new_place(folder), **more)
