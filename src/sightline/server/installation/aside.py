"""Setting files aside: moved, never deleted, to a folder that says when, under the path they had."""

from contextlib import suppress
from pathlib import Path

from sightline.server.runtime.clock import now

ASIDE = "set-aside"
"""Folder for what was set aside, in the folder that it was in."""


def set_aside(path: Path, root: Path) -> Path:
    """Move a file or folder from below `root` into `root/set-aside/TIME/`; returns where it is now.

    On a full disk there may be no room for a folder: an empty file, which says nothing, is then removed.
    """
    moment = now().strftime("%Y%m%dT%H%M%SZ")
    goal = root / ASIDE / moment / path.relative_to(root)
    goal = next(each for each in _names(goal) if not each.exists())
    try:
        goal.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.rename(goal)
    except OSError:
        if not path.is_file() or path.stat().st_size:
            raise
        path.unlink()
    return goal


def kept_aside(root: Path) -> list[Path]:
    """What was set aside so far, one entry a time."""
    with suppress(FileNotFoundError):
        return sorted((root / ASIDE).iterdir())
    return []


def _names(goal: Path) -> list[Path]:
    return [goal, *(goal.with_name(f"{goal.name}.{number}") for number in range(1, 1000))]
