"""Somebody who has never seen the command line makes every mistake once: a sentence, an exit code, no traceback."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from random_models import checkpoint, opt

from sightline import __version__, cli
from sightline.vlm.loaded import Loaded

MANY = 200
COMMAND = [sys.executable, "-m", "sightline.cli"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint, pictures of which one is broken, and lists and tables with nothing in them."""
    folder = tmp_path_factory.mktemp("strangers")
    Loaded(checkpoint(opt(), seed=3)).save(folder / "model")
    for name in ("photos", "many", "empty", "taken.jsonl"):
        (folder / name).mkdir()
    for seed in range(4):
        pixels = np.random.default_rng(seed).integers(0, 255, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "photos" / f"{seed}.png")
    for number in range(MANY):
        (folder / "many" / f"{number}.png").symlink_to(folder / "photos" / f"{number % 4}.png")
    (folder / "photos" / "bad.png").write_bytes((folder / "photos" / "0.png").read_bytes()[:500])
    for name in ("list.txt", "rows.jsonl", "labels.txt"):
        (folder / name).write_text("\n")
    (folder / "head.csv").write_text("image,question\n")
    return folder


def run(*arguments: str | Path) -> int:
    """The exit code of a command line."""
    with pytest.raises(SystemExit) as end:
        cli.main([str(each) for each in arguments])
    return int(end.value.code or 0)


MISTAKES: list[tuple[Sequence[str], str]] = [
    (("caption", "{}/list.txt"), "list.txt names no image and has no row"),
    (("caption", "{}/head.csv"), "head.csv names no image and has no row"),
    (("ask", "{}/rows.jsonl"), "nothing to work on"),
    (("match", "{}/rows.jsonl"), "nothing to work on"),
    (("embed", "{}/rows.jsonl", "--mode", "text", "--json"), "nothing to work on"),
    (("index", "{}/list.txt", "--out", "{}/list.index"), "nothing to work on"),
    (("caption", "{}/empty"), "no images in"),
    (("caption", "{}/none.png"), "cannot read image"),
    (("ask", "{}/photos/0.png", ""), "a question is empty"),
    (("match", "{}/photos/0.png", "a red one", " "), "a text is empty"),
    (("classify", "{}/photos", "--labels", "{}/labels.txt"), "labels.txt names no more): give two at least"),
    (("classify", "{}/photos", "--labels", "{}/none.txt"), "none.txt is no file): give two at least"),
    (("classify", "{}/photos", "--labels", "red,blue,red"), "the label 'red' is given twice"),
    (("classify", "{}/photos"), "0 labels given: give two at least"),
    (("caption", "{}/photos", "--out", "{}/taken.jsonl"), "it is a folder, give the name of a file"),
    (("caption", "{}/photos", "--out", "{}/list.txt/rows.jsonl"), "list.txt is a file, not a folder"),
    (("caption", "{}/photos/0.png", "--looked", "{}/list.txt/map.png"), "cannot write"),
    (("caption", "{}/photos/0.png", "--looked", "{}/a.png", "--out", "{}/a.jsonl"), "--looked shows one image"),
    (("ask", "{}/photos/0.png", "red ?", "--looked", "{}/a.png", "--out", "{}/a.jsonl"), "--looked shows one image"),
    (("index", "{}/photos", "--out", "{}/list.txt"), "cannot write an index in"),
    (("search", "{}/empty", ""), "a text is empty"),
    (("models", "--all"), "No such option"),
    (("sing",), "No such command"),
]


@pytest.mark.parametrize(("arguments", "words"), MISTAKES, ids=lambda value: value if isinstance(value, str) else "")
def test_a_mistake_is_told_and_nothing_is_written_to_stdout(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: Sequence[str], words: str
) -> None:
    model = () if arguments[0] in ("search", "models", "sing") else ("--model", str(folder / "model"))
    assert run(*(each.replace("{}", str(folder)) for each in arguments), *model) == 2
    said = capsys.readouterr()
    assert words in said.err
    assert said.out == ""


def test_a_list_of_labels_may_be_longer_than_any_file_name(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels = ",".join(f"a red number {number}" for number in range(400))
    call = ("classify", folder / "photos" / "0.png", "--labels", labels, "--model", folder / "model", "--json")
    assert run(*call) == 0
    assert len(json.loads(capsys.readouterr().out)["labels"][0]["probabilities"]) == 400


def test_a_corrupt_image_in_a_folder_is_named_and_the_rest_is_done(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("caption", folder / "photos", "--model", folder / "model") == 1
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == 4
    assert "bad.png is broken" in said.err
    assert run("index", folder / "photos", "--model", folder / "model", "--out", tmp_path / "index") == 1
    said = capsys.readouterr()
    assert "bad.png is broken" in said.err
    assert said.out == ""


@pytest.mark.parametrize(
    "command",
    [(), *((name,) for name in ("ask", "caption", "match", "classify", "embed", "index", "search"))]
    + [(name,) for name in ("models", "evaluate", "endpoint", "demo")],
    ids=lambda command: " ".join(command) or "sightline",
)
def test_help_of_every_command_goes_to_stdout(command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*command, "--help") == 0
    said = capsys.readouterr()
    assert said.out.startswith("Usage: ")
    assert all(line.strip() for line in said.out.splitlines()[2:3]), "a sentence says what the command does"
    assert said.err == ""


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--version") == 0
    assert capsys.readouterr().out == f"{__version__}\n"


def test_ctrl_c_keeps_what_is_done_and_the_same_command_goes_on(folder: Path, tmp_path: Path) -> None:
    out, journal = tmp_path / "captions.jsonl", tmp_path / "captions.jsonl.journal"
    call = [*COMMAND, "caption", str(folder / "many"), "--model", str(folder / "model"), "--out", str(out)]
    with subprocess.Popen(
        [*call, "--batch", "1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        deadline = time.monotonic() + 120
        while not journal.exists() or journal.read_bytes().count(b"\n") < 10:
            assert time.monotonic() < deadline, "the command did not get under way"
            assert process.poll() is None, "the command ended too early"
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        said, complained = process.communicate(timeout=60)
    assert process.returncode == 130
    assert (said, complained) == ("", "interrupted: the same command goes on from here\n")
    assert not out.exists()
    again = subprocess.run([*call, "--json"], capture_output=True, text=True, check=True)
    told = json.loads(again.stdout)
    assert told["total"] == MANY
    assert 10 <= told["resumed"] + 1 < MANY
    assert len(out.read_text().splitlines()) == MANY
    assert not journal.exists()


def test_a_reader_that_leaves_early_is_no_error_worth_a_word(folder: Path) -> None:
    call = [*COMMAND, "caption", str(folder / "many"), "--model", str(folder / "model")]
    with subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(120) == 1
        assert process.stderr.read() == ""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no device that is always full")  # noqa: PTH110
def test_a_full_disk_is_told_in_one_line() -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run([*COMMAND, "models"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "error: cannot write what comes out: No space left on device\n")
