"""Families by proof: a sample of every mechanism of the campaign (`make campaign-families` tries them all)."""

import itertools
import json
import logging
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from family_trials import Subject, composed, config_of, encoder_of, judged, kept, picture, seen

from sightline.vlm import weights
from sightline.vlm.families import FamilyRefusedError
from sightline.vlm.families.proved import SHIPPED, digest
from sightline.vlm.families.shrunk import shrunk
from sightline.vlm.language import CausalConfig, CausalLanguage
from sightline.vlm.language.proof import prove

RESULTS = sys.modules["sightline.vlm.families.proved"]
"""The module, whose name in its package is the function's."""
RIGHT = [
    Subject("causal", "opt"),
    Subject("causal", "llama"),
    Subject("causal", "xglm"),
    Subject("causal", "ctrl"),
    Subject("causal", "roberta", {"is_decoder": True}, "as a decoder"),
    Subject("seq2seq", "t5"),
    Subject("seq2seq", "pegasus", {"scale_embedding": True}, "with scaled embeddings"),
    Subject("seq2seq", "switch_transformers"),
]
SLOWER = {
    Subject("causal", "mistral"): "rows are grouped by length beyond 4096 positions",
    Subject("causal", "mpt"): "rows are grouped by length",
    Subject("causal", "qwen3_5_text"): "rows are grouped by length",
    Subject("causal", "falcon_h1"): "rows are grouped by length",
    Subject("causal", "mamba"): "a prefix is continued token by token, rows are grouped by length",
    Subject("causal", "openai-gpt"): "everything is read again for every token",
}
REFUSED = {
    Subject("causal", "bert"): "depends on the text after it",
    Subject("causal", "gemma4_text"): "does not read embeddings",
    Subject("causal", "cpmant"): "does not read embeddings",
    Subject("seq2seq", "voxtral"): "does not read a token's embedding as it reads the token",
}
EYES = [Subject("vision", kind) for kind in ("clip_vision_model", "dinov3_vit", "sam3_vit_model", "aimv2_vision_model")]
BLIND = {
    Subject("vision", "convnext"): "no one stack of layers of one width",
    Subject("vision", "hiera"): "no one stack of layers of one width",
    Subject("vision", "vit_mae"): "5 features for 4×4 patches",
    Subject("vision", "videomae"): "does not see pictures by themselves",
}


def named(subject: Subject) -> str:
    return subject.name


@pytest.mark.parametrize("subject", RIGHT, ids=named)
def test_a_family_answers_as_its_own_model_does_alone_and_uncached(subject: Subject) -> None:
    assert judged(subject).row() | {"role": "", "family": ""} == {
        "role": "",
        "family": "",
        "verdict": "right",
        "why": "",
    }


@pytest.mark.parametrize(("subject", "how"), SLOWER.items(), ids=lambda each: getattr(each, "name", ""))
def test_a_family_that_the_usual_way_gets_wrong_answers_right_by_a_slower_one(subject: Subject, how: str) -> None:
    verdict = judged(subject)
    assert (verdict.verdict, verdict.why) == ("slower", how)


@pytest.mark.parametrize(("subject", "why"), REFUSED.items(), ids=lambda each: getattr(each, "name", ""))
def test_a_family_that_no_way_makes_right_is_refused_in_a_sentence(subject: Subject, why: str) -> None:
    verdict = judged(subject)
    assert verdict.verdict == "refused"
    assert why in verdict.why


@pytest.mark.parametrize("subject", EYES, ids=named)
def test_a_vision_kind_gives_a_feature_a_patch(subject: Subject) -> None:
    assert seen(subject).verdict == "right"


@pytest.mark.parametrize(("subject", "why"), BLIND.items(), ids=lambda each: getattr(each, "name", ""))
def test_a_vision_kind_without_a_feature_a_patch_is_refused_in_a_sentence(subject: Subject, why: str) -> None:
    verdict = seen(subject)
    assert verdict.verdict == "refused"
    assert why in verdict.why


@pytest.mark.parametrize(
    ("language", "encoder"),
    list(zip([RIGHT[1], *list(SLOWER)[2:5], RIGHT[6]], itertools.cycle(EYES), strict=False)),
    ids=named,
)
def test_a_composition_of_any_two_is_trained_saved_and_answers_the_same(
    language: Subject, encoder: Subject, tmp_path: Path
) -> None:
    assert kept(language, encoder_of(encoder), tmp_path / "whole") == []


def test_a_slower_way_is_said_once(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sightline.vlm.language.proof._SAID", set())
    config = config_of(Subject("causal", "mpt"))
    with caplog.at_level(logging.WARNING, "sightline.vlm"):
        config.prove()
        config.prove()
    assert [each.message for each in caplog.records] == ["mpt runs by a slower right way: rows are grouped by length"]


def test_a_result_is_kept_for_the_next_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_CACHE", str(tmp_path))
    monkeypatch.setattr(RESULTS, "_KNOWN", {})
    monkeypatch.setattr(RESULTS, "_shipped", dict)
    config = config_of(Subject("causal", "llama"))
    way = config.prove()
    monkeypatch.setattr(RESULTS, "_KNOWN", {})
    monkeypatch.setattr("sightline.vlm.language.proof.prove", lambda *_: pytest.fail("found out again"))
    assert config.prove() == way
    assert len(list((tmp_path / "families").iterdir())) == 1


def test_the_model_in_the_package_brings_what_its_self_check_found_out() -> None:
    told = json.loads((Path(weights.__file__).parent / "tiny" / "sightline.json").read_text())["config"]["language"][
        "architecture"
    ]
    config = CausalConfig(architecture=told)
    small = shrunk(config.known().to_dict())
    shipped = json.loads(SHIPPED.read_text())
    assert shipped[digest(CausalLanguage.automatic, small)]["way"] == prove(CausalLanguage, config, small).to_dict()


def test_all_sizes_of_an_architecture_share_one_result() -> None:
    small, large = ({"model_type": "llama", "hidden_size": width, "num_hidden_layers": 2} for width in (64, 4096))
    known = [CausalConfig(architecture=each).known().to_dict() for each in (small, large)]
    assert shrunk(known[0]) == shrunk(known[1])


def test_a_frozen_encoder_sees_the_same_while_the_bridge_is_trained() -> None:
    encoder = encoder_of(Subject("vision", "dinov3_vit", {"pos_embed_jitter": 0.5})).build().requires_grad_(False)
    pixels_BCHW = torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        before = encoder.eval()(pixels_BCHW)
        assert torch.equal(encoder.train()(pixels_BCHW), before)
    assert encoder.requires_grad_().train().training


def test_a_padded_batch_beyond_a_window_goes_on_in_groups() -> None:
    config: Any = config_of(Subject("causal", "mistral"))
    short = CausalConfig(architecture={**config.architecture, "sliding_window": 64})
    assert short.prove().until == 64
    loaded = composed(short)
    many = ["w20 " * 50, "w21 " * 8]
    together = loaded.ask(picture(0), many, max_new_tokens=12, min_new_tokens=12)
    alone = [loaded.ask(picture(0), each, max_new_tokens=12, min_new_tokens=12)[0] for each in many]
    assert [each.tokens for each in together] == [each.tokens for each in alone]


def test_refusals_are_errors_of_ours() -> None:
    with pytest.raises(FamilyRefusedError, match="the language model type 'bert' cannot be used: what it says"):
        config_of(Subject("causal", "bert")).build()
