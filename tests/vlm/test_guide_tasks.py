"""Every command and every program of the guide's task pages, and of the one on composing, runs as it is printed."""

import glob
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from transformers import BitImageProcessorPil, Dinov2Config, Dinov2Model, Qwen3Config, Qwen3ForCausalLM

from sightline import cli
from sightline.vlm.data.digit_scenes import sample_scenes
from sightline.vlm.weights.catalog import SHIPPED

GUIDE = Path(__file__).parents[2] / "docs" / "guide"
PAGES = GUIDE / "tasks"
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the pages speak of: a photo, photos, a table of rows, labels, published parts."""
    (tmp_path / "photos").mkdir()
    scenes = sample_scenes(7, seed=0, split="held-out")
    scenes[6].image.save(tmp_path / "photo.png")
    for at, scene in enumerate(scenes[:6]):
        scene.image.save(tmp_path / "photos" / f"{at}.png")
    row = '{{"image": "photos/{}.png", "question": "how many digits are there ?", "text": "a red three"}}\n'
    (tmp_path / "rows.jsonl").write_text("".join(row.format(at) for at in range(3)))
    (tmp_path / "labels.txt").write_text("a red three\na blue seven\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def published(place: Path) -> None:
    """A vision model and a language model as transformers saves them."""
    shape = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4}
    Dinov2Model(Dinov2Config(**shape, mlp_ratio=2, image_size=28, patch_size=7)).save_pretrained(place / "vision")
    BitImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 28, "width": 28}).save_pretrained(
        place / "vision"
    )
    words = Qwen3Config(**shape, intermediate_size=64, vocab_size=120, num_key_value_heads=2, head_dim=8)
    words.eos_token_id = 3
    Qwen3ForCausalLM(words).save_pretrained(place / "writer")
    (place / "writer" / "tokenizer.json").write_bytes((SHIPPED / "tiny" / "tokenizer.json").read_bytes())


def run(line: str) -> None:
    """One line of a shell block, in this process; unquoted patterns are expanded as a shell would."""
    words = shlex.split(line, comments=True)
    assert words[0] == "sightline", line
    arguments = [name for word in words[1:] for name in (sorted(glob.glob(word)) or [word])]  # noqa: PTH207
    with pytest.raises(SystemExit) as end:
        cli.main(arguments)
    assert not end.value.code, line


@pytest.mark.parametrize("page", [*sorted(PAGES.glob("*.md")), GUIDE / "compose.md"], ids=lambda page: page.stem)
def test_a_page_does_what_it_says(page: Path, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if page.stem == "compose":
        published(place)
    names: dict[str, Any] = {}
    blocks = BLOCK.findall(page.read_text())
    assert {kind for kind, _ in blocks} == {"sh", "python"}
    for kind, body in blocks:
        if kind == "python":
            exec(compile(body, str(page), "exec"), names)
        else:
            for line in body.splitlines():
                run(line)
    assert capsys.readouterr().out


def test_there_is_a_page_for_every_task() -> None:
    tasks = {"caption", "ask", "match", "search", "classify", "embed"}
    assert {page.stem for page in PAGES.glob("*.md")} == tasks
