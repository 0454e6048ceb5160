"""What lies in the data folder besides tables: secrets and files."""

import stat
from pathlib import Path

import pytest

from sightline.server.runtime.blobs import Blobs
from sightline.server.runtime.cache import ExpiringCache
from sightline.server.runtime.errors import NotFound
from sightline.server.runtime.secret import installation_secret


def test_a_secret_is_made_once_and_is_the_owners(tmp_path: Path):
    first = installation_secret(tmp_path, "keys")
    assert installation_secret(tmp_path, "keys") == first
    assert installation_secret(tmp_path, "media") != first
    assert stat.S_IMODE((tmp_path / "keys.secret").stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["keys.secret", "media.secret"]


async def test_files_come_back_and_missing_ones_are_not_found(tmp_path: Path):
    blobs = Blobs(str(tmp_path / "media"))
    await blobs.put("p/one", b"first")
    await blobs.put("p/one", b"second")
    assert await blobs.get("p/one") == b"second"
    assert await blobs.exists("p/one")
    assert not await blobs.exists("p/two")
    with pytest.raises(NotFound):
        await blobs.get("p/two")


def test_a_cache_forgets_the_oldest_and_the_expired():
    cache: ExpiringCache[str, int | None] = ExpiringCache(size=2, keep_s=60)
    for key in "abc":
        cache.put(key, None)
    assert [cache.get(key) for key in "abc"] == [None, (None,), (None,)]
    stale: ExpiringCache[str, int] = ExpiringCache(size=2, keep_s=-1)
    stale.put("a", 1)
    assert stale.get("a") is None
