"""The README's Python and commands, and the examples, run as they stand."""

import glob
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from sightline import cli

ROOT = Path(__file__).resolve().parents[2]


def python_blocks(page: str) -> list[str]:
    """The ```python blocks of a page of the repository."""
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.S)


def run(program: str, folder: Path) -> str:
    """What a program printed, run in `folder` by a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_readme_python_runs(tmp_path: Path) -> None:
    blocks = python_blocks("README.md")
    assert blocks
    assert run("\n".join(blocks), tmp_path).strip()
    assert (tmp_path / "looked.png").stat().st_size > 0
    assert len(list((tmp_path / "photos").iterdir())) > 1


def test_the_readme_commands_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of the block about the shell but what runs for ever or for minutes; those have tests of their own."""
    section = (ROOT / "README.md").read_text().partition("## From the shell\n")[2]
    pictures, block = re.findall(r"```python\n(.*?)```\n\n```sh\n(.*?)```", section, re.S)[0]
    run(pictures, tmp_path)
    monkeypatch.chdir(tmp_path)
    lines = [line for line in block.splitlines() if not line.startswith(("sightline evaluate", "sightline server"))]
    assert len(lines) == 5
    for line in lines:
        words = [name for word in shlex.split(line)[1:] for name in (sorted(glob.glob(word)) or [word])]  # noqa: PTH207
        with pytest.raises(SystemExit) as end:
            cli.main(words)
        assert not end.value.code, line


@pytest.mark.parametrize("example", ["looked.py"])
def test_an_example_runs(example: str, tmp_path: Path) -> None:
    assert "caption:" in run((ROOT / "examples" / example).read_text(), tmp_path)
    assert list((tmp_path / "looked").glob("*.png"))
