"""From a benchmark's published files to the file that its evaluation takes, by one command each.

What the evaluations demand is written from their descriptions: COCO's loads a list of `image_id` and `caption`, refuses
ids that are not in its annotations, and scores one caption an image; VQA's refuses results whose question ids are not
exactly those of its questions.
"""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from sightline import cli
from sightline.vlm.data.digit_scenes import sample_scenes
from sightline.vlm.evals import vqa

IDS = (42, 73, 391895)


def run(*arguments: str | Path) -> int:
    try:
        cli.main([str(each) for each in arguments])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def scenes(folder: Path, split: str = "val2014") -> Path:
    """Pictures as COCO names them."""
    (folder / split).mkdir(parents=True)
    for number, scene in zip(IDS, sample_scenes(len(IDS), 5, "held-out"), strict=True):
        scene.image.save(folder / split / f"COCO_{split}_{number:012d}.jpg", quality=98)
    return folder


def coco(folder: Path) -> Path:
    """The captions file of COCO, five captions an image."""
    images = [{"id": each, "file_name": f"COCO_val2014_{each:012d}.jpg", "width": 64, "height": 64} for each in IDS]
    said = [{"image_id": each, "id": each * 10 + at, "caption": f"a red {at}"} for each in IDS for at in range(5)]
    (folder / "annotations").mkdir(exist_ok=True)
    path = folder / "annotations" / "captions_val2014.json"
    path.write_text(json.dumps({"info": {}, "licenses": [], "images": images, "annotations": said}))
    return path


def questions(folder: Path) -> Path:
    """The questions file of VQAv2."""
    asked = [
        {"image_id": each, "question": text, "question_id": each * 1000 + at}
        for each in IDS
        for at, text in enumerate(["How many digits are there?", "Is there a two?"])
    ]
    path = folder / "v2_OpenEnded_mscoco_val2014_questions.json"
    task = {"task_type": "Open-Ended", "data_type": "mscoco", "data_subtype": "val2014"}
    path.write_text(json.dumps({**task, "questions": asked}))
    return path


def check_captions(results: Any, annotations: Any) -> None:
    """The demands of COCO's evaluation of captions."""
    assert type(results) is list
    assert all(each.keys() == {"image_id", "caption"} for each in results)
    assert all(isinstance(each["image_id"], int) and isinstance(each["caption"], str) for each in results)
    ids = [each["image_id"] for each in results]
    assert set(ids) <= {each["id"] for each in annotations["images"]}
    assert len(ids) == len(set(ids))
    assert set(ids) == {each["image_id"] for each in annotations["annotations"]}


def check_answers(results: Any, asked: Any) -> None:
    """The demands of VQA's evaluation."""
    assert type(results) is list
    assert all(each.keys() == {"question_id", "answer"} for each in results)
    assert all(isinstance(each["question_id"], int) and isinstance(each["answer"], str) for each in results)
    ids = [each["question_id"] for each in results]
    assert set(ids) == {each["question_id"] for each in asked["questions"]}
    assert len(ids) == len(set(ids))


def test_a_coco_submission_is_one_command(tmp_path: Path) -> None:
    path = coco(scenes(tmp_path))
    assert run("caption", path, "--out", tmp_path / "results.json", "--as", "coco") == 0
    results = json.loads((tmp_path / "results.json").read_text())
    check_captions(results, json.loads(path.read_text()))
    assert [each["image_id"] for each in results] == list(IDS)


def test_ids_are_read_from_columns_in_capitals(tmp_path: Path) -> None:
    Image.new("RGB", (64, 64)).save(tmp_path / "a.png")
    (tmp_path / "rows.csv").write_text("Image;Question_ID;Question\na.png;7;how many ?\n")
    assert run("ask", tmp_path / "rows.csv", "--out", tmp_path / "results.json", "--as", "vqa") == 0
    (answer,) = json.loads((tmp_path / "results.json").read_text())
    assert answer["question_id"] == 7


def test_a_query_called_0_is_one(tmp_path: Path) -> None:
    Image.new("RGB", (64, 64)).save(tmp_path / "a.png")
    (tmp_path / "rows.jsonl").write_text('{"image": "a.png", "text": "a red three", "QUERY_ID": 0, "image_id": 5}\n')
    assert run("match", tmp_path / "rows.jsonl", "--out", tmp_path / "run.txt", "--as", "trec") == 0
    assert (tmp_path / "run.txt").read_text().startswith("0 Q0 5 1 ")


def test_a_vqa_submission_is_one_command(tmp_path: Path) -> None:
    path = questions(scenes(tmp_path / "images"))
    assert run("ask", path, "--images", tmp_path / "images", "--out", tmp_path / "results.json", "--as", "vqa") == 0
    results, asked = json.loads((tmp_path / "results.json").read_text()), json.loads(path.read_text())
    check_answers(results, asked)
    kinds = {"question_type": "how many", "answer_type": "other"}
    people = [
        {"question_id": each["question_id"], **kinds, "answers": [{"answer": each["answer"]}] * 10} for each in results
    ]
    assert vqa.score(results, {"annotations": people})["overall"] == pytest.approx(100.0)


def test_the_files_may_stay_packed_as_they_were_downloaded(tmp_path: Path) -> None:
    scenes(tmp_path / "images")
    path = questions(tmp_path)
    with zipfile.ZipFile(tmp_path / "v2_Questions_Val_mscoco.zip", "w") as archive:
        archive.write(path, path.name)
    with zipfile.ZipFile(tmp_path / "val2014.zip", "w") as archive:
        for each in sorted((tmp_path / "images" / "val2014").iterdir()):
            archive.write(each, f"val2014/{each.name}")
    out = tmp_path / "results.json"
    packed = tmp_path / "v2_Questions_Val_mscoco.zip"
    assert run("ask", packed, "--images", tmp_path / "val2014.zip", "--out", out, "--as", "vqa") == 0
    check_answers(json.loads(out.read_text()), json.loads(path.read_text()))


