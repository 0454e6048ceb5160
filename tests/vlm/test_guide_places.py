"""The pages on downloads and devices do what they say; accelerators are played by CPUs with numbers."""

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from lavis_weights import hub, small_cache  # noqa: F401 - fixtures
from numbered_cpus import NumberedCpus

from sightline.vlm.fetch import Remote
from sightline.vlm.weights import catalog

GUIDE = Path(__file__).parents[2] / "docs" / "guide"
PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.usefixtures("hub")
def test_every_program_about_devices_puts_the_parts_where_it_says() -> None:
    names: dict[str, Any] = {}
    precise = []
    with NumberedCpus() as cpus:
        for program in PYTHON.findall((GUIDE / "devices.md").read_text()):
            exec(program.replace("cuda:", "cpu:"), names)
            model = names["model"].model
            precise.append(model.language.model.lm_head.weight.dtype)
            if "device_map" in program:
                layers = {cpus.of[each] for each in model.language.model.model.decoder.layers[1].parameters()}
                assert (layers, cpus.of[model.language.model.lm_head.weight]) == ({1}, 1)
                assert cpus.of[model.language.model.get_input_embeddings().weight] == 0
            names["model"].caption(torch.zeros(1, 3, 28, 28), num_beams=2, max_new_tokens=3)
    assert precise == [torch.bfloat16, torch.float32, torch.float32]


def test_a_file_by_url_is_checked_and_lies_where_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_CACHE", str(tmp_path))
    place = tmp_path / "files" / "weights.example" / "tuned.pth"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"weights")
    names: dict[str, Any] = {}
    (program,) = PYTHON.findall((GUIDE / "downloads.md").read_text())
    exec(program.replace("SHA256", hashlib.sha256(b"weights").hexdigest()), names)
    assert names["path"] == place == Remote.of("https://weights.example/tuned.pth").place


def test_the_page_on_downloads_names_every_variable_that_is_read() -> None:
    page = (GUIDE / "downloads.md").read_text()
    sources = [Path(catalog.__file__), *Path(catalog.__file__).parents[1].joinpath("fetch").glob("*.py")]
    read = {name for path in sources for name in re.findall(r"\b(?:SIGHTLINE|HF_HUB)_[A-Z_]+\b", path.read_text())}
    assert read == {"SIGHTLINE_OFFLINE", "SIGHTLINE_CACHE", "SIGHTLINE_LAVIS_URL", "HF_HUB_OFFLINE"}
    assert all(f"`{name}" in page for name in read)
