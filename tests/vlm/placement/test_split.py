"""A language model over several devices answers as on one; a map that cannot be is refused before weights are read."""

from pathlib import Path
from typing import Any

import pytest
import torch
from foreign_models import Shape, saved, writing
from numbered_cpus import NumberedCpus
from test_any_with_any import LANGUAGES, SIDE, composed, foreign
from torch import nn

from sightline import vlm
from sightline.vlm.config import ConfigError
from sightline.vlm.language import CausalConfig, Seq2SeqConfig
from sightline.vlm.loaded import Loaded
from sightline.vlm.placement import Layout, Split
from sightline.vlm.weights import ModelConfig, PretrainedLanguage, read, save_folder

LAYERS = {
    "OPT": "model.decoder.layers.1",
    "Llama": "model.layers.1",
    "Qwen": "model.layers.1",
    "Gemma": "model.layers.1",
    "GPT-2": "transformer.h.1",
    "FlanT5": "decoder.block.1",
    "BART": "model.decoder.layers.1",
}


def stored(language: CausalConfig | Seq2SeqConfig, folder: Path) -> Path:
    save_folder(composed(foreign("clip_vision_model"), language), folder)
    return folder


@pytest.mark.parametrize("name", LANGUAGES)
def test_every_family_answers_over_two_devices_as_on_one(name: str, tmp_path: Path) -> None:
    folder = stored(LANGUAGES[name], tmp_path)
    pixels, asked = torch.randn(2, 3, SIDE, SIDE), ["how many", "which digit is red ?"]
    whole = vlm.load(folder)
    beams = {"num_beams": 3, "num_return_sequences": 2}
    with NumberedCpus() as cpus:
        split = vlm.load(folder, device={"language": {"": "cpu:0", LAYERS[name]: "cpu:1"}})
        root: Any = split.model.language
        far = dict(root.model.named_modules())[LAYERS[name]]
        assert {cpus.of[weight] for weight in far.parameters()} == {1}
        others = [each for each in root.parameters() if not any(each is weight for weight in far.parameters())]
        assert {cpus.of[weight] for weight in others} == {0}
        answers = split.ask(pixels, asked, looked="gradient")
        several = split.caption(pixels, "a", **beams)  # type: ignore[arg-type]
        ranked = split.rank(pixels[:1], asked, ["one", "two three"]).probabilities
    assert [each.tokens for each in answers] == [each.tokens for each in whole.ask(pixels, asked)]
    assert [each.tokens for each in several] == [each.tokens for each in whole.caption(pixels, "a", **beams)]  # type: ignore[arg-type]
    torch.testing.assert_close(ranked, whole.rank(pixels[:1], asked, ["one", "two three"]).probabilities)


@pytest.mark.gpu
@pytest.mark.parametrize("name", LANGUAGES)
def test_every_family_answers_over_an_accelerator_and_the_cpu_as_on_the_cpu(name: str, tmp_path: Path) -> None:
    folder = stored(LANGUAGES[name], tmp_path)
    pixels, asked = torch.randn(2, 3, SIDE, SIDE), ["how many", "which digit is red ?"]
    split = vlm.load(folder, device={"language": {"": "cuda:0", LAYERS[name]: "cpu"}})
    assert [each.tokens for each in split.ask(pixels, asked, num_beams=3)] == [
        each.tokens for each in vlm.load(folder).ask(pixels, asked, num_beams=3)
    ]


def test_a_layer_that_nothing_is_carried_to_fails_here_as_on_accelerators(tmp_path: Path) -> None:
    folder = stored(LANGUAGES["Llama"], tmp_path)
    with NumberedCpus():
        model = vlm.load(folder, device={"language": {"": "cpu:0", "model.layers.1": "cpu:1"}})
        language: Any = model.model.language
        language.model.model.layers[1]._forward_pre_hooks.clear()
        with pytest.raises(AssertionError, match=r"over tensors of CPUs \[0, 1\]"):
            model.ask(torch.randn(1, 3, SIDE, SIDE), "how many")


def test_a_model_trains_through_a_split_language_model(tmp_path: Path) -> None:
    folder = stored(LANGUAGES["Llama"], tmp_path)
    with NumberedCpus():
        model = vlm.load(folder, device={"language": {"": "cpu:0", "model.layers.1": "cpu:1"}}).model
        model.project.requires_grad_(True)  # type: ignore[union-attr]
        model(torch.randn(1, 3, SIDE, SIDE), torch.tensor([[5, 6, 2]])).sum().backward()
    assert model.project.weight.grad.abs().sum() > 0  # type: ignore[union-attr,operator]


def test_auto_fills_devices_in_their_order() -> None:
    language: Any = LANGUAGES["Llama"].build()
    layer = sum(each.nbytes for each in language.model.model.layers[0].parameters())
    rest = sum(each.nbytes for each in language.parameters()) - 2 * layer
    plan = Split(max_memory={"cpu:0": rest + layer + 600, "cpu:1": "1GiB"}).plan(language)
    assert plan.main == torch.device("cpu:0")
    assert {name: place.index for name, place in plan.places.items() if "layers" in name} == {
        "model.layers.0": 0,
        "model.layers.1": 1,
    }
    assert {place.index for name, place in plan.places.items() if "layers" not in name} == {0}
    assert set(Split(max_memory={"cpu:1": "1GiB"}).plan(language).places.values()) == {torch.device("cpu:1")}