def test_a_run_of_matches_is_ordered_by_query(tmp_path: Path) -> None:
    scenes(tmp_path)
    out = tmp_path / "matches.run"
    assert run("match", tmp_path / "val2014", "a red three", "two digits", "--out", out, "--as", "trec") == 0
    lines = [line.split(" ") for line in out.read_text().splitlines()]
    assert [(line[0], line[3]) for line in lines] == [(q, str(rank)) for q in "12" for rank in (1, 2, 3)]
    assert all(len(line) == 6 and line[1] == "Q0" for line in lines)
    for query in "12":
        scores = [float(line[4]) for line in lines if line[0] == query]
        assert scores == sorted(scores, reverse=True)


def columns(folder: Path, **more: Any) -> Path:
    """A table whose rows say more than is asked."""
    path = folder / "rows.jsonl"
    name = f"val2014/COCO_val2014_{IDS[0]:012d}.jpg"
    row = {"file_name": name, "question": "how many digits are there ?", "question_id": 7, "answer": "two", **more}
    path.write_text(json.dumps(row) + "\n")
    return path


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
def test_every_column_of_a_table_is_kept(tmp_path: Path, suffix: str) -> None:
    path = columns(scenes(tmp_path), tags=["a", "b"], weight=0.5, nested={"x": 1}, none=None)
    out = tmp_path / f"answers.{suffix}"
    assert run("ask", path, "--out", out) == 0
    if suffix == "parquet":
        from pyarrow import parquet

        (row,) = parquet.read_table(out).to_pylist()
    elif suffix == "csv":
        import csv

        with out.open(newline="") as file:
            (row,) = csv.DictReader(file)
    else:
        row = json.loads(out.read_text())
    plain = suffix != "jsonl"
    assert str(row["question_id"]) == "7"
    assert row["file_name"].startswith("val2014/COCO")
    assert row["given_answer"] == "two"
    assert float(row["weight"]) == 0.5
    assert (json.loads(row["nested"]) if plain else row["nested"]) == {"x": 1}
    assert (json.loads(row["tags"]) if suffix == "csv" else row["tags"]) == ["a", "b"]
    assert row["answer"]


def test_failed_rows_keep_their_columns_and_are_no_results(tmp_path: Path) -> None:
    path = columns(scenes(tmp_path))
    lost = {"file_name": "lost.jpg", "question": "which ?", "question_id": 8}
    path.write_text(path.read_text() + json.dumps(lost) + "\n")
    assert run("ask", path, "--out", tmp_path / "rows.csv") == 1
    assert "lost.jpg" in (tmp_path / "rows.csv").read_text()
    assert run("ask", path, "--out", tmp_path / "results.json", "--as", "vqa") == 1
    assert [each["question_id"] for each in json.loads((tmp_path / "results.json").read_text())] == [7]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda at: ("caption", at / "val2014", "--out", at / "x.csv", "--as", "coco"), "must end in .json"),
        (lambda at: ("caption", at / "val2014", "--out", at / "x.json", "--as", "vqa"), "does not write"),
        (lambda at: ("caption", at / "val2014", "--out", at / "x.json", "--as", "cocoa"), "published ones are coco"),
        (lambda at: ("caption", at / "val2014", "--as", "coco"), "give its name with --out"),
        (lambda at: ("ask", at / "val2014", "what ?", "--out", at / "x.json", "--as", "vqa"), "a column question_id"),
        (lambda at: ("ask", at / "gone.json", "--images", at / "none"), "gone.json"),
    ],
)
def test_a_format_that_does_not_fit_is_refused_before_anything_runs(
    tmp_path: Path, call: Callable[[Path], tuple[Any, ...]], words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    scenes(tmp_path)
    assert run(*call(tmp_path)) == 2
    assert words in capfd.readouterr().err


def test_an_unfinished_table_is_not_continued_by_other_weights(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    import torch

    from sightline.vlm import load

    path = scenes(tmp_path) / "val2014"
    (path / "broken.jpg").write_bytes(b"nothing")
    model = load("sightline-tiny")
    model.save(tmp_path / "model")
    call = ("caption", path, "--model", tmp_path / "model", "--out", tmp_path / "captions.jsonl")
    assert run(*call) == 1
    with torch.no_grad():
        model.model.language.model.lm_head.weight.add_(0.01)  # type: ignore[union-attr,operator]
    model.save(tmp_path / "model")
    capfd.readouterr()
    assert run(*call) == 2
    assert "other settings (weights)" in capfd.readouterr().err


def test_a_folder_says_what_it_left_out_and_rows_are_counted(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = scenes(tmp_path) / "val2014"
    for name in ("notes.txt", "more.txt", "film.mp4", "none"):
        (path / name).write_text("words")
    Image.new("RGB", (8, 8)).save(path / "phone.jfif", "JPEG")
    assert run("ask", path, "how many digits are there ?", "is there a cat ?", "--out", tmp_path / "rows.jsonl") == 0
    told = capfd.readouterr().err
    assert "left out what is no image (2 .txt, 1 .mp4, 1 without an ending)" in told
    assert "answers: 8 rows of 4 items in" in told
    assert "sightline-tiny does not know 'cat'" in told
