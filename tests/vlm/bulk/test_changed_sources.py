"""Sources that change between two runs, overlap, or hold odd rows: no item twice, none lost, none mixed up."""

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from random_models import checkpoint, opt

from sightline.vlm import bulk
from sightline.vlm.bulk import IndexProblem, Manner, ResultsError, SourceError, create_index, gather, open_index, run
from sightline.vlm.loaded import Loaded

IMAGES = 4


@pytest.fixture(scope="module")
def model() -> Loaded:
    return Loaded(checkpoint(opt(), seed=3))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Images at two depths beside each other's folder."""
    folder = tmp_path / "photos"
    (folder / "deep").mkdir(parents=True)
    for seed in range(IMAGES):
        pixels = np.random.default_rng(seed).integers(0, 255, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / ("deep" if seed == IMAGES - 1 else ".") / f"{seed}.png")
    return folder


def write(table: Path, rows: list[dict[str, Any]]) -> Path:
    table.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return table


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().split("\n") if line]


def test_a_row_put_before_the_others_is_the_only_new_one_of_an_index(
    model: Loaded, photos: Path, tmp_path: Path
) -> None:
    rows = [{"image": f"photos/{at}.png"} for at in (1, 2, 1)]
    index = create_index(model, tmp_path / "index")
    assert index.add(gather(write(tmp_path / "rows.jsonl", rows))).total == 3
    edited = gather(write(tmp_path / "rows.jsonl", [{"image": "photos/0.png", "caption": "new"}, *rows]))
    assert create_index(model, tmp_path / "index").add(edited).resumed == 3
    expected = [str(photos / f"{at}.png") for at in (1, 2, 0)]
    assert open_index(tmp_path / "index", model).names == expected
    assert [line["key"] for line in lines(tmp_path / "index" / "items.jsonl")] == expected


def test_an_edited_table_is_taken_up_row_by_row(model: Loaded, photos: Path, tmp_path: Path) -> None:
    rows = [{"image": f"photos/{name}.png", "question": "how many"} for name in ("1", "missing", "2")]
    table, out = tmp_path / "rows.jsonl", tmp_path / "answers.jsonl"
    assert run(bulk.Answers(model=model), gather(write(table, rows)), Manner(out=out)).failed == 1
    rows[1:2] = []
    rows[1]["question"] = "red ?"
    rows.insert(0, {"image": "photos/0.png", "question": "how many"})
    outcome = run(bulk.Answers(model=model), gather(write(table, rows)), Manner(out=out))
    assert (outcome.total, outcome.resumed, outcome.failed) == (3, 1, 0)
    run(bulk.Answers(model=model), gather(table), Manner(out=tmp_path / "whole.jsonl"))
    assert [(row["image"], row["question"], row["answer"]) for row in lines(out)] == [
        (row["image"], row["question"], row["answer"]) for row in lines(tmp_path / "whole.jsonl")
    ]
    assert not (tmp_path / "answers.jsonl.journal").exists()


def test_equal_rows_are_items_of_their_own(model: Loaded, photos: Path, tmp_path: Path) -> None:
    items = gather(write(tmp_path / "rows.jsonl", [{"image": "photos/1.png"}] * 2))
    assert len({item.key for item in items}) == 2
    run(bulk.Captions(model=model), items, Manner(out=tmp_path / "out.jsonl"))
    assert len(lines(tmp_path / "out.jsonl")) == 2


