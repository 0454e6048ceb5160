"""Result files in the formats that benchmarks publish: COCO captions, VQAv2, and runs as TREC's retrieval tracks have.

    coco    [{"image_id": 42, "caption": "a dog"}, …]               a caption an image
    vqa     [{"question_id": 420, "answer": "two"}, …]              an answer a question
    trec    qid Q0 docid rank score tag                             a line a text and image, best first

Ids come from the columns `image_id` and `question_id`; an image's also from the number that ends its file's name, as
COCO's do. Rows that failed are left out.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from sightline.vlm.bulk.rows import ResultsError, Row, Rows

_NUMBER = re.compile(r"(\d+)\D*$")
"""The last number of a file's stem: COCO_val2014_000000391895."""
TAG = "sightline"
"""What a TREC run is called in its lines."""


@dataclass(frozen=True)
class Form:
    """One published format."""

    needs: str
    """The task's column that it publishes."""
    id_of: Callable[[Row], Any]
    """What a row is published under; none where it has no id."""
    write: Callable[[Path, Rows], None]
    asks: str
    """Which column an item must have, in words."""


def check_form(out: Path, columns: Mapping[str, str], form: str) -> None:
    """Raises `ResultsError` for a form that is unknown, or does not fit a task's columns."""
    if form not in FORMS:
        raise ResultsError(f"unknown format {form!r}: the published ones are {', '.join(FORMS)}")
    if FORMS[form].needs not in columns:
        raise ResultsError(f"{form} results hold a column {FORMS[form].needs!r}, which this command does not write")
    if form != "trec" and out.suffix.lower() != ".json":
        raise ResultsError(f"cannot write {out}: {form} results are one JSON list, its name must end in .json")


def check_ids(form: str, rows: Rows) -> None:
    """Raises `ResultsError` for the first item, given as its fields, that has no id to be published under."""
    for row in rows:
        if FORMS[form].id_of(row) is None:
            raise ResultsError(f"{row.get('image') or 'an item'} has no id: {form} results need {FORMS[form].asks}")


def image_id(row: Row) -> Any:
    """A row's image id: its column, else the number that ends the image's name."""
    if (given := _given(row, "image_id", "cocoid")) is not None:
        return _id(given)
    found = _NUMBER.search(PurePosixPath(str(row.get("image") or "")).stem)
    return int(found[1]) if found else None


def _question_id(row: Row) -> Any:
    given = _given(row, "question_id")
    return None if given is None else _id(given)


def _given(row: Row, *names: str) -> Any:
    """The first of a row's columns by these names, in capitals or not; none where all are empty."""
    plain = {column.strip().lower(): value for column, value in row.items()}
    return next((plain[name] for name in names if plain.get(name) not in (None, "")), None)


def _id(value: Any) -> Any:
    """Whole numbers as numbers, also where a table has them as text or, beside empty cells, with a fraction."""
    text = str(value).removesuffix(".0")
    return int(text) if re.fullmatch(r"-?\d+", text) else value


def _write_list(path: Path, rows: Rows, form: Form, names: tuple[str, str]) -> None:
    told: dict[Any, str] = {}
    for row in rows:
        if "error" in row:
            continue
        key, value = form.id_of(row), " ".join(row[form.needs].split())  # a line's end shifts what scorers read
        if key is None:
            raise ResultsError(f"{row.get('image')} has no id: {names[0]} is needed, {form.asks}")
        if told.setdefault(key, value) != value:
            raise ResultsError(f"{names[0]} {key} has two results, {told[key]!r} and {value!r}: one is published")
    body = [{names[0]: key, names[1]: value} for key, value in told.items()]
    path.write_text(json.dumps(body, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_captions(path: Path, rows: Rows) -> None:
    _write_list(path, rows, FORMS["coco"], ("image_id", "caption"))


def _write_answers(path: Path, rows: Rows) -> None:
    _write_list(path, rows, FORMS["vqa"], ("question_id", "answer"))


def _write_matches(path: Path, rows: Rows) -> None:
    """Texts are queries, by `query_id` or in their order; images are documents, the most probable match first."""
    queries: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for row in rows:
        if "error" not in row:
            name, query = _given(row, "image_id"), _given(row, "query_id")
            name = row["image"] if name is None else _id(name)
            queries[str(row["text"] if query is None else query)].append((str(name), row["itm"]))
    lines = run_lines((key if len(key.split()) == 1 else str(at), found) for at, (key, found) in _numbered(queries))
    path.write_text("".join(lines), encoding="utf-8")


def _numbered(queries: Mapping[str, list[tuple[str, float]]]) -> Any:
    return enumerate(queries.items(), 1)


def run_lines(queries: Any) -> Any:
    """Lines of a TREC run from pairs of a query's id and its scored documents, in any order."""
    for query, found in queries:
        for rank, (name, score) in enumerate(sorted(found, key=lambda each: -each[1]), 1):
            yield f"{quote(query, safe='/:.,_-')} Q0 {quote(name, safe='/:.,_-')} {rank} {score:.6f} {TAG}\n"


FORMS = {
    "coco": Form("caption", image_id, _write_captions, "a column image_id, or file names that end in a number"),
    "vqa": Form("answer", _question_id, _write_answers, "a column question_id"),
    "trec": Form("itm", lambda row: row.get("image"), _write_matches, "an image"),
}
"""What `--as` takes."""
