"""Rows of a batch on disk while it runs, and the finished table: resumable, idempotent, crash-safe.

Rows first go to a write-ahead journal beside the table, `NAME.journal`: a line that says which job this is, then a line
an item. A run that was cut off, killed even, is resumed by reading the journal; a torn last line is cut away. The table
appears by an atomic rename when every item has been tried. What failed stays in the journal, and the same call retries
it.
"""

import base64
import csv
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from sightline.vlm.config import SightlineVlmError

Row = dict[str, Any]
"""One line of a table; arrays stay arrays until they are written."""

ROWS_AT_ONCE = 512
"""Rows of a parquet row group: turned into columns at a time."""
ESCAPED = "backslashreplace"
"""How bytes of a file name that are not UTF-8, lone surrogates in Python, are written: in JSON, their own escapes."""


class ResultsError(SightlineVlmError):
    """Results that cannot be written, or are already there; the message says which and what to do."""


class Results:
    """Where the rows of one job go; `done` holds the idempotency keys of items that need no second try."""

    def __init__(self, out: Path, job: Mapping[str, Any], columns: Mapping[str, str], *, overwrite: bool = False):
        """Resumes from the journal of the same job, or begins one.

        Args:
            out: The table to write; its suffix chooses the format, one of `FORMATS`.
            job: JSON-ready facts about the job: a journal of another job is refused.
            columns: Name and kind of every column, a key of `KINDS`.
            overwrite: Forget a journal and a table that are there.

        Raises:
            ResultsError: A suffix that is unknown or does not fit the columns, a finished table without `overwrite`, or
                the journal of another job.
        """
        check_table(out, columns)
        self.out, self.columns = out, columns
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

    def finish(self, keys: Sequence[str]) -> None:
        """Writes the table of these items, in their order, by an atomic rename; the journal goes when none failed."""
        self.flush()
        fresh = self.out.with_name(self.out.name + ".writing")
        FORMATS[self.out.suffix.lower()](fresh, self.rows(keys), self.columns)
        fresh.replace(self.out)
        if self.failed.isdisjoint(keys):
            self.close()
            self.journal.unlink()

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


def check_table(out: Path, columns: Mapping[str, str]) -> None:
    """Raises `ResultsError` for a name whose suffix is no format, or none for such columns."""
    if out.suffix.lower() not in FORMATS:
        raise ResultsError(f"cannot write {out}: its name must end in {', '.join(FORMATS)}")
    ragged = [name for name, kind in columns.items() if kind in RAGGED]
    if ragged and out.suffix.lower() == ".npz":
        raise ResultsError(
            f"cannot write {out}: arrays have one shape, but {', '.join(ragged)} differ from row to row; "
            "write .jsonl, .parquet or .csv"
        )


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


def plain(value: Any) -> Any:
    """A value as JSON has it: arrays as nested lists."""
    return value.tolist() if isinstance(value, np.ndarray) else value


def _write_json_lines(path: Path, rows: Iterator[Row], _columns: Mapping[str, str]) -> None:
    with path.open("w", encoding="utf-8", errors=ESCAPED) as file:
        for row in rows:
            file.write(json.dumps({name: plain(value) for name, value in row.items()}, ensure_ascii=False) + "\n")


def _write_csv(path: Path, rows: Iterator[Row], columns: Mapping[str, str]) -> None:
    with path.open("w", encoding="utf-8", errors=ESCAPED, newline="") as file:
        table = csv.DictWriter(file, list(columns), extrasaction="ignore")
        table.writeheader()
        for row in rows:
            table.writerow({name: _cell(row.get(name)) for name in columns})


def _cell(value: Any) -> Any:
    return json.dumps(plain(value), ensure_ascii=False) if isinstance(value, np.ndarray | list | dict) else value


def _write_parquet(path: Path, rows: Iterator[Row], columns: Mapping[str, str]) -> None:
    import pyarrow as pa  # late: takes a second to import
    from pyarrow import parquet

    schema = pa.schema([(name, KINDS[kind]()) for name, kind in columns.items()])
    with parquet.ParquetWriter(path, schema) as writer:
        while some := list(islice(rows, ROWS_AT_ONCE)):
            values = [{name: _valid(plain(row.get(name))) for name in columns} for row in some]
            writer.write_table(pa.Table.from_pylist(values, schema=schema))


def _valid(value: Any) -> Any:
    return value.encode(errors=ESCAPED).decode() if isinstance(value, str) else value


def _write_arrays(path: Path, rows: Iterator[Row], columns: Mapping[str, str]) -> None:
    """Columns as numpy arrays of one .npz, shares as `[N, names]` beside their names; rows that failed are left out."""
    good = [row for row in rows if "error" not in row]
    arrays: dict[str, Any] = {}
    for name in (name for name in columns if good and all(row.get(name) is not None for row in good)):
        values = [row[name] for row in good]
        if columns[name] == "shares":
            arrays[f"{name}_names"] = np.array(list(values[0]))
            values = [list(each.values()) for each in values]
        shapes = {np.shape(each) for each in values}
        if len(shapes) > 1:
            raise ResultsError(f"the values of {name!r} differ in shape, {sorted(shapes)}: write .jsonl or .parquet")
        arrays[name] = np.array(values)
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


FORMATS: dict[str, Callable[[Path, Iterator[Row], Mapping[str, str]], None]] = {
    ".jsonl": _write_json_lines,
    ".parquet": _write_parquet,
    ".csv": _write_csv,
    ".npz": _write_arrays,
}
"""How a table is written, by its suffix."""


def _kind(make: Callable[[Any], Any]) -> Callable[[], Any]:
    def build() -> Any:
        import pyarrow as pa  # late: takes a second to import

        return make(pa)

    return build


KINDS: dict[str, Callable[[], Any]] = {
    "text": _kind(lambda pa: pa.string()),
    "number": _kind(lambda pa: pa.float64()),
    "count": _kind(lambda pa: pa.int64()),
    "counts": _kind(lambda pa: pa.list_(pa.int64())),
    "numbers": _kind(lambda pa: pa.list_(pa.float64())),
    "vector": _kind(lambda pa: pa.list_(pa.float32())),
    "vectors": _kind(lambda pa: pa.list_(pa.list_(pa.float32()))),
    "usage": _kind(lambda pa: pa.struct([("input_tokens", pa.int64()), ("output_tokens", pa.int64())])),
    "shares": _kind(lambda pa: pa.map_(pa.string(), pa.float64())),
}
"""What a column may hold, and its type in parquet."""
RAGGED = ("counts", "numbers", "usage")
"""Kinds that are no arrays."""
