"""The short twin of `python -m benchmarks.search`: an index killed half-way from the shell, resumed, searched."""

from importlib import import_module
from pathlib import Path

import pytest
from random_models import checkpoint

from sightline.vlm.loaded import Loaded

ROOT = Path(__file__).parents[3]


def test_a_killed_indexing_is_resumed_and_every_image_is_there_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(ROOT))
    Loaded(checkpoint(None, seed=3)).save(tmp_path / "model")
    measure = import_module("benchmarks.search").measure
    result = measure(tmp_path, images=300, kill_at=30, name=str(tmp_path / "model"))
    indexing = result["indexing"]
    assert (indexing["images_in_index"], indexing["doubled"]) == (300, 0)
    assert indexing["resumed"]["resumed"] >= indexing["killed"]["images_in"] >= 30
    assert result["search"]["by_text"]["median_ms"] > 0
