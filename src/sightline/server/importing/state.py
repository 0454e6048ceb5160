"""Checkpoints of an import, in a file: after an interruption the next run resumes from there.

The file holds cursors, counts and pairs of ids, no content and no secret.
"""

import hashlib
import os
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import orjson

from sightline.server.importing.records import Place, Remark, Selection, Tally
from sightline.server.runtime.clock import now
from sightline.server.runtime.errors import InvalidRequest

FORMAT = 1
"""Version of the file's format."""
OVERLAP = timedelta(hours=1)
"""Overlap of an incremental run with the one before: for rows that arrived late, or changed since."""
EXAMPLES = 5
"""Ids kept for each remark."""
SAVE_EVERY_S = 2.0
"""Minimum interval between saves (debounce)."""


def default_path(source: Place, target: Place) -> Path:
    """One file for each pair of projects, in the folder the command is run in."""
    said = "\n".join((source.url, source.public_key, target.url, target.public_key))
    return Path(f"sightline-import-{hashlib.sha256(said.encode()).hexdigest()[:12]}.json")


class State:
    """The progress so far, in memory until `save()`."""

    def __init__(self, path: Path | None, selection: Selection, *, save_every_s: float = SAVE_EVERY_S) -> None:
        """`path` None keeps nothing, for a dry run."""
        self._path = path
        self._save_every_s = save_every_s
        self._saved_at = 0.0
        asked = [each.isoformat() if each else None for each in (selection.since, selection.until)]
        self._data: dict[str, Any] = {
            "format": FORMAT,
            "asked": asked,
            "finished": False,
            "parts": {},
            "ids": {},
            "files": {},
            "remarks": {},
        }
        if path is not None and path.exists():
            self._continue(path, asked)

    def _continue(self, path: Path, asked: list[str | None]) -> None:
        try:
            kept = orjson.loads(path.read_bytes())
        except orjson.JSONDecodeError as problem:
            raise InvalidRequest(f"{path} is no state of an import: name another with --state") from problem
        if not isinstance(kept, dict) or kept.get("format") != FORMAT:
            raise InvalidRequest(f"{path} is of another version of this command: name another with --state")
        if kept["asked"] != asked:
            raise InvalidRequest(
                f"{path} belongs to an import from {kept['asked'][0]} until {kept['asked'][1]}, asked is from "
                f"{asked[0]} until {asked[1]}: ask for the same, or keep another state with --state"
            )
        self._data = kept

    def begin(self, parts: Sequence[str]) -> None:
        """Begin a run: resume an interrupted one; after a finished one, run incrementally.

        An incremental run reads what has a time only since then, less `OVERLAP`.
        """
        if self._data["finished"]:
            for part in parts:
                if self.done(part):
                    self._data["parts"][part] = self._next(self._part(part))
            self._data["remarks"] = {}
        self._data["finished"] = False

    def end(self) -> None:
        """The run came to its end."""
        self._data["finished"] = True

    def bounds(self, part: str) -> tuple[datetime | None, datetime]:
        """From when until when a part is read; it stays so until the part is done."""
        kept = self._part(part)
        since = kept["since"]
        return datetime.fromisoformat(since) if since else None, datetime.fromisoformat(kept["until"])

    def done(self, part: str) -> bool:
        return bool(self._data["parts"].get(part, {}).get("done"))

    def finish(self, part: str) -> None:
        self._part(part)["done"] = True

    def place(self, part: str) -> dict[str, Any]:
        """The checkpoint of a part."""
        return dict(self._part(part)["place"])

    def reach(self, part: str, place: Mapping[str, Any], tally: Tally) -> None:
        self._part(part).update(place=dict(place), read=tally.read, carried=tally.carried, left_out=tally.left_out)

    def tally(self, part: str) -> Tally:
        kept = self._data["parts"].get(part, {})
        counts = {name: kept.get(name, 0) for name in ("read", "carried", "left_out")}
        return Tally(part=part, **counts)

    def ids(self, kind: str) -> dict[str, str]:
        """Ids over there to ids over here, where they differ."""
        found: dict[str, str] = self._data["ids"].setdefault(kind, {})
        return found

    def files(self) -> dict[str, Any]:
        """What is known of media by id."""
        found: dict[str, Any] = self._data["files"]
        return found

    def remark(self, part: str, reason: str, identity: str, *, lost: bool, count: int = 1) -> None:
        key = f"{'lost' if lost else 'kept'}|{part}|{reason}"
        entry = self._data["remarks"].setdefault(key, {"count": 0, "examples": []})
        entry["count"] += count
        if len(entry["examples"]) < EXAMPLES and identity not in entry["examples"]:
            entry["examples"].append(identity)

    def remarks(self) -> list[Remark]:
        found = []
        for key, entry in self._data["remarks"].items():
            fate, part, reason = key.split("|", 2)
            examples = tuple(entry["examples"])
            found.append(Remark(part=part, reason=reason, count=entry["count"], examples=examples, lost=fate == "lost"))
        return found

    def save(self, *, now_or_never: bool = False) -> None:
        """Write the file atomically (rename); debounced by `save_every_s` unless `now_or_never`."""
        if self._path is None or (monotonic() < self._saved_at + self._save_every_s and not now_or_never):
            return
        self._saved_at = monotonic()
        beside = self._path.with_name(self._path.name + ".new")
        with beside.open("wb") as file:
            file.write(orjson.dumps(self._data))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)

    def _part(self, part: str) -> dict[str, Any]:
        found: dict[str, Any] = self._data["parts"].setdefault(part, self._fresh(self._data["asked"][0]))
        return found

    def _next(self, done: Mapping[str, Any]) -> dict[str, Any]:
        """A part that was done, to be looked at again."""
        since, until = self._data["asked"]
        if until is None:
            reached = datetime.fromisoformat(done["until"]) - OVERLAP
            since = max(datetime.fromisoformat(since), reached).isoformat() if since else reached.isoformat()
        return self._fresh(since)

    def _fresh(self, since: str | None) -> dict[str, Any]:
        until = self._data["asked"][1] or now().isoformat()
        return {"done": False, "place": {}, "read": 0, "carried": 0, "left_out": 0, "since": since, "until": until}
