"""Odd tables, made from nothing: how people and benchmarks write images and questions down, and what is no table."""

import base64
import csv
import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.odd_pictures import saved


@dataclass(frozen=True)
class Table:
    """An odd table: `rows` images with a question each, or refused in words that `why` is a part of."""

    name: str
    make: Callable[[bytes], bytes]
    """From the bytes of a picture that lies beside it as photo.png."""
    rows: int = 2
    why: str = ""


ROWS = [{"image": "photo.png", "question": "how many ?"}, {"image": "photo.png", "question": "which ?"}]


def _csv(mark: str = ",", header: tuple[str, str] = ("image", "question"), **options: Any) -> str:
    body = io.StringIO()
    table = csv.writer(body, delimiter=mark, lineterminator=options.pop("ends", "\n"), **options)
    table.writerow(header)
    table.writerows([row["image"], row["question"]] for row in ROWS)
    return body.getvalue()


def _lines(rows: list[Any] = ROWS) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _parquet(rows: list[dict[str, Any]]) -> bytes:
    import pyarrow as pa  # late: takes a second to import
    from pyarrow import parquet

    body = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(rows), body)
    return body.getvalue()


def _tar(files: dict[str, bytes], mode: str = "w") -> bytes:
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return body.getvalue()


def _zip(files: dict[str, bytes]) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return body.getvalue()


def _b64(picture: bytes) -> str:
    return base64.b64encode(picture).decode()


def tables() -> Iterator[Table]:
    """All of them."""
    yield from _separated_tables()
    yield from _json_tables()
    yield from _binary_tables()
    yield from _refused_tables()


def _separated_tables() -> Iterator[Table]:
    for name, mark in (("comma", ","), ("semicolon", ";"), ("tab", "\t"), ("bar", "|")):
        yield Table(f"{name}.csv", lambda _, m=mark: _csv(m).encode())
    yield Table("tab.tsv", lambda _: _csv("\t").encode())
    yield Table("comma.tsv", lambda _: _csv(",").encode())
    yield Table("excel.csv", lambda _: ("sep=;\r\n" + _csv(";", ends="\r\n")).encode("utf-8-sig"))
    yield Table("bom.csv", lambda _: _csv().encode("utf-8-sig"))
    yield Table("utf-16.csv", lambda _: _csv().encode("utf-16"))
    yield Table("utf-16-le.csv", lambda _: _csv().encode("utf-16-le"))
    yield Table("utf-16-be.tsv", lambda _: _csv("\t").encode("utf-16-be"))
    yield Table("crlf.csv", lambda _: _csv(ends="\r\n").encode())
    yield Table("quoted.csv", lambda _: _csv(quoting=csv.QUOTE_ALL).encode())
    yield Table("capitals.csv", lambda _: _csv(header=("Image", "QUESTION")).encode())
    yield Table("spaced.csv", lambda _: _csv(header=(" image ", " question")).encode())
    yield Table("named.csv", lambda _: _csv(header=("Image_Path", "Query")).encode())
    yield Table("packed.csv.gz", lambda _: gzip.compress(_csv().encode()))
    yield Table("packed.tsv.gz", lambda _: gzip.compress(_csv("\t").encode()))
    yield Table(
        "base64.tsv", lambda p: f"index\timage\tquestion\n0\t{_b64(p)}\thow many ?\n1\t{_b64(p)}\twhich ?\n".encode()
    )
    yield Table("uri.csv", lambda p: f'image,question\n"data:image/png;base64,{_b64(p)}",how many ?\n'.encode(), 1)
    noisy = np.random.default_rng(0).integers(0, 255, (300, 300, 3), dtype=np.uint8)
    large = lambda _: f"image\tquestion\n{_b64(saved(Image.fromarray(noisy), 'PNG'))}\twhat ?\n".encode()
    yield Table("large-cells.tsv", large, 1)
    yield Table("surplus.csv", lambda _: b"image,question\nphoto.png,how many ?,more,cells\n", 1)
    yield Table("short.csv", lambda _: b"image,question,answer\nphoto.png,how many ?\n", 1)
    yield Table("lines-in-cells.csv", lambda _: b'image,question\nphoto.png,"how\nmany ?"\n', 1)
    yield Table("no-end.csv", lambda _: _csv().strip().encode())
    yield Table("blank-lines.csv", lambda _: _csv().replace("\n", "\n\n").encode())


