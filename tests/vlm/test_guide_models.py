"""The guide's page of every model family: its figures are computed, and its programs run, at small random sizes."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import family_facts
import pytest
import torch
from lavis_weights import ROOM, bert_tokenizer, llama
from random_models import WORDS, opt, t5, word_tokenizer
from test_guide_tasks import BLOCK, run

from sightline.vlm.bridges import QFormerConfig
from sightline.vlm.data.digit_scenes import sample_scenes
from sightline.vlm.encoders import EvaConfig
from sightline.vlm.language import CausalConfig, LanguageConfig
from sightline.vlm.model import Blip2Config
from sightline.vlm.weights import Checkpoint, ImageFacts, Prompts, save_huggingface, save_lavis
from sightline.vlm.weights.catalog import CATALOG, FAMILIES

PAGES = family_facts.PAGES
HUB = {"facebook/opt-2.7b": opt(ROOM), "google/flan-t5-xl": t5(ROOM), "lmsys/vicuna-7b-v1.1": llama()}
"""Language models that LAVIS' files are joined with."""

MODELS: dict[str, tuple[LanguageConfig | None, bool]] = {
    "blip2-itm-vit-g": (None, True),
    "blip2-opt-2.7b": (opt(ROOM), False),
    "blip2-flan-t5-xl": (t5(ROOM), False),
    "instructblip-flan-t5-xl": (t5(ROOM), True),
    "instructblip-vicuna-7b": (llama(), True),
}
"""Of what the pages load: the language model, and whether the Q-Former has a text side."""

LAVIS_FILES = {
    "blip2_pretrained.pth": "blip2-itm-vit-g",
    "blip2_pretrained_opt2.7b.pth": "blip2-opt-2.7b",
    "blip2_pretrained_flant5xl.pth": "blip2-flan-t5-xl",
    "instruct_blip_flanxl_trimmed.pth": "instructblip-flan-t5-xl",
    "instruct_blip_vicuna7b_trimmed.pth": "instructblip-vicuna-7b",
}


def small(language: LanguageConfig | None, text: bool) -> Checkpoint:
    """A model with as many heads as the published ones have, so that their files are read as the pages say."""
    torch.manual_seed(7)
    encoder = EvaConfig(image_size=28, width=48, layers=2, heads=16, mlp_width=64)
    bridge = QFormerConfig(patch_width=48, width=48, layers=2, heads=12, mlp_width=64, queries=4, positions=64)
    if text:
        bridge = replace(bridge, vocab_size=len(WORDS) + 5)
    if language is None:
        bridge = replace(bridge, contrast_width=16, matching=True, captioning=True)
    config = Blip2Config(encoder=encoder, bridge=bridge, language=language)
    return Checkpoint(
        name="small",
        family="retrieval" if language is None else "causal" if isinstance(language, CausalConfig) else "seq2seq",
        config=config,
        model=config.build().eval().requires_grad_(False),
        image=ImageFacts(size=28),
        prompts=Prompts(),
        tokenizer=word_tokenizer() if language else None,
        text_tokenizer=bert_tokenizer() if text else None,
    )


def in_cache(cache: Path, name: str) -> Path:
    """Where the hub's client keeps a model of this id."""
    folder = cache / f"models--{name.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("0" * 40)
    return folder / "snapshots" / ("0" * 40)


def split(whole: Path, encoder: Path, trained: Path) -> None:
    """A whole file of LAVIS as it publishes one: the encoder by itself, with its last block; what was trained."""
    state = torch.load(whole, weights_only=True)["model"]
    seen = {key.removeprefix("visual_encoder."): value for key, value in state.items() if key.startswith("visual_")}
    last = {key.replace("blocks.0.", "blocks.2."): value for key, value in seen.items() if key.startswith("blocks.0.")}
    torch.save({**seen, **last}, encoder)
    frozen = ("visual_encoder.", "opt_model.", "t5_model.", "llm_model.")
    torch.save({"model": {key: value for key, value in state.items() if not key.startswith(frozen)}}, trained)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The hub's cache with small models under the published names; beside it LAVIS' files, and photos."""
    place = tmp_path_factory.mktemp("published")
    made = {name: small(*parts) for name, parts in MODELS.items()}
    for name, checkpoint in made.items():
        save_huggingface(checkpoint, in_cache(place / "hub", f"Salesforce/{name}"))
    for name, config in HUB.items():
        folder = in_cache(place / "hub", name)
        language: Any = config.build()
        language.model.save_pretrained(folder)
        word_tokenizer().save(folder / "tokenizer.json")
        (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')
    for file, name in LAVIS_FILES.items():
        save_lavis(made[name], place / "whole.pth")
        split(place / "whole.pth", place / "eva_vit_g.pth", place / file)
    (place / "photos").mkdir()
    for scene, name in zip(sample_scenes(2, seed=0, split="held-out"), ("photo.png", "photos/0.png"), strict=True):
        scene.image.save(place / name)
    return place


@pytest.mark.parametrize("page", sorted(PAGES.glob("*.md")), ids=lambda page: page.stem)
def test_a_page_does_what_it_says(
    page: Path, published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for each in published.iterdir():
        (tmp_path / each.name).symlink_to(each)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(published / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    names: dict[str, Any] = {}
    blocks = BLOCK.findall(page.read_text())
    assert "python" in {kind for kind, _ in blocks}
    for kind, body in blocks:
        if kind == "python":
            exec(compile(body, str(page), "exec"), names)
        else:
            for line in body.splitlines():
                run(line)
    assert capsys.readouterr().out


@pytest.mark.parametrize("family", FAMILIES)
def test_the_figures_of_a_page_are_those_of_the_models(family: str) -> None:
    block = family_facts.BLOCK.search((PAGES / f"{family}.md").read_text())
    assert block, f"{family}.md has no place for computed facts"
    said = block.group().removeprefix(family_facts.BEGIN).removesuffix(family_facts.END).strip()
    assert said == family_facts.facts(family).strip(), "write them with: python tests/vlm/family_facts.py"


def test_every_family_has_a_page_that_the_first_page_names() -> None:
    assert {page.stem for page in PAGES.glob("*.md")} == {*FAMILIES, "README"}
    assert set(re.findall(r"\]\((\w+)\.md\)", (PAGES / "README.md").read_text())) == set(FAMILIES)


def test_every_model_stands_on_one_page_only() -> None:
    pages = {family: (PAGES / f"{family}.md").read_text() for family in FAMILIES}
    for name, known in CATALOG.items():
        assert [family for family, text in pages.items() if f"| `{name}` | " in text] == [known.family]


def test_sizes_are_those_the_paper_reports() -> None:
    """Trainable parameters of arXiv 2301.12597, table 2, in millions."""
    paper = {"blip2-opt-2.7b": 107, "blip2-opt-6.7b": 108, "blip2-flan-t5-xl": 107, "blip2-flan-t5-xxl": 108}
    for name, millions in paper.items():
        many = family_facts.sizes(name, CATALOG[name].family)
        assert round((many["norm"] + many["bridge"] + many["project"]) / 1e6) == millions


def test_the_peak_of_loading_is_the_one_measured() -> None:
    measured = json.loads((PAGES.parents[2] / "benchmarks/results/fullsize.json").read_text())
    assert f"{measured['peak_loading_over_weights']:.2f} times the weights" in (PAGES / "README.md").read_text()
