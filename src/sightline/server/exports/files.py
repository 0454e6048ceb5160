"""Writers of JSON, JSON Lines, CSV and Parquet files, a page of rows at a time (bounded memory)."""

import csv
import gzip
import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import orjson

from sightline.server.exports.columns import Column
from sightline.server.exports.records import FileType

Row = Mapping[str, Any]


class RowFile(Protocol):
    def write(self, rows: Sequence[Row]) -> None: ...

    def close(self) -> None:
        """Write the end of the file and close it."""
        ...


def ending(file_type: FileType, *, compressed: bool) -> str:
    """Of a file's name. Parquet compresses by itself."""
    return f".{file_type.lower()}{'.gz' if compressed and file_type != 'PARQUET' else ''}"


def row_file(path: Path, columns: Sequence[Column], file_type: FileType, *, compressed: bool) -> RowFile:
    if file_type == "PARQUET":
        return Parquet(path, columns)
    return _TEXTS[file_type](path, columns, compressed)


class _Text:
    """What the three types of text have in common."""

    def __init__(self, path: Path, columns: Sequence[Column], compressed: bool) -> None:
        # No mtime in gzip's header: equal content gives equal bytes (deterministic).
        self._file = gzip.GzipFile(path, "wb", mtime=0) if compressed else path.open("wb")
        self._columns = columns
        self._any = False
        self.begin()

    def begin(self) -> None: ...

    def line(self, row: Row) -> bytes:
        raise NotImplementedError

    def end(self) -> None: ...

    def write(self, rows: Sequence[Row]) -> None:
        for row in rows:
            self._file.write(self.line(row))
            self._any = True

    def close(self) -> None:
        self.end()
        self._file.close()


class JsonLines(_Text):
    def line(self, row: Row) -> bytes:
        return _json(row) + b"\n"


class JsonArray(_Text):
    def begin(self) -> None:
        self._file.write(b"[")

    def line(self, row: Row) -> bytes:
        return (b",\n" if self._any else b"\n") + _json(row)

    def end(self) -> None:
        self._file.write(b"\n]\n")


class Csv(_Text):
    """With a header; JSON as text, times as ISO-8601."""

    def begin(self) -> None:
        self._file.write(_csv([column.name for column in self._columns]))

    def line(self, row: Row) -> bytes:
        return _csv([_cell(row[column.name]) for column in self._columns])


class Parquet:
    """Columns with types; JSON as text."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        # pyarrow takes a quarter of a second to import: only this type needs it.
        import pyarrow
        import pyarrow.parquet

        types = {
            "text": pyarrow.string(),
            "time": pyarrow.timestamp("us", tz="UTC"),
            "number": pyarrow.float64(),
            "whole": pyarrow.int64(),
            "truth": pyarrow.bool_(),
            "json": pyarrow.string(),
        }
        self._columns = columns
        self._schema = pyarrow.schema([(column.name, types[column.kind]) for column in columns])
        self._table = pyarrow.Table
        self._writer = pyarrow.parquet.ParquetWriter(path, self._schema, compression="zstd")

    def write(self, rows: Sequence[Row]) -> None:
        texts = {column.name for column in self._columns if column.kind == "json"}
        plain = [{name: _cell(value) if name in texts else value for name, value in row.items()} for row in rows]
        self._writer.write_table(self._table.from_pylist(plain, schema=self._schema))

    def close(self) -> None:
        self._writer.close()


_TEXTS: Mapping[FileType, type[_Text]] = {"JSON": JsonArray, "JSONL": JsonLines, "CSV": Csv}


def _json(value: Any) -> bytes:
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z)


def _cell(value: Any) -> Any:
    if isinstance(value, dict | list):
        return _json(value).decode()
    return value.isoformat() if isinstance(value, datetime) else value


def _csv(cells: Sequence[Any]) -> bytes:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue().encode()
