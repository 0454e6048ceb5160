"""The architecture page names every room there is, and none that is not."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/architecture.md").read_text()


def rooms(folder: Path) -> set[str]:
    """Modules and packages right inside a folder of the sources."""
    return {path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()} - {
        "__init__"
    }


def named(table: str) -> set[str]:
    """What stands in the first column of the table headed by that folder."""
    rows = PAGE.split(f"| `{table}`", 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    return {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}


@pytest.mark.parametrize("half", ["vlm", "server"])
def test_the_page_names_every_room_of_a_half(half: str) -> None:
    assert named(f"{half}/") == rooms(ROOT / "src/sightline" / half)


def test_the_page_names_every_room_of_the_package() -> None:
    assert named("src/sightline/") == rooms(ROOT / "src/sightline")
