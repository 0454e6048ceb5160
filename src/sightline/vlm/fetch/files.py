"""A large file in the cache: downloaded once, resumed by range requests, checked by SHA-256, renamed into place whole.

Beside a file that is on its way lie `.part`, what has come so far, `.part.tag`, which version of the file that is, and
`.lock`, held by the process that fetches. Beside a file that was checked lies `.sha256`, so that it is checked once.
"""

import errno
import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from sightline.vlm.fetch.errors import FetchError, first_line
from sightline.vlm.fetch.http import Refused, Unreachable, opened
from sightline.vlm.fetch.places import HUB_OFFLINE, OFFLINE, Remote, offline
from sightline.vlm.fetch.progress import Told, bar, say

TRIES = 5
"""Retries: attempts in a row that bring nothing new."""
PAUSE_S = 0.5
"""Exponential backoff: seconds before the second attempt, twice as long before each further one."""


def file(url: str, sha256: str | None = None, *, torch_hub: bool = False) -> Path:
    """The file behind an http(s) URL, from the cache or fetched into it, with a progress bar on stderr.

    Two processes that want the same file fetch it once (a lock file).

    Args:
        url: May end in `#sha256=…`.
        sha256: All of the checksum, or its first 8 digits and more; none: as the URL or the file's name says.
        torch_hub: Whether a file of that name in torch.hub's cache, which knows names only, may be taken instead.

    Raises:
        FetchError: It is not there and cannot be had; the message says where to put it by hand.
    """
    remote = Remote.of(url, sha256)
    found = _kept(remote) or _torch_hubs(remote, torch_hub)
    if found is not None:
        return found
    if variable := offline(OFFLINE, HUB_OFFLINE):
        raise FetchError(
            f"{remote.name} is not in the cache, and the network is off ({variable} is set): {remote.by_hand()}"
        )
    try:
        return _locked(remote)
    except OSError as problem:
        raise FetchError(f"{remote.name} cannot be stored at {remote.place.parent}: {_why(problem)}") from problem


