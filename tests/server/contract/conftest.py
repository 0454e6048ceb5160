"""A seeded project for each module of tests of the contract."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from server.cluster import Place
from server.contract.project import Project
from server.contract.seeding import seeded
from server.edges.running_site import opened, settings_in


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def project(
    tmp_path_factory: pytest.TempPathFactory, new_place: Callable[[Path], Place]
) -> AsyncIterator[Project]:
    folder = tmp_path_factory.mktemp("contract")
    async with opened(settings_in(folder, new_place(folder))) as site:
        yield await seeded(site)
