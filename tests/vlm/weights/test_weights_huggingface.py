"""Checkpoint folders of Hugging Face: read whole, written back equal, and refused with everything that is wrong."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import foreign_models as foreign
import pytest
import torch
from foreign_models import Shape
from safetensors.torch import load_file, save_file
from transformers import Blip2ForConditionalGeneration, Blip2ForImageTextRetrieval

from sightline.vlm.bridges import QFormerConfig, Text
from sightline.vlm.encoders import ConvViTConfig, EvaConfig
from sightline.vlm.language import LanguageConfig
from sightline.vlm.model import Blip2Config
from sightline.vlm.weights import CheckpointError, ImageFacts, UnknownModelError, read, save_huggingface
from sightline.vlm.weights.huggingface import read_config

SHAPE = Shape()


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return foreign.saved(foreign.writing(SHAPE), tmp_path_factory.mktemp("writer"), shard="10MB")


@pytest.fixture
def broken(writer: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((writer / name).read_bytes())
    return tmp_path


def reconfigure(folder: Path, **changes: Any) -> None:
    values = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(values | changes))


@pytest.mark.parametrize("language", ["opt", "llama", "t5", "flan-t5"])
@torch.no_grad()
def test_a_model_written_back_is_read_by_transformers_with_the_same_weights(language: str, tmp_path: Path) -> None:
    theirs = foreign.writing(SHAPE, language)
    save_huggingface(read(foreign.saved(theirs, tmp_path / "theirs")), tmp_path / "ours", max_shard_size="50KB")
    back = Blip2ForConditionalGeneration.from_pretrained(tmp_path / "ours").eval()
    before, after = theirs.state_dict(), back.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert len(list((tmp_path / "ours").glob("model-*.safetensors"))) > 1


def test_a_retrieval_model_written_back_keeps_its_heads_and_its_temperature(tmp_path: Path) -> None:
    theirs = foreign.retrieval(SHAPE)
    checkpoint = read(foreign.saved(theirs, tmp_path / "theirs"))
    checkpoint.model.bridge.temperature.data.fill_(0.03)
    save_huggingface(checkpoint, tmp_path / "ours")
    back = Blip2ForImageTextRetrieval.from_pretrained(tmp_path / "ours").state_dict()
    assert all(torch.equal(tensor, back[name]) for name, tensor in theirs.state_dict().items())
    assert read(tmp_path / "ours").model.bridge.temperature.item() == pytest.approx(0.03)


@torch.no_grad()
def test_a_captioning_head_survives_the_way_through_their_layout(tmp_path: Path) -> None:
    checkpoint = read(foreign.saved(foreign.retrieval(SHAPE), tmp_path / "theirs"))
    assert isinstance(checkpoint.config.bridge, QFormerConfig)
    with_head = replace(checkpoint.config, bridge=replace(checkpoint.config.bridge, captioning=True))
    model = with_head.build().eval()
    model.load_state_dict(checkpoint.model.state_dict(), strict=False)
    save_huggingface(replace(checkpoint, config=with_head, model=model), tmp_path / "ours")
    text = Text(foreign.prompt(SHAPE), torch.ones(SHAPE.batch, 4))
    patches_BPD = model.see(foreign.pixels(SHAPE))
    again = read(tmp_path / "ours").model.bridge
    assert torch.equal(again.caption_logits(patches_BPD, text), model.bridge.caption_logits(patches_BPD, text))


def test_a_model_they_cannot_express_is_not_written(writer: Path, tmp_path: Path) -> None:
    checkpoint = read(writer)
    other = replace(checkpoint, config=replace(checkpoint.config, encoder=ConvViTConfig()))
    with pytest.raises(CheckpointError, match="EVA-style encoder only, this model has ConvViTConfig"):
        save_huggingface(other, tmp_path)
    finer = replace(checkpoint, config=replace(checkpoint.config, norm_eps=1e-5))
    with pytest.raises(CheckpointError, match="one eps for encoder and norm, this model has 1e-06 and 1e-05"):
        save_huggingface(finer, tmp_path)


def test_flan_t5_keeps_an_output_matrix_of_its_own(tmp_path: Path) -> None:
    model = read(foreign.saved(foreign.writing(SHAPE, "flan-t5"), tmp_path)).model.language.model
    assert not torch.equal(model.lm_head.weight, model.shared.weight)
    assert model.encoder.embed_tokens.weight is model.shared.weight


def test_tied_matrices_are_held_once(writer: Path) -> None:
    model = read(writer).model.language.model
    assert model.lm_head.weight is model.model.decoder.embed_tokens.weight


def test_a_matrix_stored_twice_is_held_once(broken: Path) -> None:
    weights = load_file(broken / "model.safetensors")
    weights["language_model.lm_head.weight"] = weights["language_model.model.decoder.embed_tokens.weight"].clone()
    save_file(weights, broken / "model.safetensors")
    model = read(broken).model.language.model
    assert model.lm_head.weight is model.model.decoder.embed_tokens.weight


def test_text_weights_left_in_a_second_stage_checkpoint_are_passed_over(broken: Path) -> None:
    weights = load_file(broken / "model.safetensors")
    weights["qformer.encoder.layer.0.intermediate.dense.weight"] = torch.zeros(3, 3)
    weights["qformer.encoder.layer.1.output.LayerNorm.bias"] = torch.zeros(3)
    weights["embeddings.position_ids"] = torch.zeros(1, 3)
    save_file(weights, broken / "model.safetensors")
    assert read(broken).model.bridge.text is None


def test_everything_that_does_not_fit_is_listed_at_once(broken: Path) -> None:
    weights = load_file(broken / "model.safetensors")
    del weights["qformer.encoder.layer.1.attention.attention.key.weight"]
    weights["stray.weight"] = torch.zeros(2)
    weights["query_tokens"] = torch.zeros(1, 4, 48)
    save_file(weights, broken / "model.safetensors")
    with pytest.raises(CheckpointError) as caught:
        read(broken)
    message = str(caught.value)
    assert str(broken) in message
    assert "missing (1): qformer.encoder.layer.1.attention.attention.key.weight" in message
    assert "unexpected (1): stray.weight" in message
    assert "misshapen (1): query_tokens is 1×4×48, the config asks for 1×8×48" in message


def test_a_long_list_of_misfits_is_counted(broken: Path) -> None:
    weights = load_file(broken / "model.safetensors")
    save_file({name: tensor for name, tensor in weights.items() if "qformer" not in name}, broken / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"missing \(\d\d\): qformer.* … and \d\d more"):
        read(broken)


def test_a_truncated_file_is_named(broken: Path) -> None:
    whole = (broken / "model.safetensors").read_bytes()
    (broken / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match=r"model.safetensors is damaged or not safetensors"):
        read(broken)


def test_an_absent_shard_is_named(tmp_path: Path) -> None:
    folder = foreign.saved(foreign.writing(SHAPE), tmp_path)
    first = sorted(folder.glob("model-00001*"))[0]
    first.unlink()
    with pytest.raises(CheckpointError, match=rf"lacks {first.name}, which .* was the download cut short"):
        read(folder)


def test_pickled_weights_are_read_as_tensors(broken: Path) -> None:
    wanted = read(broken).model.state_dict()
    torch.save(load_file(broken / "model.safetensors"), broken / "pytorch_model.bin")
    (broken / "model.safetensors").unlink()
    found = read(broken).model.state_dict()
    assert all(torch.equal(tensor, found[name]) for name, tensor in wanted.items())


def test_pickled_weights_that_hold_more_than_tensors_are_refused(broken: Path) -> None:
    (broken / "model.safetensors").unlink()
    torch.save({"run": Path("x")}, broken / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match="damaged or holds more than tensors, which is not read"):
        read(broken)


def test_another_architecture_is_refused_with_the_nearest_name(broken: Path) -> None:
    reconfigure(broken, architectures=["Blip2ForConditionalGenerations"])
    with pytest.raises(CheckpointError, match="holds a Blip2ForConditionalGenerations: did you mean Blip2For"):
        read(broken)


def test_another_encoder_is_refused_rather_than_built_as_eva(broken: Path) -> None:
    reconfigure(broken, vision_config={"model_type": "clip_vision_model"})
    with pytest.raises(CheckpointError, match="says its encoder is a 'clip_vision_model'"):
        read(broken)


def test_another_family_is_refused_whatever_its_architecture(broken: Path) -> None:
    reconfigure(broken, model_type="llava")
    with pytest.raises(CheckpointError, match="says it is a 'llava': BLIP-2 checkpoints of transformers are blip-2 or"):
        read(broken)


@pytest.mark.parametrize(("text", "problem"), [("{", "is not JSON"), ("[]", "holds a list, an object was expected")])
def test_a_broken_config_is_refused(broken: Path, text: str, problem: str) -> None:
    (broken / "config.json").write_text(text)
    with pytest.raises(CheckpointError, match=problem):
        read(broken)


def test_a_folder_without_a_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"neither sightline.json .* nor config.json"):
        read(tmp_path)


def test_an_unknown_name_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(UnknownModelError, match="unknown model 'sightline-tinny': did you mean sightline-tiny"):
        read("sightline-tinny")


def test_a_hub_id_that_cannot_be_reached_says_so() -> None:
    with pytest.raises(UnknownModelError, match=r"'nobody/nothing' is neither in the local cache nor could it"):
        read("nobody/nothing")


def test_half_precision_is_for_encoder_and_language_model_alone(writer: Path) -> None:
    model = read(writer, dtype=torch.bfloat16).model
    assert model.encoder.cls.dtype == torch.bfloat16
    assert model.project.weight.dtype == torch.bfloat16
    assert {parameter.dtype for parameter in model.language.parameters()} == {torch.bfloat16}
    assert {parameter.dtype for parameter in model.bridge.parameters()} == {torch.float32}
    assert model.norm.weight.dtype == torch.float32


@torch.no_grad()
def test_half_precision_gives_nearly_the_same_logits(writer: Path) -> None:
    pixels_BCHW, targets_BT = foreign.pixels(SHAPE), foreign.prompt(SHAPE)
    whole = read(writer).model(pixels_BCHW, targets_BT)
    half = read(writer, dtype=torch.bfloat16).model(pixels_BCHW, targets_BT)
    assert half.dtype == torch.bfloat16
    assert torch.nn.functional.cosine_similarity(whole.flatten(), half.float().flatten(), dim=0) > 0.99


def test_float16_is_widened_on_a_cpu(broken: Path) -> None:
    reconfigure(broken, dtype="float16")
    assert read(broken).model.encoder.cls.dtype == torch.float32
    assert read(broken, dtype=torch.float16).model.encoder.cls.dtype == torch.float16


def test_a_read_model_is_ready_to_use(writer: Path) -> None:
    checkpoint = read(writer)
    assert not checkpoint.model.training
    assert not any(parameter.requires_grad for parameter in checkpoint.model.parameters())
    assert checkpoint.family == "causal"
    assert checkpoint.tokenizer is None
    assert checkpoint.image == ImageFacts(size=56)
    assert checkpoint.prompts.question == "Question: {} Answer:"
    assert isinstance(checkpoint.config, Blip2Config)


def test_t5_is_asked_for_short_answers(tmp_path: Path) -> None:
    checkpoint = read(foreign.saved(foreign.writing(SHAPE, "t5"), tmp_path))
    assert checkpoint.family == "seq2seq"
    assert checkpoint.prompts.question == "Question: {} Short answer:"
    assert checkpoint.decoding["length_penalty"] == -1.0


@pytest.mark.parametrize("file", ["preprocessor_config.json", "processor_config.json"])
def test_image_facts_come_from_the_processor(broken: Path, file: str) -> None:
    facts = {"size": {"height": 28, "width": 28}, "image_mean": [0.5] * 3, "image_std": [0.25] * 3, "resample": 2}
    nested = facts if file.startswith("pre") else {"image_processor": facts}
    (broken / file).write_text(json.dumps(nested))
    image = ImageFacts(size=28, mean=(0.5,) * 3, std=(0.25,) * 3, resample="bilinear")
    assert read(broken).image == image


def test_a_centre_crop_that_the_processor_asks_for_is_kept(broken: Path) -> None:
    facts = {"size": {"shortest_edge": 32}, "do_center_crop": True, "crop_size": {"height": 28, "width": 28}}
    (broken / "preprocessor_config.json").write_text(json.dumps(facts))
    assert read(broken).image == ImageFacts(size=28, shortest_edge=32)


def test_a_processor_whose_pixels_are_no_square_is_refused(broken: Path) -> None:
    (broken / "preprocessor_config.json").write_text(json.dumps({"size": {"height": 28, "width": 56}}))
    with pytest.raises(CheckpointError, match=r"preprocessor_config\.json: size is .*: the pixels .* must be a square"):
        read(broken)


def test_an_image_that_is_not_square_is_refused(broken: Path) -> None:
    values = json.loads((broken / "config.json").read_text())
    reconfigure(broken, vision_config=values["vision_config"] | {"image_size": [56, 28]})
    with pytest.raises(CheckpointError, match=r"image_size is \[56, 28\], but BLIP-2's encoder was trained on squares"):
        read(broken)


OLD_OPT = {"model_type": "opt", "prefix": "</s>", "eos_token_id": 50118, "torch_dtype": "float16", "num_beams": 1}
OLD_FLAN_T5 = {
    "model_type": "t5",
    "feed_forward_proj": "gated-gelu",
    "dense_act_fn": "gelu",
    "tie_word_embeddings": False,
    "decoder_start_token_id": 0,
    "task_specific_params": {"summarization": {"early_stopping": True}},
}


@pytest.mark.parametrize("text", [OLD_OPT, OLD_FLAN_T5])
def test_configs_as_first_published_are_understood(text: dict[str, Any]) -> None:
    raw = {
        "architectures": ["Blip2ForConditionalGeneration"],
        "num_query_tokens": 32,
        "qformer_config": {"position_embedding_type": "absolute", "classifier_dropout": None},
        "text_config": text,
        "torch_dtype": "float32",
        "use_decoder_only_language_model": text is OLD_OPT,
        "vision_config": {"dropout": 0.0, "model_type": "blip_2_vision_model", "projection_dim": 512},
    }
    config = read_config(raw, Path("old"))
    assert config.encoder == EvaConfig()
    assert config.bridge == QFormerConfig(patch_width=1408)
    assert isinstance(config.language, LanguageConfig)
    architecture = config.language.architecture
    if text is OLD_OPT:
        assert architecture["eos_token_id"] == 50118
    else:
        assert (architecture["dense_act_fn"], architecture["scale_decoder_outputs"]) == ("gelu", False)
