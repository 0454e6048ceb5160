"""Where a fetched file lies, what its bytes must add up to, and whether the network may be used.

    SIGHTLINE_CACHE      the cache folder; default: sightline in $XDG_CACHE_HOME, else in ~/.cache
    SIGHTLINE_OFFLINE    1: nothing goes out, neither for weights nor for images
    HF_HUB_OFFLINE       1: no weights are fetched (as for the hub's own client)

A file lies under its URL's host and path, so that one fetched elsewhere can be put there by hand.
"""

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import unquote, urlsplit

from sightline.vlm.fetch.errors import FetchError

OFFLINE = "SIGHTLINE_OFFLINE"
"""Environment variable that forbids every request."""
HUB_OFFLINE = "HF_HUB_OFFLINE"
"""The hub client's own, which forbids weights only."""
CACHE = "SIGHTLINE_CACHE"
"""Environment variable that names the cache folder."""

CHECKSUM = re.compile(r"[0-9a-f]{8,64}")
"""A SHA-256 in hexadecimal, or its first 8 digits and more."""
IN_NAME = re.compile(r"-([0-9a-f]{8,64})\.\w+$")
"""How a file's name tells the first digits of its SHA-256 (`model-0123abcd.pth`)."""


def is_url(source: object) -> bool:
    """Whether this names something on a web server."""
    return isinstance(source, str) and source[:8].lower().startswith(("http://", "https://"))


def offline(*names: str) -> str | None:
    """The variable that forbids the network, if one does; by default only our own is asked."""
    said = ("1", "true", "yes", "on")
    return next((name for name in names or (OFFLINE,) if os.environ.get(name, "").lower() in said), None)


def cache() -> Path:
    """The cache folder; made when something is put into it."""
    told = os.environ.get(CACHE)
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(told).expanduser() if told else Path(base).expanduser() / "sightline"


@dataclass(frozen=True)
class Remote:
    """A file on a web server."""

    url: str
    """Without fragment."""
    sha256: str | None = None
    """Its SHA-256, or the first 8 digits of it and more; none: nothing is known about its bytes."""

    @classmethod
    def of(cls, url: str, sha256: str | None = None) -> Self:
        """A file by its URL; the checksum may also stand behind it (`#sha256=…`) or in the file's name.

        Raises `FetchError` for what is no http(s) URL of a file, and for a checksum that is none.
        """
        bare, _, fragment = url.partition("#")
        parts = urlsplit(bare)
        names = [unquote(part) for part in parts.path.split("/") if part]
        if not is_url(url) or not parts.hostname or not names or parts.path.endswith("/"):
            raise FetchError(f"{url!r} is not the URL of a file: expected https://host/path/name.pth")
        if any(name in (".", "..") or "/" in name or "\\" in name or "\0" in name for name in names):
            raise FetchError(f"{url!r} climbs out of its own path: write it without . and ..")
        found = IN_NAME.search(names[-1])
        told = sha256 or (fragment.removeprefix("sha256=") if fragment.startswith("sha256=") else None)
        expected = (told or (found[1] if found else None) or "").lower() or None
        if expected is not None and not CHECKSUM.fullmatch(expected):
            raise FetchError(
                f"{expected!r} is no SHA-256: expected 64 hexadecimal digits, or the first 8 or more of them"
            )
        return cls(bare, expected)

    @property
    def shown(self) -> str:
        """The URL as messages may have it: without a name and password in it."""
        parts = urlsplit(self.url)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()

    @property
    def name(self) -> str:
        """The file's name."""
        return self.place.name

    @property
    def place(self) -> Path:
        """Where it lies in the cache once it is fetched."""
        parts = urlsplit(self.url)
        names = [unquote(part) for part in parts.path.split("/") if part]
        host = f"{parts.hostname}_{parts.port}" if parts.port else str(parts.hostname)
        asked = [hashlib.sha256(parts.query.encode()).hexdigest()[:12]] if parts.query else []
        return cache().joinpath("files", host, *names[:-1], *asked, names[-1])

    @property
    def torch_place(self) -> Path:
        """Where torch.hub, and LAVIS with it, keeps a file of this name."""
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
        home = os.environ.get("TORCH_HOME") or f"{base}/torch"
        return Path(home).expanduser() / "hub" / "checkpoints" / self.name

    def check(self, path: Path) -> str | None:
        """What is wrong with a file's bytes, in words; none when nothing is, or nothing is known."""
        if self.sha256 is None:
            return None
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        return None if found.startswith(self.sha256) else f"its SHA-256 is {found}, {self.sha256} was expected"

    def by_hand(self) -> str:
        """The end of a message: what to do without a network."""
        return f"fetch {self.shown} where there is a network and put it at {self.place}"
