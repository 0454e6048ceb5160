"""What self-checks found out, kept: in memory, in the package for the model that it ships, in the cache folder.

A result belongs to a twin (hence to all sizes of an architecture), to the versions of transformers and PyTorch, and to
the self-check itself; when any of them changes, it is found out again.
"""

import hashlib
import json
import logging
import os
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from sightline.vlm.fetch import places

log = logging.getLogger("sightline.vlm")

CHECKS = 1
"""Version of the self-checks: raised when they find out more."""
SHIPPED = Path(__file__).parent / "shipped.json"
"""Results that come with the package."""

_KNOWN: dict[str, dict[str, Any]] = {}


def proved(kind: str, small: Mapping[str, Any], find: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What `find` found out about a twin's config, now or before; `kind` is what it is used as."""
    key = digest(kind, small)
    if key not in _KNOWN:
        found = _shipped().get(key) or _stored(key)
        if found is None:
            found = find()
            _store(key, found)
        _KNOWN[key] = found
    return _KNOWN[key]


def digest(kind: str, small: Mapping[str, Any]) -> str:
    """The name of a result."""
    versions = [metadata.version(name).partition("+")[0] for name in ("transformers", "torch")]
    told = json.dumps([CHECKS, kind, *versions, small], sort_keys=True, default=str)
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def _shipped() -> dict[str, dict[str, Any]]:
    return json.loads(SHIPPED.read_text()) if SHIPPED.exists() else {}


def _stored(key: str) -> dict[str, Any] | None:
    try:
        found = json.loads((places.cache() / "families" / f"{key}.json").read_text())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _store(key: str, found: Mapping[str, Any]) -> None:
    """Best effort: without a writable cache folder it is found out again."""
    path = places.cache() / "families" / f"{key}.json"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}.partial")
        partial.write_text(json.dumps(found))
        partial.replace(path)
    except OSError as problem:
        log.debug("the result of a self-check is not kept: %s", problem)
