"""Tasks over many images from the shell: tables on disk, interruption and resumption, exit codes, search."""

import io
import json
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pyarrow import parquet
from random_models import checkpoint, opt
from rich.console import Console

from sightline import cli
from sightline.vlm.cli import shell
from sightline.vlm.cli.shell import Lines
from sightline.vlm.loaded import Loaded


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint with random weights, and images in a folder."""
    folder = tmp_path_factory.mktemp("batch")
    Loaded(checkpoint(opt(), seed=3)).save(folder / "model")
    (folder / "photos").mkdir()
    for seed in range(10):
        pixels = np.random.default_rng(seed).integers(0, 255, (2, 2, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((32, 32)).save(folder / "photos" / f"{seed}.png")
    return folder


def run(*arguments: str | Path) -> int:
    """The exit code of a command line."""
    with pytest.raises(SystemExit) as end:
        cli.main([str(each) for each in arguments])
    return int(end.value.code or 0)


def told(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def impatient(monkeypatch: pytest.MonkeyPatch, method: str, calls: int) -> None:
    """Somebody presses Ctrl-C when the model is asked for something once more than `calls` times."""
    patient, left = getattr(Loaded, method), iter(range(calls))

    def asked(*given: Any, **options: Any) -> Any:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return patient(*given, **options)

    monkeypatch.setattr(Loaded, method, asked)


def test_captions_of_a_folder_become_a_table_interrupted_or_not(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "captions.parquet"
    command = ("caption", folder / "photos", "--model", folder / "model", "--batch", "3", "--out", out)
    with monkeypatch.context() as patch:
        impatient(patch, "caption", 2)
        assert run(*command) == 130
    assert "the same command goes on from here" in capsys.readouterr().err
    assert run(*command) == 0
    said = capsys.readouterr()
    assert f"captions: 10 rows of 10 items in {out}, 6 from before" in said.err
    assert said.out == ""
    expected = Loaded(checkpoint(opt(), seed=3)).caption([folder / "photos" / f"{at}.png" for at in range(10)])
    assert parquet.read_table(out).column("caption").to_pylist() == [answer.text for answer in expected]
    assert run(*command) == 2
    assert "is finished: give another name, or --overwrite" in capsys.readouterr().err


def test_an_index_is_made_interrupted_resumed_and_searched(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    index = tmp_path / "photos.index"
    command = ("index", folder / "photos", "--model", folder / "model", "--out", index, "--batch", "4")
    with monkeypatch.context() as patch:
        impatient(patch, "embed", 3)  # one to learn the shapes, two batches
        assert run(*command) == 130
    assert "interrupted: 8 of 10 are in" in capsys.readouterr().err
    assert run(*command, "--json") == 0
    made = told(capsys)
    assert (made["total"], made["resumed"], made["failed"], made["indexed"]) == (10, 8, 0, 10)

    assert run("search", index, "a red one", "a blue two", "--top", "3", "--json") == 0
    searches = told(capsys)["searches"]
    assert [search["text"] for search in searches] == ["a red one", "a blue two"]
    model = Loaded(checkpoint(opt(), seed=3))
    paths = [str(folder / "photos" / f"{at}.png") for at in range(10)]
    best = float(model.match(paths, "a red one").itc.max())
    assert searches[0]["hits"][0]["score"] == pytest.approx(best, abs=1e-3)
    assert len(searches[0]["hits"]) == 3

    assert run("search", index, "--image", paths[4], "--top", "1") == 0
    assert capsys.readouterr().out.split()[0].startswith("+1.00")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"a red one\n\na blue two\n")))
    assert run("search", index, "-", "--rerank", "4", "--json") == 0
    assert [search["hits"][0]["itm"] is not None for search in told(capsys)["searches"]] == [True, True]


def test_a_folder_is_asked_matched_and_classified(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos, model = folder / "photos", ("--model", folder / "model")
    assert run("ask", photos, "how many", *model, "--json") == 0
    assert len(told(capsys)["answers"]) == 10
    assert run("match", photos / "0.png", "a red one", "a blue two", *model) == 0
    assert [line.split("  ")[2] for line in capsys.readouterr().out.splitlines()] == ["a red one", "a blue two"]
    assert run("classify", photos, "--labels", "red,blue", "--label", "green", *model, "--json") == 0
    assert {row["label"] for row in told(capsys)["labels"]} <= {"red", "blue", "green"}
    assert run("embed", photos / "0.png", *model, "--json") == 0
    assert np.shape(told(capsys)["vectors"][0]["projected"]) == (4, 16)


def test_a_table_brings_its_own_questions_texts_and_labels(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, labels = tmp_path / "rows.jsonl", tmp_path / "labels.txt"
    rows = [{"image": str(folder / "photos" / f"{at}.png"), "question": "red ?", "text": "a red one"} for at in (1, 2)]
    table.write_text("".join(json.dumps(row) + "\n" for row in rows))
    labels.write_text("red\nblue\n")
    for command, out in (("ask", "a.jsonl"), ("match", "m.csv"), ("embed", "v.npz")):
        assert run(command, table, "--model", folder / "model", "--out", tmp_path / out) == 0
    assert run("classify", table, "--labels", labels, "--model", folder / "model", "--out", tmp_path / "l.jsonl") == 0
    assert all((tmp_path / name).stat().st_size for name in ("a.jsonl", "m.csv", "v.npz", "l.jsonl"))
    assert capsys.readouterr().out == ""


def test_paths_can_come_from_stdin(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / "photos" / "3.png"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(f"{path}\n{path}\n".encode())))
    assert run("caption", "-", "--model", folder / "model") == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("caption", "{}/photos", "--out", "{}/rows.xlsx"), "must end in .jsonl"),
        (("caption", "{}/nothing/*.png"), "nothing matches"),
        (("match", "{}/photos"), "no text: give one"),
        (("classify", "{}/photos", "--label", "red"), "1 labels given: give two at least"),
        (("embed", "{}/photos"), "--out vectors.npz"),
        (("embed", "{}/photos", "--mode", "smell", "--json"), "unknown mode 'smell'"),
        (("search", "{}/photos", "a red one"), "holds no index: make one with"),
        (("search", "{}/photos"), "nothing to find: give a text, --image, or --queries"),
        (("ask", "{}/photos", "how many", "--looked", "{}/looked.png"), "--looked needs one image, 10 were given"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_mistake_in_a_batch_is_one_line_and_exit_code_2(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: Sequence[str], words: str
) -> None:
    model = () if arguments[0] == "search" else ("--model", folder / "model")
    assert run(*(each.replace("{}", str(folder)) for each in arguments), *model) == 2
    said = capsys.readouterr()
    assert words in said.err
    assert said.out == ""


def test_progress_without_a_terminal_is_a_line_with_rate_and_time_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter([0.0, 5.0, 12.0, 13.0])
    monkeypatch.setattr("time.monotonic", lambda: next(now))
    lines = Lines()
    for done in (100, 150, 220, 230):
        lines.hear("captions", done, 1000)
    assert capsys.readouterr().err == "captions: 220 of 1,000, 10.0/s, 0:01:18 left\n"


def test_progress_on_a_terminal_is_a_bar_with_rate_and_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(shell, "errors", Console(file=screen, force_terminal=True, width=100))
    with shell.progress_bar(show=True) as progress:
        for done in (400, 420, 440):
            progress("images", done, 1000)
            time.sleep(0.15)
    drawn = screen.getvalue()
    assert "images" in drawn
    assert "440/1000" in drawn
    assert re.search(r"[\d.]+/s", drawn)
    assert re.search(r"0:00:\d\d", drawn)
