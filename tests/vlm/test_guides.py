"""Every row of the migration tables runs, and both columns give the same; the file to compose a model from is read."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from lavis_weights import hub, small_cache  # noqa: F401 - fixtures
from PIL import Image

from sightline import vlm
from sightline.vlm.lavis import load_model_and_preprocess
from sightline.vlm.weights import ModelConfig, PretrainedEncoder

GUIDE = Path(__file__).parents[2] / "docs" / "guide"
ROW = re.compile(r"^\| `(?P<theirs>.+)` \| `(?P<ours>.+)` \|$", re.MULTILINE)


def tables(page: str) -> list[list[tuple[str, str]]]:
    """Rows of two codes each, table by table, up to the heading after which nothing is run."""
    text = (GUIDE / page).read_text().partition("\n## What")[0]
    parts = re.split(r"\|---\|---\|\n", text)[1:]
    return [[(found["theirs"], found["ours"]) for found in ROW.finditer(part)] for part in parts]


def picture() -> Image.Image:
    return Image.fromarray(np.random.default_rng(5).integers(0, 255, (40, 32, 3), dtype=np.uint8))


def plain(value: Any) -> Any:
    """Texts of answers; anything else as it is."""
    if isinstance(value, list) and value and isinstance(value[0], vlm.Answer):
        return [answer.text for answer in value]
    return value


def assert_same(theirs: Any, ours: Any) -> None:
    if isinstance(theirs, torch.Tensor):
        torch.testing.assert_close(theirs, ours, atol=1e-5, rtol=1e-4)
    else:
        assert plain(ours) == plain(theirs)


def rows(page: str) -> list[Any]:
    return [
        pytest.param(number, theirs, ours, id=theirs)
        for number, table in enumerate(tables(page))
        for theirs, ours in table
    ]


LAVIS = {0: ("blip2_opt", "pretrain_opt2.7b"), 1: ("blip2_image_text_matching", "pretrain")}
HUGGINGFACE = {
    0: ("Salesforce/blip2-opt-2.7b", "Blip2ForConditionalGeneration"),
    1: ("Salesforce/blip2-itm-vit-g", "Blip2ForImageTextRetrieval"),
}


@pytest.mark.parametrize(("table", "theirs", "ours"), rows("from-lavis.md"))
@torch.no_grad()
def test_a_lavis_call_gives_what_ours_gives(table: int, theirs: str, ours: str, hub: Path) -> None:  # noqa: F811
    model, vis_processors, _ = load_model_and_preprocess(*LAVIS[table], is_eval=True)
    names = {"model": model, "ours": model.loaded, "picture": picture(), "vis_processors": vis_processors}
    names["image"] = model.loaded.preprocess([picture()])
    assert_same(eval(theirs, dict(names)), eval(ours, dict(names)))


@pytest.mark.parametrize(("table", "theirs", "ours"), rows("from-transformers.md"))
@torch.no_grad()
def test_a_call_of_transformers_gives_what_ours_gives(table: int, theirs: str, ours: str, hub: Path) -> None:  # noqa: F811
    name, kind = HUGGINGFACE[table]
    folder = next((hub / f"models--{name.replace('/', '--')}" / "snapshots").iterdir())
    model = getattr(transformers, kind).from_pretrained(folder).eval()
    processor = transformers.Blip2Processor.from_pretrained(folder)
    inputs = processor(picture(), "which digit", return_tensors="pt")

    def texts(tokens: torch.Tensor) -> list[str]:
        return [each.strip() for each in processor.batch_decode(tokens[:, inputs["input_ids"].shape[1] :], True)]

    names = {"theirs": model, "processor": processor, "picture": picture(), "inputs": inputs, "texts": texts}
    names["ours"] = vlm.load(name)
    assert_same(eval(theirs, dict(names)), eval(ours, dict(names)))


def test_the_pages_have_rows_to_run() -> None:
    assert [len(table) for table in tables("from-lavis.md")] == [7, 7]
    assert [len(table) for table in tables("from-transformers.md")] == [6, 4]


def test_the_model_file_of_the_guide_is_read_as_it_stands() -> None:
    text = (GUIDE / "compose.md").read_text()
    declared = ModelConfig.from_yaml(text.partition("```yaml\n")[2].partition("```")[0])
    assert declared.encoder == PretrainedEncoder(name="facebook/dinov2-base")
    assert declared.precision == {"encoder": "bfloat16", "language": "bfloat16"}