def test_auto_without_limits_needs_no_accelerator(tmp_path: Path) -> None:
    folder = stored(LANGUAGES["OPT"], tmp_path)
    pixels = torch.randn(1, 3, SIDE, SIDE)
    auto = vlm.load(folder, device="auto").ask(pixels, "how many")
    assert auto[0].tokens == vlm.load(folder).ask(pixels, "how many")[0].tokens


def test_a_split_composes_with_a_dtype_by_part_and_streams_from_hugging_faces_shards(tmp_path: Path) -> None:
    folder = saved(writing(Shape(), "opt"), tmp_path)
    limits = {"cpu:0": "40KB", "cpu:1": "1GB"}
    with NumberedCpus() as cpus:
        where = {"encoder": "cpu", "language": Split(max_memory=limits)}
        model = read(folder, {"language": torch.bfloat16}, where).model
        assert {weight.dtype for weight in model.language.parameters()} == {torch.bfloat16}
        assert {cpus.of[weight] for weight in model.language.parameters()} == {0, 1}
    plain = read(folder, {"language": torch.bfloat16}).model.state_dict()
    assert all(torch.equal(each, plain[name]) for name, each in model.state_dict().items())


def test_tied_weights_on_two_devices_become_two_of_the_same_value(tmp_path: Path) -> None:
    folder = saved(writing(Shape(), "opt"), tmp_path)
    with NumberedCpus():
        model = read(folder, device={"language": {"": "cpu:0", "lm_head": "cpu:1"}}).model
        head, words = model.language.model.lm_head.weight, model.language.model.get_input_embeddings().weight
        assert head is not words
    assert torch.equal(head, words)


def test_a_composed_model_takes_a_split_too(tmp_path: Path) -> None:
    LANGUAGES["Qwen"].build().model.save_pretrained(tmp_path / "language")
    checkpoint = composed(foreign("vit"), LANGUAGES["Qwen"])
    config = ModelConfig(
        encoder=checkpoint.config.encoder,
        bridge=checkpoint.config.bridge,
        language=PretrainedLanguage(name=str(tmp_path / "language")),
        image={"size": SIDE},
    )
    where = {"language": {"": "cpu:0", "model.layers.0": "cpu:1"}}
    with NumberedCpus() as cpus:
        language = config.compose(where).model.language
        assert {cpus.of[weight] for weight in language.model.model.layers[0].parameters()} == {1}
    with pytest.raises(ConfigError, match=r"leaves out model\.layers\.1, model\.norm, "):
        config.compose({"language": {"model.embed_tokens": "cpu", "model.layers.0": "cpu"}})


@pytest.fixture
def no_weights_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading a tensor of a file is an error."""

    def read_none(*_: object) -> None:
        raise AssertionError("weights were read")

    monkeypatch.setattr("sightline.vlm.weights.folder.tensors", read_none)


@pytest.mark.usefixtures("no_weights_read")
@pytest.mark.parametrize(
    ("device", "words"),
    [
        ({"model.layers.0": "cpu"}, r"leaves out model\.embed_tokens, model\.layers\.1, model\.norm, .*: give each"),
        ({"": "cpu", "model.layer.1": "cpu"}, r"names 'model\.layer\.1', which the language model lacks: did you mean"),
        ({"": "cpu", "model.layers.1.mlp": "cpu"}, r"a layer stays whole, name 'model\.layers\.1'"),
        ({"": "disk"}, "'disk' is no device: weights stay in memory, name cpu or cuda:0"),
        ({"": 99}, "there is no cuda:99: this machine has"),
        ({"": "meta"}, "weights on 'meta' hold no numbers"),
        (
            Split(max_memory={"cpu": "1KB"}),
            r"the language model takes 0\.00 GiB, which does not fit into cpu 0\.00 GiB",
        ),
        (Split(max_memory={"cpu": "lots"}), "max_memory of 'lots' is no size"),
        (Split(max_memory={}), "max_memory names no device"),
    ],
)
def test_a_map_that_cannot_be_is_refused_before_weights_are_read(device: Any, words: str, tmp_path: Path) -> None:
    folder = stored(LANGUAGES["Llama"], tmp_path)
    with pytest.raises(ConfigError, match=words):
        read(folder, device={"language": device})


def test_max_memory_is_for_auto_only(tmp_path: Path) -> None:
    folder = stored(LANGUAGES["Llama"], tmp_path)
    assert isinstance(vlm.load(folder, device="auto", max_memory={"cpu": "1GB"}), Loaded)
    with pytest.raises(ConfigError, match="max_memory goes with device='auto'"):
        vlm.load(folder, device="cpu", max_memory={"cpu": "1GB"})


def test_a_language_model_of_ones_own_takes_one_device() -> None:
    with pytest.raises(ConfigError, match="a Linear cannot be split: give the language model one device"):
        Layout.of(None, {"language": "auto"}).move_language(nn.Linear(2, 2))