def _locked(remote: Remote) -> Path:
    """Fetched by this process, or by the one that was first."""
    from filelock import FileLock, Timeout  # late: only a download needs it

    remote.place.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(_beside(remote.place, ".lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say(f"another process is fetching {remote.name}: waiting for it")
        lock.acquire()
    try:
        return _kept(remote) or _fetched(remote)
    finally:
        lock.release()


def _kept(remote: Remote) -> Path | None:
    """The file where it is kept, its bytes checked once; raises `FetchError` for one whose bytes are wrong."""
    if not remote.place.is_file():
        return None
    checked = _beside(remote.place, ".sha256")
    if remote.sha256 is None or (checked.is_file() and checked.read_text() == _facts(remote)):
        return remote.place
    if wrong := remote.check(remote.place):
        raise FetchError(f"{remote.place} is not the file of {remote.shown}: {wrong}. Delete it to fetch it anew")
    _note(remote)
    return remote.place


def _torch_hubs(remote: Remote, trusted: bool) -> Path | None:
    """torch.hub's file of that name: if its bytes are known to be right, or names alone are trusted here."""
    place = remote.torch_place
    known = remote.sha256 is not None and place.is_file() and remote.check(place) is None
    return place if known or (trusted and remote.sha256 is None and place.is_file()) else None


def _note(remote: Remote) -> None:
    """Says for the next time that the file was checked; where that cannot be written, it is checked again."""
    with suppress(OSError):
        _beside(remote.place, ".sha256").write_text(_facts(remote))


def _facts(remote: Remote) -> str:
    """What changes when a checked file does."""
    return f"{remote.sha256} {remote.place.stat().st_size} {remote.place.stat().st_mtime_ns}"


def _fetched(remote: Remote) -> Path:
    part = _beside(remote.place, ".part")
    resumed = part.exists()
    _complete(remote, part)
    if resumed and remote.check(part):
        part.unlink()  # the beginning was of another version: once more, from there
        _complete(remote, part)
    if wrong := remote.check(part):
        part.unlink()
        raise FetchError(f"{remote.shown} came whole, but {wrong}: is it the right file? Nothing was kept")
    part.replace(remote.place)
    _beside(remote.place, ".part.tag").unlink(missing_ok=True)
    if remote.sha256 is not None:
        _note(remote)
    return remote.place


def _complete(remote: Remote, part: Path) -> None:
    """All bytes in `part`, in as many attempts as it takes, as long as one in `TRIES` gets further than any before."""
    tries, furthest = 0, _size(part)
    with bar(remote.name) as told:
        while True:
            try:
                return _attempt(remote, part, told)
            except Refused as problem:
                raise FetchError(
                    f"cannot fetch {remote.shown}: {problem}. Check the URL, or {remote.by_hand()}"
                ) from problem
            except Unreachable as problem:
                have = _size(part)
                tries, furthest = 1 if have > furthest else tries + 1, max(have, furthest)
                if tries >= TRIES:
                    raise FetchError(
                        f"{remote.name} is not in the cache and could not be fetched ({first_line(problem)}; "
                        f"{have:,} bytes came and are kept, the next try goes on there). "
                        f"Check the network, or {remote.by_hand()}"
                    ) from problem
            time.sleep(PAUSE_S * 2 ** (tries - 1))


def _attempt(remote: Remote, part: Path, told: Told) -> None:
    """Asks for what is missing, and stores what comes; raises `Unreachable` when that was not all."""
    tag = _beside(remote.place, ".part.tag")
    with opened(remote.url, _asking(part, tag), allow=(200, 206, 416)) as response:
        start, total = _span(response)
        have = _size(part)
        if response.status_code == 416 and have == total:
            return
        if response.status_code != 200 and start != have:
            _forget(part, tag)
            raise Unreachable("the server cannot go on where it broke off")
        if response.status_code == 200:
            _forget(part, tag)
            tag.write_text(_version(response))
        _room(remote, part, total)
        with part.open("ab") as into:
            for chunk in response.iter_raw():
                into.write(chunk)
                told(into.tell(), total)
            into.flush()
            os.fsync(into.fileno())
    if total is not None and _size(part) != total:
        raise Unreachable(f"the connection ended after {_size(part):,} of {total:,} bytes")


def _span(response: Any) -> tuple[int | None, int | None]:
    """The first byte that comes, and how many the file has; raises `Refused` for what is not the file's own bytes."""
    if "text/html" in response.headers.get("content-type", ""):
        raise Refused("a web page came instead of a file")
    if (coding := response.headers.get("content-encoding", "identity")) != "identity":
        raise Refused(f"the file comes as {coding}, though it was asked for as it is")
    if response.status_code == 200:
        length = response.headers.get("content-length", "")
        return 0, int(length) if length.isdigit() else None
    span, _, size = response.headers.get("content-range", "").removeprefix("bytes").strip().partition("/")
    start = span.partition("-")[0]
    return int(start) if start.isdigit() else None, int(size) if size.isdigit() else None


def _asking(part: Path, tag: Path) -> dict[str, str]:
    """Headers that ask for the rest of what is there (`Range`), if the file is still the same version (`If-Range`)."""
    asking = {"Accept-Encoding": "identity"}
    if have := _size(part):
        asking["Range"] = f"bytes={have}-"
        if tag.is_file() and (version := tag.read_text()):
            asking["If-Range"] = version
    return asking


def _version(response: Any) -> str:
    """The validator of this version of the file: a strong ETag, else Last-Modified."""
    tag = str(response.headers.get("etag", ""))
    return tag if tag and not tag.startswith("W/") else str(response.headers.get("last-modified", ""))


def _room(remote: Remote, part: Path, total: int | None) -> None:
    needed, free = (total or 0) - _size(part), shutil.disk_usage(part.parent).free
    if needed > free:
        raise FetchError(
            f"{remote.name} needs {needed:,} bytes more, {free:,} are free in {part.parent}: "
            "make room, or name another folder in SIGHTLINE_CACHE"
        )


def _forget(part: Path, tag: Path) -> None:
    part.unlink(missing_ok=True)
    tag.unlink(missing_ok=True)


def _beside(place: Path, suffix: str) -> Path:
    return place.with_name(place.name + suffix)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _why(problem: OSError) -> str:
    if problem.errno == errno.ENOSPC:
        return "the disk is full, make room or name another folder in SIGHTLINE_CACHE"
    return f"{problem.strerror or problem}; name another folder in SIGHTLINE_CACHE"
