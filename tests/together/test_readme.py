"""The README's Python and the examples run as they stand."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from sightline.vlm.data.digit_scenes import sample_scenes

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
    sample_scenes(1, seed=3, split="held-out")[0].image.save(tmp_path / "scene.png")
    blocks = python_blocks("README.md")
    assert blocks
    assert run("\n".join(blocks), tmp_path).strip()
    assert (tmp_path / "looked.png").stat().st_size > 0


@pytest.mark.parametrize("example", ["looked.py"])
def test_an_example_runs(example: str, tmp_path: Path) -> None:
    assert "caption:" in run((ROOT / "examples" / example).read_text(), tmp_path)
    assert list((tmp_path / "looked").glob("*.png"))