def test_a_journal_of_other_images_is_refused(model: Loaded, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    assert run(bulk.Captions(model=model), gather(photos, tmp_path / "missing.png"), Manner(out=out)).failed == 1
    before = out.read_bytes()
    other = Image.new("RGB", (32, 32), "red")
    other.save(tmp_path / "other.png")
    with pytest.raises(ResultsError, match="unfinished job over other images"):
        run(bulk.Captions(model=model), gather(tmp_path / "other.png"), Manner(out=out))
    assert out.read_bytes() == before


@pytest.mark.parametrize("name", ["items.jsonl", "vectors.f16"])
def test_no_index_is_made_over_files_of_somebody_else(model: Loaded, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text('{"mine": 1}\n')
    with pytest.raises(IndexProblem, match=f"holds {name} already, but no index"):
        create_index(model, tmp_path)
    assert (tmp_path / name).read_text() == '{"mine": 1}\n'


def test_what_several_sources_name_is_there_once(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    every = [str(photos / name) for name in ("0.png", "1.png", "2.png", "deep/3.png")]
    (photos / "deep" / "empty").mkdir()
    for sources in ((f"{photos}/**",), (photos, photos), (photos, f"{photos}/*.png", photos / "deep")):
        items = gather(*sources)
        assert [item.name for item in items] == every
        assert len(items) == IMAGES
    monkeypatch.chdir(photos.parent)
    (photos.parent / "link").symlink_to(photos)
    items = gather("photos", photos, "link")
    assert [item.name for item in items] == [f"photos/{name}" for name in ("0.png", "1.png", "2.png", "deep/3.png")]
    assert [item.key for item in items] == every


def test_an_index_holds_an_image_once_and_works_from_anywhere(
    model: Loaded, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    create_index(model, "index").add(gather("photos"))
    assert create_index(model, "index").add(gather(photos)).resumed == IMAGES
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    hits = open_index(tmp_path / "index", model).search("a red one", rerank=2)
    assert len(hits) == IMAGES
    assert hits[0].itm is not None
    assert hits[0].name in {str(path) for path in photos.rglob("*.png")}


def test_an_index_of_the_first_format_opens_and_grows(
    model: Loaded, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    create_index(model, "index").add(gather("photos"))
    facts = json.loads((tmp_path / "index" / "index.json").read_text())
    (tmp_path / "index" / "index.json").write_text(json.dumps({**facts, "format": 1}))
    names = [("photos/0.png", "photos/0.png"), ("rows.jsonl#1", "photos/1.png")]
    write(tmp_path / "index" / "items.jsonl", [{"key": key, "name": name} for key, name in names])
    index = open_index("index", model)
    assert {hit.name for hit in index.search("a red one")} == {"photos/0.png", "photos/1.png"}
    assert index.add(gather("photos")).resumed == 2
    assert len(open_index("index", model)) == IMAGES


def test_bytes_in_a_row_are_base64_or_that_row_fails(model: Loaded, photos: Path, tmp_path: Path) -> None:
    body = base64.b64encode((photos / "0.png").read_bytes()).decode()
    images: list[Any] = [{"bytes": body}, {"bytes": "abc"}, {"bytes": 12}, {"bytes": [137, 80]}, 12]
    told = run(bulk.Captions(model=model), gather(write(tmp_path / "rows.jsonl", [{"image": each} for each in images])))
    assert told.rows[0]["caption"] == model.caption(photos / "0.png")[0].text
    assert ["error" in row for row in told.rows] == [False, True, True, True, True]
    assert "not valid base64" in told.rows[1]["error"]
    assert "an int is not an image" in told.rows[2]["error"]


def test_a_surplus_cell_does_not_hide_that_the_column_is_missing(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("image,question\na.png,how many,surplus\n")
    with pytest.raises(SourceError, match=r"rows.csv#1 has no column 'crop', but image, question: say which"):
        list(gather(tmp_path / "rows.csv", column="crop"))


@pytest.mark.parametrize("kind", ["jsonl", "csv", "txt"])
def test_only_line_feeds_end_a_line(tmp_path: Path, kind: str) -> None:
    odd = "first\u2028second\x0b\x85third"
    path = tmp_path / f"rows.{kind}"
    if kind == "jsonl":
        path.write_text(json.dumps({"image": "a.png", "text": odd}, ensure_ascii=False) + "\r\n", encoding="utf-8")
    elif kind == "csv":
        path.write_text(f'image,text\r\na.png,"{odd}\r\nfourth"\r\n', encoding="utf-8", newline="")
        odd += "\r\nfourth"
    else:
        path.write_text(f"{odd}.png\r\n", encoding="utf-8")
    (item,) = gather(path)
    if kind == "txt":
        assert item.name == str(tmp_path / f"{odd}.png")
    else:
        assert (item.name, item.fields) == (str(tmp_path / "a.png"), {"text": odd})
