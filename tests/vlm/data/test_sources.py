"""What a batch runs over is found in a fixed order, without reading an image, or refused in words."""

import io
import json
from pathlib import Path

import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from sightline.vlm.data.sources import SourceError, gather, of_lines


def png() -> bytes:
    body = io.BytesIO()
    Image.new("RGB", (4, 4), "red").save(body, "PNG")
    return body.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Images at two depths, a hidden one, and something else."""
    (tmp_path / "deep").mkdir()
    for name in ("b.png", "a.JPG", "deep/c.webp", ".hidden.png", "notes.md"):
        (tmp_path / name).write_bytes(png())
    return tmp_path


def names(*sources: str | Path) -> list[str]:
    return [item.name for item in gather(*map(str, sources))]


def test_a_folder_gives_its_images_at_any_depth_by_name(folder: Path) -> None:
    assert names(folder) == [str(folder / name) for name in ("a.JPG", "b.png", "deep/c.webp")]


def test_a_pattern_a_file_and_an_address_give_what_they_name(folder: Path) -> None:
    assert names(folder / "**" / "*.webp") == [str(folder / "deep/c.webp")]
    assert names(folder / "b.png", "https://example.org/x.png") == [str(folder / "b.png"), "https://example.org/x.png"]
    (folder / "odd[1].png").write_bytes(png())
    assert names(folder / "odd[1].png") == [str(folder / "odd[1].png")]


def test_a_list_gives_a_path_or_address_a_line(folder: Path) -> None:
    (folder / "list.txt").write_text("# chosen\nb.png\n\nhttps://example.org/x.png\n")
    assert names(folder / "list.txt") == [str(folder / "b.png"), "https://example.org/x.png"]
    assert [item.name for item in of_lines(["b.png\n"])] == ["b.png"]


@pytest.mark.parametrize("kind", ["jsonl", "csv", "tsv", "parquet"])
def test_a_table_gives_an_item_a_row_with_its_other_columns(folder: Path, kind: str) -> None:
    rows = [{"file": "a.JPG", "question": "how many"}, {"file": "https://example.org/x.png", "question": "red ?"}]
    path = folder / f"rows.{kind}"
    separator = "," if kind == "csv" else "\t"
    if kind == "parquet":
        parquet.write_table(pa.Table.from_pylist(rows), path)
    elif kind == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        path.write_text("\n".join(separator.join(line) for line in (rows[0].keys(), *(row.values() for row in rows))))
    items = gather(path)
    assert len(items) == 2
    assert [(item.place, item.name, item.fields) for item in items] == [
        (f"{path}#1", str(folder / "a.JPG"), {"question": "how many"}),
        (f"{path}#2", "https://example.org/x.png", {"question": "red ?"}),
    ]


def test_a_parquet_table_may_hold_the_images_themselves(folder: Path) -> None:
    path = folder / "rows.parquet"
    rows = [{"image": {"bytes": png(), "path": "a.png"}}, {"image": {"bytes": None, "path": "b.png"}}]
    parquet.write_table(pa.Table.from_pylist(rows), path)
    first, second = gather(path)
    assert (first.name, first.image) == ("a.png", png())
    assert second.image == str(folder / "b.png")


def test_the_column_of_the_image_can_be_named(folder: Path) -> None:
    (folder / "rows.jsonl").write_text(json.dumps({"image": "a.JPG", "crop": "b.png"}))
    (item,) = gather(folder / "rows.jsonl", column="crop")
    assert item.image == str(folder / "b.png")


def test_done_items_are_left_out(folder: Path) -> None:
    items = gather(folder)
    done = {str(folder / "b.png"), "something else"}
    assert [item.name for item in items.left(done)] == [str(folder / name) for name in ("a.JPG", "deep/c.webp")]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{}/nothing/*.png", "nothing matches"),
        ("{}/empty", "no images in"),
        ("{}/none.jsonl", "cannot read .*none.jsonl: No such file"),
        ("{}/none.parquet", "cannot be read as parquet"),
        ("{}/notes.csv", "cannot read .*notes.csv"),
        ("{}/bad.jsonl", "bad.jsonl, line 2 is not JSON"),
        ("{}/list.jsonl", "line 1 is a list: expected an object a line"),
        ("{}/columns.jsonl", "columns.jsonl#1 has none of the columns image, .* but picture: say which with --column"),
    ],
)
def test_what_cannot_be_worked_on_is_refused_in_words(folder: Path, source: str, words: str) -> None:
    (folder / "empty").mkdir()
    (folder / "notes.csv").write_bytes(b"\xff\xfe\x00")
    (folder / "bad.jsonl").write_text('{"image": "a.JPG"}\n{"image": \n')
    (folder / "list.jsonl").write_text("[1]\n")
    (folder / "columns.jsonl").write_text('{"picture": "a.JPG"}\n')
    with pytest.raises(SourceError, match=words):
        list(gather(source.replace("{}", str(folder))))
    with pytest.raises(SourceError, match="nothing to work on"):
        gather()
