"""What commands over many images share: the same options, with the same meaning, wherever they stand."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from random_models import checkpoint, opt

from sightline import cli
from sightline.vlm.loaded import Loaded

COMMANDS = {
    "ask": ["how many"],
    "caption": [],
    "match": ["a red one"],
    "classify": ["--labels", "red,blue"],
    "embed": [],
}
SHARED = ("--model", "--out", "--batch", "--overwrite", "--column", "--device", "--json", "--help")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint, three pictures, and a table that calls them by two columns."""
    folder = tmp_path_factory.mktemp("options")
    Loaded(checkpoint(opt(), seed=3)).save(folder / "model")
    for seed in range(3):
        pixels = np.random.default_rng(seed).integers(0, 255, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{seed}.png")
    rows = [{"image": f"{at}.png", "second": f"{2 - at}.png"} for at in range(3)]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def run(*arguments: str | Path) -> int:
    """The exit code of a command line."""
    with pytest.raises(SystemExit) as end:
        cli.main([str(each) for each in arguments])
    return int(end.value.code or 0)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_shared_options_stand_in_one_order_after_the_commands_own(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(command, "--help") == 0
    lines = capsys.readouterr().out.partition("Options:")[2].splitlines()
    words = [next((word for word in line.split() if word.startswith("--")), "") for line in lines]
    shown = [word for word in words if word in SHARED]
    assert tuple(shown) == SHARED


@pytest.mark.parametrize("command", COMMANDS)
def test_a_column_a_table_and_json_mean_the_same_to_every_command(
    command: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.jsonl"
    call = (command, folder / "rows.jsonl", *COMMANDS[command], "--model", folder / "model", "--column", "second")
    assert run(*call, "--batch", "2", "--device", "auto", "--out", out, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["out"], said["total"], said["failed"], said["resumed"]) == (str(out), 3, 0, 0)
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [Path(row["image"]).name for row in rows] == ["2.png", "1.png", "0.png"]


def test_a_finished_table_is_done_again_only_when_that_is_asked_for(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "captions.jsonl"
    call = ("caption", folder / "0.png", "--model", folder / "model", "--out", out)
    assert [run(*call), run(*call), run(*call, "--overwrite")] == [0, 2, 0]
    assert "is finished: give another name, or --overwrite" in capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS)
def test_a_device_or_a_batch_that_cannot_be_is_refused(
    command: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = (command, folder / "0.png", *COMMANDS[command], "--model", folder / "model", "--json")
    assert run(*call, "--batch", "0") == 2
    assert "--batch" in capsys.readouterr().err
    assert run(*call, "--device", "toaster") == 2
    said = capsys.readouterr()
    assert "toaster" in said.err
    assert said.out == ""
