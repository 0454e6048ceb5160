"""A task over many images: every item has its rows, failures stay with their item, an interruption loses nothing."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pyarrow import parquet
from random_models import checkpoint, opt

from sightline.vlm import bulk
from sightline.vlm.bulk import Manner, ResultsError, Row, gather, run
from sightline.vlm.config import SightlineVlmError
from sightline.vlm.loaded import InputError, Loaded

IMAGES = 7


@pytest.fixture(scope="module")
def model() -> Loaded:
    return Loaded(checkpoint(opt(), seed=3))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    for seed in range(IMAGES):
        pixels = np.random.default_rng(seed).integers(0, 255, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{seed}.png")
    return folder


class Interrupted(bulk.Captions):
    """Captions, until somebody presses Ctrl-C in the second batch."""

    def rows(self, items: Sequence[bulk.Item], pictures: Sequence[Image.Image]) -> list[list[Row]]:
        if any(item.name.endswith("3.png") for item in items):
            raise KeyboardInterrupt
        return super().rows(items, pictures)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_rows_come_back_in_the_order_of_the_items(model: Loaded, folder: Path) -> None:
    outcome = run(bulk.Captions(model=model), gather(folder), Manner(batch=3))
    assert [row["image"] for row in outcome.rows] == [str(folder / f"{at}.png") for at in range(IMAGES)]
    assert [row["caption"] for row in outcome.rows] == [
        answer.text for answer in model.caption([folder / f"{at}.png" for at in range(IMAGES)])
    ]


def test_an_interrupted_run_goes_on_and_ends_as_if_nothing_had_happened(
    model: Loaded, folder: Path, tmp_path: Path
) -> None:
    run(bulk.Captions(model=model), gather(folder), Manner(out=tmp_path / "whole.jsonl", batch=3))
    out = tmp_path / "cut.jsonl"
    with pytest.raises(KeyboardInterrupt):
        run(Interrupted(model=model), gather(folder), Manner(out=out, batch=3))
    assert not out.exists()
    with (tmp_path / "cut.jsonl.journal").open("ab") as journal:
        journal.write(b'{"key": "torn by a cra')
    heard: list[tuple[str, int, int]] = []
    outcome = run(
        bulk.Captions(model=model), gather(folder), Manner(out=out, batch=3, progress=lambda *said: heard.append(said))
    )
    assert (outcome.total, outcome.resumed, outcome.failed) == (IMAGES, 3, 0)
    assert heard == [("captions", done, IMAGES) for done in (3, 6, 7)]
    assert out.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    assert [path.name for path in tmp_path.iterdir() if "cut" in path.name] == ["cut.jsonl"]


def test_the_journal_of_another_job_is_refused(model: Loaded, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "rows.jsonl"
    with pytest.raises(KeyboardInterrupt):
        run(Interrupted(model=model), gather(folder), Manner(out=out, batch=3))
    with pytest.raises(ResultsError, match=r"other settings \(prompt\)"):
        run(bulk.Captions(model=model, prompt="a"), gather(folder), Manner(out=out))
    run(bulk.Captions(model=model, prompt="a"), gather(folder), Manner(out=out, overwrite=True))
    with pytest.raises(ResultsError, match=r"rows\.jsonl is finished"):
        run(bulk.Captions(model=model, prompt="a"), gather(folder), Manner(out=out))


def test_a_broken_image_fails_alone_and_is_tried_again(model: Loaded, folder: Path, tmp_path: Path) -> None:
    images = [tmp_path / name for name in ("one.png", "two.png", "three.png")]
    for path in images:
        path.write_bytes((folder / "0.png").read_bytes())
    images[1].write_bytes(b"half a pic")
    out = tmp_path / "rows.jsonl"
    outcome = run(bulk.Captions(model=model), gather(*images), Manner(out=out))
    assert (outcome.failed, outcome.succeeded) == (1, 2)
    assert [("error" in row, row["image"]) for row in lines(out)] == [(path == images[1], str(path)) for path in images]
    images[1].write_bytes((folder / "1.png").read_bytes())
    again = run(bulk.Captions(model=model), gather(*images), Manner(out=out))
    assert (again.resumed, again.failed) == (2, 0)
    assert sorted(row["image"] for row in lines(out)) == sorted(map(str, images))
    assert all("caption" in row for row in lines(out))


def test_a_call_that_no_item_can_satisfy_is_a_mistake(folder: Path) -> None:
    retrieval = Loaded(checkpoint(None))
    with pytest.raises(InputError, match="has no language model"):
        run(bulk.Captions(model=retrieval), gather(folder))


def test_a_row_that_the_model_refuses_fails_alone(model: Loaded, folder: Path) -> None:
    rows = [{"image": "0.png", "question": "how many"}, {"image": "1.png"}, {"image": "", "question": "red ?"}]
    table = folder / "rows.jsonl"
    table.write_text("".join(json.dumps(row) + "\n" for row in rows))
    told = run(bulk.Answers(model=model), gather(table)).rows
    assert told[0]["answer"] == model.ask(folder / "0.png", "how many")[0].text
    assert "rows.jsonl#2 has no 'question'" in told[1]["error"]
    assert "rows.jsonl#3 has no image" in told[2]["error"]


def test_many_questions_give_a_row_each(model: Loaded, folder: Path) -> None:
    told = run(bulk.Answers(model=model, questions=["how many", "red ?"]), gather(folder / "0.png")).rows
    assert [(row["question"], row["answer"]) for row in told] == [
        (question, model.ask(folder / "0.png", question)[0].text) for question in ("how many", "red ?")
    ]


def test_every_task_writes_every_kind_of_table(model: Loaded, folder: Path, tmp_path: Path) -> None:
    tasks: list[bulk.Task] = [
        bulk.Captions(model=model),
        bulk.Answers(model=model, questions=["how many"]),
        bulk.MatchScores(model=model, texts=["a red one", "a blue two"]),
        bulk.Labels(model=model, labels=["red", "blue"]),
        bulk.Vectors(model=model),
    ]
    for task in tasks:
        rows = run(task, gather(folder)).rows
        for suffix in (".jsonl", ".parquet", ".csv"):
            run(task, gather(folder), Manner(out=tmp_path / f"{task.name}{suffix}"))
        told = lines(tmp_path / f"{task.name}.jsonl")
        assert told == [{name: bulk.plain(value) for name, value in row.items()} for row in rows]
        table = parquet.read_table(tmp_path / f"{task.name}.parquet")
        assert table.column_names == list(task.columns)
        assert table.column("image").to_pylist() == [row["image"] for row in rows]
        with (tmp_path / f"{task.name}.csv").open() as file:
            assert [row["image"] for row in csv.DictReader(file)] == [row["image"] for row in rows]


def test_scores_are_those_of_the_model(model: Loaded, folder: Path) -> None:
    texts = ["a red one", "a blue two"]
    matches = model.match(folder / "0.png", texts)
    told = run(bulk.MatchScores(model=model, texts=texts), gather(folder / "0.png")).rows
    assert [row["itm"] for row in told] == pytest.approx(matches.itm[0].tolist(), abs=1e-5)
    assert [row["itc"] for row in told] == pytest.approx(matches.itc[0].tolist(), abs=1e-5)
    (label,) = run(bulk.Labels(model=model, labels=texts), gather(folder / "0.png")).rows
    assert label["label"] == model.classify(folder / "0.png", texts).best[0]
    assert sum(label["probabilities"].values()) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("mode", ["image", "text", "multimodal"])
def test_vectors_become_arrays_of_one_file(model: Loaded, folder: Path, tmp_path: Path, mode: str) -> None:
    table, out = folder / "pairs.jsonl", tmp_path / "vectors.npz"
    table.write_text("".join(json.dumps({"image": f"{at}.png", "text": "a red one"}) + "\n" for at in range(3)))
    run(bulk.Vectors(model=model, mode=mode), gather(table), Manner(out=out))
    with np.load(out) as arrays:
        assert arrays["raw"].shape == ((3, 32) if mode == "text" else (3, 4, 32))
        assert ("projected" in arrays) == (mode != "multimodal")
        expected = model.embed(
            [folder / f"{at}.png" for at in range(3)] if mode != "text" else None,
            "a red one" if mode != "image" else None,
            mode,
        )
        rows = expected.raw.numpy() if mode != "text" else np.repeat(expected.raw.numpy(), 3, 0)
        np.testing.assert_allclose(arrays["raw"], rows, atol=1e-5)


def test_a_table_that_cannot_be_written_is_refused_before_any_work(model: Loaded, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match=r"must end in \.jsonl, \.parquet, \.csv, \.npz"):
        run(bulk.Captions(model=model), gather(folder), Manner(out=tmp_path / "rows.xlsx"))
    (tmp_path / "file").write_text("")
    with pytest.raises(SightlineVlmError, match="cannot write"):
        run(bulk.Captions(model=model), gather(folder), Manner(out=tmp_path / "file" / "rows.jsonl"))
