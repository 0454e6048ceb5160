"""What lies in the data folder besides tables: secrets and files."""

import stat
import tempfile
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
    with tempfile.TemporaryFile() as file:
        file.write(b"second")
        await blobs.put("p/one", file)
    for part, said in ((range(6), b"second"), (range(2, 4), b"co"), (range(0), b"")):
        assert b"".join([block async for block in await blobs.blocks("p/one", part)]) == said
    with await blobs.file("p/one", 6) as opened:
        assert opened.read() == b"second"
    assert await blobs.exists("p/one")
    assert not await blobs.exists("p/two")
    for missing in (blobs.blocks("p/two", range(1)), blobs.file("p/two", 1)):
        with pytest.raises(NotFound):
            await missing


async def test_a_file_of_a_bucket_is_copied_to_be_opened():
    blobs = Blobs("memory://")
    await blobs.put("p/one", b"in a bucket")
    with await blobs.file("p/one", 11) as opened:
        assert (opened.seek(0), opened.read()) == (0, b"in a bucket")


def test_a_cache_forgets_the_oldest_and_the_expired():
    cache: ExpiringCache[str, int | None] = ExpiringCache(size=2, keep_s=60)
    for key in "abc":
        cache.put(key, None)
    assert [cache.get(key) for key in "abc"] == [None, (None,), (None,)]
    stale: ExpiringCache[str, int] = ExpiringCache(size=2, keep_s=-1)
    stale.put("a", 1)
    assert stale.get("a") is None
