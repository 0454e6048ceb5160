"""Sightline's own folders: whole, half precision, or only what was trained on top of a base."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from random_models import checkpoint, opt, t5
from safetensors.torch import load_file

from sightline.vlm.config import ConfigError
from sightline.vlm.weights import Checkpoint, CheckpointError, read, save_folder


@pytest.fixture
def whole() -> Checkpoint:
    return checkpoint(language=opt())


def same_weights(one: Checkpoint, other: Checkpoint) -> bool:
    ours, theirs = one.model.state_dict(), other.model.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_a_saved_model_is_read_back_in_full(whole: Checkpoint, tmp_path: Path) -> None:
    whole.card = {"about": "a test", "accuracy": 0.5}
    whole.decoding = {"num_beams": 3}
    save_folder(whole, tmp_path / "model")
    back = read(tmp_path / "model")
    assert same_weights(whole, back)
    for name in ("family", "config", "image", "prompts", "card", "decoding"):
        assert getattr(back, name) == getattr(whole, name)
    assert back.tokenizer is not None
    assert whole.tokenizer is not None
    assert back.tokenizer.batch(["a red three", "a"]).tokens_BL.tolist() == (
        whole.tokenizer.batch(["a red three", "a"]).tokens_BL.tolist()
    )
    assert back.tokenizer.pad_id == whole.tokenizer.pad_id


def test_tied_weights_of_an_encoder_decoder_survive(tmp_path: Path) -> None:
    model = checkpoint(language=t5())
    save_folder(model, tmp_path)
    back = read(tmp_path)
    assert same_weights(model, back)
    assert back.model.language.model.encoder.embed_tokens.weight is back.model.language.model.shared.weight


def test_half_precision_halves_the_file_and_is_read_back_as_float32(whole: Checkpoint, tmp_path: Path) -> None:
    save_folder(whole, tmp_path / "whole")
    save_folder(whole, tmp_path / "half", dtype=torch.float16)
    sizes = [(tmp_path / name / "model.safetensors").stat().st_size for name in ("whole", "half")]
    assert sizes[1] < 0.6 * sizes[0]
    back = read(tmp_path / "half").model
    assert {parameter.dtype for parameter in back.parameters()} == {torch.float32}
    torch.testing.assert_close(back.norm.weight, whole.model.norm.weight, atol=1e-3, rtol=0)


def test_only_what_was_trained_is_stored_beside_its_base(whole: Checkpoint, tmp_path: Path) -> None:
    save_folder(whole, tmp_path / "base")
    tuned = read(tmp_path / "base")
    tuned.model.bridge.query_tokens.data.add_(1.0)
    save_folder(tuned, tmp_path / "tuned", trained=("bridge.", "project."), base=str(tmp_path / "base"))
    stored = load_file(tmp_path / "tuned" / "model.safetensors")
    assert {name.split(".")[0] for name in stored} == {"bridge", "project"}
    assert same_weights(tuned, read(tmp_path / "tuned"))


def test_a_part_without_a_base_is_refused(whole: Checkpoint, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`trained` and `base` go together"):
        save_folder(whole, tmp_path, trained=("bridge.",))


def test_a_base_that_became_another_model_is_refused(whole: Checkpoint, tmp_path: Path) -> None:
    save_folder(whole, tmp_path / "base")
    save_folder(whole, tmp_path / "tuned", trained=("bridge.",), base=str(tmp_path / "base"))
    other = checkpoint(language=opt(num_hidden_layers=1))
    save_folder(other, tmp_path / "base")
    with pytest.raises(CheckpointError, match=r"was trained on .*, but the language of .* is now another one"):
        read(tmp_path / "tuned")


def test_a_save_replaces_an_earlier_one_and_leaves_no_partial_file(whole: Checkpoint, tmp_path: Path) -> None:
    save_folder(whole, tmp_path)
    whole.model.norm.weight.data.fill_(3.0)
    save_folder(whole, tmp_path)
    assert same_weights(whole, read(tmp_path))
    assert not list(tmp_path.glob("*.partial"))


def spoil(folder: Path, **changes: object) -> None:
    facts = json.loads((folder / "sightline.json").read_text())
    (folder / "sightline.json").write_text(
        json.dumps({key: value for key, value in (facts | changes).items() if value})
    )


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"format": 9}, CheckpointError, "has format 9, this Sightline reads 1: update Sightline"),
        ({"family": None, "image": None}, CheckpointError, "lacks family, image"),
        ({"prompts": {"questions": "?"}}, ConfigError, "Prompts has no field 'questions'"),
    ],
)
def test_a_spoiled_card_is_refused(
    whole: Checkpoint, tmp_path: Path, changes: dict[str, object], error: type[Exception], message: str
) -> None:
    whole.card = {"about": "x"}
    whole.decoding = {"num_beams": 1}
    save_folder(whole, tmp_path)
    spoil(tmp_path, **changes)
    with pytest.raises(error, match=message):
        read(tmp_path)


def test_weights_of_another_shape_are_listed(whole: Checkpoint, tmp_path: Path) -> None:
    save_folder(whole, tmp_path)
    card = tmp_path / "sightline.json"
    wider = replace(whole.config.bridge, queries=whole.model.bridge.queries + 1)
    facts = json.loads(card.read_text())
    facts["config"] = replace(whole.config, bridge=wider).to_dict()
    card.write_text(json.dumps(facts))
    with pytest.raises(CheckpointError, match=r"misshapen \(1\): bridge.query_tokens is"):
        read(tmp_path)
