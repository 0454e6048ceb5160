"""The desk that exports are made at, and its clock."""

from collections.abc import Iterator

import pytest

from server.conftest import Storage
from server.exports.desk import NOW, Desk
from server.hands import Time
from sightline.server.runtime.clock import clock


@pytest.fixture
def time() -> Iterator[Time]:
    ours = Time(NOW)
    with clock(ours):
        yield ours


@pytest.fixture
def desk(storage: Storage) -> Desk:
    return Desk(storage)
