"""Access rights of a data folder: it and all in it belong to the person who runs the server."""

import stat
from collections.abc import Iterator
from pathlib import Path

from sightline.server.installation.records import Finding

OTHERS = 0o077
"""Bits of group and others."""
OURS = ("observations", "media", "spool", "set-aside", "sightline.db*", "*.secret", "server.log")
"""What Sightline itself puts into a data folder."""


def open_to_others(folder: Path) -> Iterator[Finding]:
    """The folder, where nothing but ours is in it, and the first level of what is ours: that closes all below."""
    for path in _ours(folder):
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & OTHERS:
            yield Finding(path, f"can be entered or read by others ({mode:o})", "take their rights away")


def close(folder: Path) -> list[Finding]:
    """Take the rights of group and others away."""
    closed = []
    for finding in open_to_others(folder):
        mode = stat.S_IMODE(finding.path.stat().st_mode)
        try:
            finding.path.chmod(mode & ~OTHERS)
        except OSError as problem:
            closed.append(Finding(finding.path, finding.problem, f"their rights stay ({problem.strerror})"))
            continue
        closed.append(Finding(finding.path, finding.problem, "their rights were taken away", is_mended=True))
    return closed


def _ours(folder: Path) -> list[Path]:
    inside = {path for pattern in OURS for path in folder.glob(pattern)}
    alone = set(folder.iterdir()) <= inside
    return sorted(inside | {folder}) if alone else sorted(inside)