def _json_tables() -> Iterator[Table]:
    yield Table("plain.jsonl", lambda _: _lines())
    yield Table("plain.ndjson", lambda _: _lines())
    yield Table("bom.jsonl", lambda _: b"\xef\xbb\xbf" + _lines())
    yield Table("utf-16.jsonl", lambda _: _lines().decode().encode("utf-16"))
    yield Table("packed.jsonl.gz", lambda _: gzip.compress(_lines()))
    yield Table("packed.json.gz", lambda _: gzip.compress(_json(ROWS)))
    yield Table("base64.jsonl", lambda p: _lines([{"image": _b64(p), "question": "what ?"}]), 1)
    yield Table(
        "bytes.jsonl", lambda p: _lines([{"image": {"bytes": _b64(p), "path": "a.png"}, "question": "what ?"}]), 1
    )
    yield Table("several.jsonl", lambda _: _lines([{"images": ["photo.png", "photo.png"], "question": "what ?"}]), 2)
    yield Table("list.json", lambda _: _json(ROWS))
    yield Table("data.json", lambda _: _json({"version": 1, "data": ROWS}))
    lavis = [{"image": "photo.png", "question": each["question"], "question_id": at} for at, each in enumerate(ROWS)]
    yield Table("lavis.json", lambda _: _json(lavis))
    asked = [{"image_id": 7, "question": each["question"], "question_id": at} for at, each in enumerate(ROWS)]
    yield Table("vqav2.json", lambda _: _json({"questions": asked, "data_subtype": "val2014"}))
    gqa = {"05": {"imageId": "photo", "question": "what ?"}, "06": {"imageId": "photo", "question": "which ?"}}
    yield Table("gqa.json", lambda _: _json(gqa), 2)
    images = [{"id": 7, "file_name": "photo.png", "question": "what ?"}]
    said = [{"image_id": 7, "id": at, "caption": "a red one"} for at in range(5)]
    yield Table("coco.json", lambda _: _json({"images": images, "annotations": said}), 1)
    split = [{"filename": "photo.png", "cocoid": 7, "question": "what ?", "sentences": [{"raw": "a red one"}]}]
    yield Table("karpathy.json", lambda _: _json({"images": split, "dataset": "flickr30k"}), 1)


def _binary_tables() -> Iterator[Table]:
    yield Table("plain.parquet", lambda _: _parquet(ROWS))
    struct_of = lambda p: {"bytes": p, "path": None}
    yield Table("struct.parquet", lambda p: _parquet([{"image": struct_of(p), "question": "what ?"}] * 2))
    yield Table("bytes.parquet", lambda p: _parquet([{"image": p, "question": "what ?"}] * 2))
    yield Table("lists.parquet", lambda p: _parquet([{"images": [struct_of(p)] * 2, "question": "what ?"}]))
    yield Table(
        "dates.parquet", lambda _: _parquet([{**row, "n": at, "x": [1.5, None]} for at, row in enumerate(ROWS)])
    )
    shard = lambda p: {"000.png": p, "000.question": b"what ?", "001.png": p, "001.json": b'{"question": "what ?"}'}
    yield Table("shard.tar", lambda p: _tar(shard(p)))
    yield Table("shard.tar.gz", lambda p: _tar(shard(p), "w:gz"))
    yield Table("shard.tgz", lambda p: _tar(shard(p), "w:gz"))
    yield Table("photos.zip", lambda p: _zip(shard(p)))
    yield Table("mac.zip", lambda p: _zip({**shard(p), "__MACOSX/._000.png": b"x", ".DS_Store": b"x"}))
    yield Table("questions.zip", lambda _: _zip({"v2/questions.json": _json(ROWS)}))
    yield Table("rows.zip", lambda _: _zip({"rows.csv": _csv().encode()}))


def _refused_tables() -> Iterator[Table]:
    yield Table("empty.csv", lambda _: b"", 0, "nothing to work on")
    yield Table("header.csv", lambda _: b"image,question\n", 0, "nothing to work on")
    yield Table("latin.csv", lambda _: "image,question\nphoto.png,où ?\n".encode("latin-1"), 0, "save it as UTF-8")
    yield Table("columns.csv", lambda _: b"picture,question\nphoto.png,what ?\n", 0, "say which with --column")
    yield Table("open-quote.csv", lambda _: b'image,question\n"photo.png,what ?\n', 0, "cannot be read as a table")
    yield Table("broken.jsonl", lambda _: _lines()[:-9], 0, "line 2 is not JSON")
    yield Table("broken.json", lambda _: b'[{"image": ', 0, "is not JSON")
    yield Table("number.json", lambda _: b"7", 0, "expected a list of rows")
    yield Table(
        "answers.json", lambda _: _json({"annotations": [{"question_id": 1, "answers": []}]}), 0, "its questions"
    )
    yield Table("broken.parquet", lambda _: b"PAR1" + b"\0" * 40, 0, "cannot be read as parquet")
    yield Table("broken.zip", lambda p: _zip({"a.png": p})[:-30], 0, "cannot read")
    yield Table("broken.tar", lambda _: b"nothing of a tar" * 50, 0, "cannot read")
    yield Table("broken.csv.gz", lambda _: gzip.compress(_csv().encode())[:-12], 0, "cannot read")
    yield Table("words.zip", lambda _: _zip({"a.md": b"words"}), 0, "holds no images")
    yield Table("two.zip", lambda _: _zip({"a.csv": b"a", "b.csv": b"b"}), 0, "2 tables")
