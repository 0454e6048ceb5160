"""Rows of a batch on disk while it runs, and the finished table: resumable, idempotent, crash-safe.

Rows first go to a write-ahead journal beside the table, `NAME.journal`: a line that says which job this is, then a line
an item. A run that was cut off, killed even, is resumed by reading the journal; a torn last line is cut away. The table
appears by an atomic rename when every item has been tried. What failed stays in the journal, and the same call retries
it.
"""

import base64
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from sightline.vlm.bulk.formats import ESCAPED, check_table, write_table
from sightline.vlm.bulk.rows import ResultsError, Row


@dataclass(frozen=True)
class Again:
    """What can be walked through more than once."""

    make: Callable[[], Iterator[Row]]

    def __iter__(self) -> Iterator[Row]:
        return self.make()


class Results:
    """Where the rows of one job go; `done` holds the idempotency keys of items that need no second try."""

    def __init__(
        self,
        out: Path,
        job: Mapping[str, Any],
        columns: Mapping[str, str],
        *,
        overwrite: bool = False,
        form: str | None = None,
    ):
        """Resumes from the journal of the same job, or begins one.

        Args:
            out: The table to write; its suffix chooses the format, one of `FORMATS`.
            job: JSON-ready facts about the job: a journal of another job is refused.
            columns: Name and kind of every column, a key of `KINDS`.
            overwrite: Forget a journal and a table that are there.
            form: One of the published formats (`published.FORMS`); none: rows, by the suffix.

        Raises:
            ResultsError: A suffix that is unknown or does not fit the columns, a finished table without `overwrite`, or
                the journal of another job.
        """
        check_table(out, columns, form)
        self.out, self.columns, self.form = out, columns, form
        self.journal = out.with_name(out.name + ".journal")
        self.failed: set[str] = set()
        self.done: set[str] = set()
        if overwrite:
            self.journal.unlink(missing_ok=True)
        elif out.exists() and not self.journal.exists():
            raise ResultsError(f"{out} is finished: give another name, or --overwrite to do it again")
        try:
            self.file: BinaryIO = self._opened(json.loads(json.dumps(job)))
        except OSError as error:
            raise ResultsError(f"cannot write {self.journal}: {error.strerror or error}") from error

    def add(self, key: str, rows: list[Row], failed: bool) -> None:
        """Notes the rows of one item; they are safe after the next `flush`."""
        self.file.write(json_line({"key": key, "failed": failed, "rows": rows}))
        (self.failed if failed else self.done).add(key)
        if not failed:
            self.failed.discard(key)

    def flush(self) -> None:
        """Flushes and fsyncs: everything added so far survives a crash from here on."""
        self.file.flush()
        os.fsync(self.file.fileno())

    def resumed(self, keys: Sequence[str]) -> int:
        """How many of these items are done; raises `ResultsError` when others are, and none of these."""
        many = sum(key in self.done for key in keys)
        if self.done and not many:
            raise ResultsError(
                f"{self.journal} belongs to an unfinished job over other images: "
                "repeat that call, give another name, or --overwrite to begin anew"
            )
        return many

    def finish(self, keys: Sequence[str]) -> int:
        """Writes the table of these items, in their order, by an atomic rename; the journal goes when none failed.

        How many rows it has, those of failed items left out.
        """
        self.flush()
        fresh, rows = self.out.with_name(self.out.name + ".writing"), Again(lambda: self.rows(keys))
        write_table(fresh, self.out, rows, self.columns, self.form)
        fresh.replace(self.out)
        many = sum("error" not in row for row in rows)
        if self.failed.isdisjoint(keys):
            self.close()
            self.journal.unlink()
        return many

    def close(self) -> None:
        """Lets go of the journal."""
        self.file.close()

    def rows(self, keys: Sequence[str]) -> Iterator[Row]:
        """The rows of these items, of the last try only."""
        self.file.flush()
        places: dict[str, int] = {}
        with self.journal.open("rb") as file:
            place = len(file.readline())
            for line in file:
                places[json.loads(line)["key"]] = place
                place += len(line)
            for key in keys:
                file.seek(places[key])
                yield from json.loads(file.readline(), object_hook=_array)["rows"]

    def _opened(self, job: Mapping[str, Any]) -> BinaryIO:
        self.out.parent.mkdir(parents=True, exist_ok=True)
        file = self.journal.open("a+b")
        try:
            file.seek(0)
            whole = _whole_lines(file)
            first = next(whole, None)
            if first is None:
                file.truncate(0)
                file.write(json_line({"job": job}))
            else:
                self._check(json.loads(first).get("job"), job)
                self._take_up(file, len(first), whole)
        except BaseException:
            file.close()
            raise
        return file

    def _check(self, theirs: Any, ours: Mapping[str, Any]) -> None:
        if theirs == ours:
            return
        names = sorted(name for name in {**(theirs or {}), **ours} if (theirs or {}).get(name) != ours.get(name))
        raise ResultsError(
            f"{self.journal} belongs to an unfinished job with other settings ({', '.join(names)}): "
            "repeat that call, give another name, or --overwrite to begin anew"
        )

    def _take_up(self, file: BinaryIO, end: int, lines: Iterator[bytes]) -> None:
        for line in lines:
            end += len(line)
            item = json.loads(line)
            (self.failed if item["failed"] else self.done).add(item["key"])
        self.failed -= self.done
        file.truncate(end)


def _whole_lines(file: BinaryIO) -> Iterator[bytes]:
    """Lines up to the first that a crash cut short."""
    for line in file:
        if not line.endswith(b"\n"):
            return
        yield line


def json_line(value: Any) -> bytes:
    """A value as a line of JSON; a file name that is no text keeps its bytes as escapes."""
    return json.dumps(value, ensure_ascii=False, default=_coded).encode(errors=ESCAPED) + b"\n"


def _coded(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        body = base64.b64encode(np.ascontiguousarray(value, np.float32).tobytes()).decode()
        return {"float32": body, "shape": value.shape}
    raise TypeError(f"a {type(value).__name__} has no place in a table")


def _array(value: Row) -> Any:
    if value.keys() == {"float32", "shape"}:
        return np.frombuffer(base64.b64decode(value["float32"]), np.float32).reshape(value["shape"])
    return value
