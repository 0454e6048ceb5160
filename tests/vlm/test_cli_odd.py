"""Odd things given to the commands: names and texts that are no text, formats that do not fit, mixed sources."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pyarrow import parquet
from random_models import checkpoint, opt

from sightline import cli
from sightline.vlm.cli import batch, scores, words
from sightline.vlm.loaded import InputError, Loaded


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint with random weights, and two images in a folder."""
    folder = tmp_path_factory.mktemp("odd")
    Loaded(checkpoint(opt(), seed=3)).save(folder / "model")
    (folder / "photos").mkdir()
    for seed in range(2):
        pixels = np.random.default_rng(seed).integers(0, 255, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "photos" / f"{seed}.png")
    return folder


@pytest.fixture
def unloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever loads a model fails."""

    def load(name: str, device: str, alone: bool = False) -> Loaded:
        raise AssertionError(f"{name} was loaded on {device}")

    for module in (batch, words, scores):
        monkeypatch.setattr(module, "load", load, raising=False)


def run(*arguments: str | Path) -> int:
    """The exit code of a command line."""
    with pytest.raises(SystemExit) as end:
        cli.main([str(each) for each in arguments])
    return int(end.value.code or 0)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().split("\n") if line]


def test_a_file_name_that_is_not_utf_8_is_an_item_like_any_other(
    folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "odd").mkdir()
    body, name = (folder / "photos" / "0.png").read_bytes(), os.fsdecode(bytes(tmp_path / "odd") + b"/caf\xe9.png")
    Path(name).write_bytes(body)
    model, escaped = ("--model", folder / "model"), f"{tmp_path}/odd/caf\\udce9.png"
    for suffix in ("jsonl", "parquet", "csv"):
        assert run("caption", tmp_path / "odd", *model, "--out", tmp_path / f"x.{suffix}") == 0
    assert lines(tmp_path / "x.jsonl")[0]["image"] == name
    assert parquet.read_table(tmp_path / "x.parquet").column("image").to_pylist() == [escaped]
    assert escaped in (tmp_path / "x.csv").read_text(encoding="utf-8")
    assert run("index", tmp_path / "odd", *model, "--out", tmp_path / "index") == 0
    capfd.readouterr()
    assert run("search", tmp_path / "index", "a red one", "--rerank", "1", "--json") == 0
    (search,) = json.loads(capfd.readouterr().out)["searches"]
    assert search["hits"][0]["name"] == name
    assert run("classify", tmp_path / "odd", folder / "photos", "--labels", "a,b", *model) == 0
    assert capfd.readouterr().out.startswith(f"{escaped}: ")


def test_shares_of_labels_become_an_array(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "cl.npz"
    assert run("classify", folder / "photos", "--labels", "a,b,c", "--model", folder / "model", "--out", out) == 0
    expected = Loaded(checkpoint(opt(), seed=3)).classify(
        [folder / "photos" / f"{at}.png" for at in (0, 1)], ["a", "b", "c"]
    )
    with np.load(out) as arrays:
        np.testing.assert_allclose(arrays["probabilities"], expected.probabilities.numpy(), atol=1e-4)
        assert arrays["probabilities_names"].tolist() == ["a", "b", "c"]
        assert arrays["label"].tolist() == list(expected.best)
    out = tmp_path / "m.npz"
    assert run("match", folder / "photos", "a red one", "--model", folder / "model", "--out", out) == 0
    with np.load(out) as arrays:
        assert arrays["itm"].shape == (2,)


@pytest.mark.usefixtures("unloaded")
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("caption", "{}/photos", "--out", "{}/x.npz"), "tokens, logprobs, usage differ from row to row"),
        (("ask", "{}/photos", "how many", "--out", "{}/x.npz"), "tokens, logprobs, usage differ from row to row"),
        (("ask", "{}/null.jsonl", "how many"), "null.jsonl#1 has no image"),
        (("caption", "{}/null.jsonl", "--looked", "{}/l.png"), "null.jsonl#1 has no image"),
        (("match", "{}/null.jsonl", "a red one", "--looked", "{}/l.png"), "null.jsonl#1 has no image"),
        (("ask", "{}/photos/0.png", "how many", "--looked", "{}/l.xyz"), "ends in .png"),
        (("ask", "{}/photos/0.png", "how many", "--looked", "{}/null.jsonl/l.png"), "null.jsonl is a file, not a"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_work_is_refused_before_a_model_is_loaded(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], told: str
) -> None:
    (folder / "null.jsonl").write_text('{"image": null}\n')
    assert run(*(each.replace("{}", str(folder)) for each in arguments)) == 2
    assert told in capsys.readouterr().err


def test_a_match_is_looked_at_with_the_model_that_scores_it_in_a_new_folder(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded, load_once = list[str](), batch.load

    def load(name: str, device: str, alone: bool = False) -> Loaded:
        loaded.append(name)
        return load_once(name, device)

    for module in (batch, scores):
        monkeypatch.setattr(module, "load", load, raising=False)
    out = tmp_path / "new" / "deep" / "l.png"
    assert run("match", folder / "photos" / "0.png", "a red", "--model", folder / "model", "--looked", out) == 0
    assert out.stat().st_size
    assert loaded == [str(folder / "model")]


def test_stdin_may_be_one_of_several_sources(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = f"{folder}/photos/1.png\n{folder}/photos/1.png\n".encode()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(listed)))
    assert run("caption", "-", folder / "photos", "--model", folder / "model") == 0
    told = [line.split(": ")[0] for line in capsys.readouterr().out.splitlines()]
    assert told == [f"{folder}/photos/{at}.png" for at in (1, 1, 0, 1)]


def test_rows_have_the_columns_that_are_declared_and_no_others(folder: Path, tmp_path: Path) -> None:
    for task, asked in (("caption", []), ("ask", ["how many"])):
        for suffix in ("jsonl", "parquet"):
            out = tmp_path / f"{task}.{suffix}"
            assert run(task, folder / "photos", *asked, "--model", folder / "model", "--out", out) == 0
        columns = set(parquet.read_schema(tmp_path / f"{task}.parquet").names)
        assert set(lines(tmp_path / f"{task}.jsonl")[0]) == columns - {"error"}


@pytest.mark.parametrize("labels", [["red"], "red", ["red", "blue", "red"]])
def test_labels_are_two_at_least_and_different(folder: Path, labels: list[str]) -> None:
    with pytest.raises(InputError, match=r"give two at least|'red' is given twice"):
        Loaded(checkpoint(opt(), seed=3)).classify(folder / "photos" / "0.png", labels)


def test_texts_that_are_no_unicode_are_refused(folder: Path) -> None:
    model = Loaded(checkpoint(opt(), seed=3))
    picture, odd = folder / "photos" / "0.png", "caf\udcc3\udca9"
    for call in (
        lambda: model.ask(picture, odd),
        lambda: model.ask(picture, "how", template="{} \udce9"),
        lambda: model.caption(picture, odd),
        lambda: model.match(picture, ["a", odd]),
        lambda: model.classify(picture, ["a", odd]),
        lambda: model.embed(texts=odd, mode="text"),
    ):
        with pytest.raises(InputError, match="no valid Unicode"):
            call()


def test_label_files_are_utf_8_in_every_locale(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("grün\u2028x\nblau\n", encoding="utf-8-sig")
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-m", "sightline.cli", "classify", str(folder / "photos" / "0.png")]
    options = ["--labels", str(tmp_path / "labels.txt"), "--model", str(folder / "model"), "--json"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False, env=environment)
    assert "does not know" in done.stderr  # the model's vocabulary is of other words
    (row,) = json.loads(done.stdout)["labels"]
    assert set(row["probabilities"]) == {"grün\u2028x", "blau"}
    done = subprocess.run([*command, "--label", "grün", *options], capture_output=True, check=False, env=environment)
    assert done.returncode == 2
    assert b"no valid Unicode" in done.stderr
    assert b"Traceback" not in done.stderr
