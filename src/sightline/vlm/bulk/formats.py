"""The formats of a finished table: lines of JSON, CSV, parquet and arrays by suffix, and those that benchmarks publish.

A row has the task's own columns and those of the table that its item came from. The kinds of the latter are not known
before all rows are: what is written in columns is walked through twice.
"""

import csv
import json
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from sightline.vlm.bulk import published
from sightline.vlm.bulk.rows import ResultsError, Rows, plain

ROWS_AT_ONCE = 512
"""Rows of a parquet row group: turned into columns at a time."""
ESCAPED = "backslashreplace"
"""How bytes of a file name that are not UTF-8, lone surrogates in Python, are written: in JSON, their own escapes."""


def check_table(out: Path, columns: Mapping[str, str], form: str | None = None) -> None:
    """Raises `ResultsError` for a name whose suffix is no format, or none for such columns, or for an unknown form."""
    if form is not None:
        published.check_form(out, columns, form)
        return
    if out.suffix.lower() not in FORMATS:
        raise ResultsError(
            f"cannot write {out}: its name must end in {', '.join(FORMATS)} (--as coco or vqa: .json, --as trec: any)"
        )
    ragged = [name for name, kind in columns.items() if kind in RAGGED]
    if ragged and out.suffix.lower() == ".npz":
        raise ResultsError(
            f"cannot write {out}: arrays have one shape, but {', '.join(ragged)} differ from row to row; "
            "write .jsonl, .parquet or .csv"
        )


def write_table(path: Path, out: Path, rows: Rows, columns: Mapping[str, str], form: str | None) -> None:
    """Writes a finished table to `path`, in the format that the name `out` or a published `form` asks for."""
    if form is not None:
        published.FORMS[form].write(path, rows)
    else:
        FORMATS[out.suffix.lower()](path, rows, columns)


def with_kept(rows: Rows, columns: Mapping[str, str]) -> dict[str, str]:
    """A task's columns and those that its rows brought along, by the kinds of their values."""
    kinds: dict[str, set[str]] = {}
    for row in rows:
        for name in row.keys() - columns.keys():
            kinds.setdefault(name, set()).update(() if row[name] is None else (_kind_of(row[name]),))
    first = next(iter(rows), {})
    order = sorted(kinds, key=lambda name: list(first).index(name) if name in first else len(first))
    return {**columns, **{name: _common(kinds[name]) for name in order}}


def _kind_of(value: Any) -> str:
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, int):
        return "count" if -(2**63) <= value < 2**63 else "json"
    if isinstance(value, float | str):
        return "number" if isinstance(value, float) else "text"
    return "texts" if isinstance(value, list) and all(isinstance(each, str) for each in value) else "json"


def _common(kinds: set[str]) -> str:
    if len(kinds) <= 1:
        return next(iter(kinds), "text")
    return "number" if kinds == {"count", "number"} else "json"


def _write_json_lines(path: Path, rows: Rows, _columns: Mapping[str, str]) -> None:
    with path.open("w", encoding="utf-8", errors=ESCAPED) as file:
        for row in rows:
            file.write(json.dumps({name: plain(value) for name, value in row.items()}, ensure_ascii=False) + "\n")


def _write_csv(path: Path, rows: Rows, columns: Mapping[str, str]) -> None:
    columns = with_kept(rows, columns)
    with path.open("w", encoding="utf-8", errors=ESCAPED, newline="") as file:
        table = csv.DictWriter(file, list(columns), extrasaction="ignore")
        table.writeheader()
        for row in rows:
            table.writerow({name: _cell(row.get(name)) for name in columns})


def _cell(value: Any) -> Any:
    return json.dumps(plain(value), ensure_ascii=False) if isinstance(value, np.ndarray | list | dict) else value


def _write_parquet(path: Path, rows: Rows, columns: Mapping[str, str]) -> None:
    import pyarrow as pa  # late: takes a second to import
    from pyarrow import parquet

    columns, rest = with_kept(rows, columns), iter(rows)
    schema = pa.schema([(name, KINDS[kind]()) for name, kind in columns.items()])
    with parquet.ParquetWriter(path, schema) as writer:
        while some := list(islice(rest, ROWS_AT_ONCE)):
            values = [{name: _typed(row.get(name), kind) for name, kind in columns.items()} for row in some]
            writer.write_table(pa.Table.from_pylist(values, schema=schema))


def _typed(value: Any, kind: str) -> Any:
    """A value as a column of this kind holds it; surrogates, which UTF-8 has not, are escaped."""
    if kind == "json" and value is not None:
        value = json.dumps(plain(value), ensure_ascii=False)
    if isinstance(value, list):
        return [_typed(each, "") for each in value]
    return value.encode(errors=ESCAPED).decode() if isinstance(value, str) else plain(value)


def _write_arrays(path: Path, rows: Rows, columns: Mapping[str, str]) -> None:
    """Columns as numpy arrays of one .npz, shares as `[N, names]` beside their names; rows that failed are left out."""
    good = [row for row in rows if "error" not in row]
    columns, arrays = with_kept(good, columns), dict[str, Any]()
    for name in (name for name in columns if good and all(row.get(name) is not None for row in good)):
        values = [row[name] for row in good]
        if columns[name] == "shares":
            arrays[f"{name}_names"] = np.array(list(values[0]))
            values = [list(each.values()) for each in values]
        elif columns[name] in ("json", "texts"):
            values = [json.dumps(each, ensure_ascii=False) for each in values]
        shapes = {np.shape(each) for each in values}
        if len(shapes) > 1:
            raise ResultsError(f"the values of {name!r} differ in shape, {sorted(shapes)}: write .jsonl or .parquet")
        arrays[name] = np.array(values)
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


FORMATS: dict[str, Callable[[Path, Rows, Mapping[str, str]], None]] = {
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
    "flag": _kind(lambda pa: pa.bool_()),
    "texts": _kind(lambda pa: pa.list_(pa.string())),
    "json": _kind(lambda pa: pa.string()),
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
