"""Precision travels with a checkpoint; quantised weights, adapters, foreign tokenizers are read or refused by name."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import foreign_models as foreign
import pytest
import torch
from random_models import checkpoint, opt, t5, word_tokenizer
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM

from sightline.vlm import weights
from sightline.vlm.loaded import Loaded
from sightline.vlm.loaded.inputs import InputError
from sightline.vlm.placement import Spot
from sightline.vlm.weights import CheckpointError, read, read_language, save_folder, save_huggingface

SHAPE = foreign.SHAPES["plain"]


def dtypes(loaded: weights.Checkpoint) -> dict[str, torch.dtype]:
    return {part: loaded.model.spot(part).dtype for part in ("encoder", "bridge", "language")}


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A folder of theirs in one file."""
    return foreign.saved(foreign.writing(SHAPE), tmp_path / "theirs", "1GB")


def reconfigure(folder: Path, **values: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_the_precision_of_each_part_travels_with_a_folder_of_ours(theirs: Path, tmp_path: Path) -> None:
    half = read(theirs, dtype={"language": torch.bfloat16})
    save_folder(half, tmp_path / "ours")
    again = read(tmp_path / "ours")
    assert (
        dtypes(again)
        == dtypes(half)
        == {
            "encoder": torch.float32,
            "bridge": torch.float32,
            "language": torch.bfloat16,
        }
    )
    assert dtypes(read(tmp_path / "ours", dtype=torch.float32))["language"] == torch.float32


def test_the_precision_of_each_part_travels_through_their_layout(theirs: Path, tmp_path: Path) -> None:
    half = read(theirs, dtype=torch.bfloat16)
    save_huggingface(half, tmp_path / "ours")
    assert dtypes(read(tmp_path / "ours")) == dtypes(half)
    assert (
        json.loads((tmp_path / "ours" / "config.json").read_text())["dtype"] == "float32"
    )  # never less than a part has


def test_what_t5_keeps_in_float32_stays_there_in_float16_and_does_not_overflow() -> None:
    with Spot(torch.float16)():
        language = t5().build().eval()
    names = {name for name, each in language.named_parameters() if each.dtype == torch.float32}
    assert names
    assert all(".wo." in name for name in names)
    for name, each in language.named_parameters():
        if ".wo." in name or ".wi." in name:
            each.data.fill_(30.0)
    logits_BTV = language.logits(
        torch.ones(1, 3, 32, dtype=torch.float16), torch.ones(1, 3, dtype=torch.long), torch.tensor([[5, 6]])
    )
    assert bool(logits_BTV.isfinite().all())


@pytest.mark.parametrize("method", ["bitsandbytes", "gptq", "compressed-tensors"])
def test_a_quantised_folder_is_refused_by_its_method(theirs: Path, method: str) -> None:
    reconfigure(theirs, quantization_config={"quant_method": method})
    with pytest.raises(CheckpointError, match=rf"its weights are quantised \({method}\)"):
        read(theirs)


@pytest.mark.parametrize("dtype", [torch.int8, torch.float8_e4m3fn])
def test_numbers_that_want_scales_are_no_weights(theirs: Path, dtype: torch.dtype) -> None:
    held = load_file(theirs / "model.safetensors")
    key = next(name for name in held if "q_proj.weight" in name)
    save_file({**held, key: held[key].to(dtype)}, theirs / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"q_proj.weight holds .*8.* numbers: quantised weights are not read"):
        read(theirs)


def test_scales_beside_weights_are_named_as_what_they_are(theirs: Path) -> None:
    held = load_file(theirs / "model.safetensors")
    key = next(name for name in held if "q_proj.weight" in name)
    save_file({**held, f"{key}_scale": torch.ones(1)}, theirs / "model.safetensors")
    with pytest.raises(CheckpointError, match="The weights are quantised"):
        read(theirs)


def adapter(folder: Path, base: Path, module: str, shape: torch.Size, **changes: Any) -> tuple[torch.Tensor, Path]:
    """A LoRA folder as PEFT writes it, and what it adds to the module."""
    folder.mkdir()
    down, up = torch.randn(2, shape[1]), torch.randn(shape[0], 2)
    facts = {"peft_type": "LORA", "base_model_name_or_path": str(base), "r": 2, "lora_alpha": 6, **changes}
    (folder / "adapter_config.json").write_text(json.dumps(facts))
    before = f"base_model.model.{module}"
    save_file({f"{before}.lora_A.weight": down, f"{before}.lora_B.weight": up}, folder / "adapter_model.safetensors")
    return 3.0 * up @ down, folder


def test_an_adapter_is_merged_into_the_model_it_was_trained_on(theirs: Path, tmp_path: Path) -> None:
    held = load_file(theirs / "model.safetensors")
    key = next(name for name in held if "q_proj.weight" in name)
    added, folder = adapter(tmp_path / "lora", theirs, key.removesuffix(".weight"), held[key].shape)
    plain, merged = read(theirs).model.state_dict(), read(folder).model.state_dict()
    changed = [name for name in plain if not torch.equal(plain[name], merged[name])]
    assert len(changed) == 1
    torch.testing.assert_close(merged[changed[0]], plain[changed[0]] + added)


def test_an_adapter_of_a_language_model_alone_is_merged_too(tmp_path: Path) -> None:
    config = LlamaConfig(
        vocab_size=50, hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=4
    )
    LlamaForCausalLM(config).save_pretrained(tmp_path / "base")
    module = "model.layers.0.mlp.up_proj"
    added, folder = adapter(tmp_path / "lora", tmp_path / "base", module, torch.Size((64, 32)))
    weight = f"model.{module}.weight"
    plain, merged = (read_language(each).state_dict()[weight] for each in (tmp_path / "base", folder))
    torch.testing.assert_close(merged, plain + added)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"peft_type": "IA3"}, "an adapter of the kind 'IA3'"),
        ({"use_dora": True}, "use_dora is True"),
        ({"base_model_name_or_path": None}, "does not say on which model"),
    ],
)
def test_an_adapter_that_is_not_merged_is_refused_by_its_setting(
    theirs: Path, tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    _, folder = adapter(tmp_path / "lora", theirs, "x", torch.Size((2, 2)), **changes)
    with pytest.raises(CheckpointError, match=words):
        read(folder)


def test_an_adapter_of_another_model_is_refused_by_the_weight_it_lacks(theirs: Path, tmp_path: Path) -> None:
    _, folder = adapter(tmp_path / "lora", theirs, "language_model.nowhere.q_proj", torch.Size((2, 2)))
    with pytest.raises(CheckpointError, match=r"lacks \(language_model.nowhere.q_proj.weight\)"):
        read(folder)


def test_a_model_with_unmerged_adapters_is_not_written(tmp_path: Path) -> None:
    made = checkpoint(opt())
    made.model.language.model.lora_A = torch.nn.Linear(2, 2)
    for save in (save_folder, save_huggingface):
        with pytest.raises(CheckpointError):
            save(made, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_is_not_on_the_disk_as_it_was_written_is_no_success(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def torn(tensors: dict[str, torch.Tensor], path: Path, **_: Any) -> None:
        name = next(iter(tensors))
        save_file({**tensors, name: torch.zeros_like(tensors[name]) - 1}, path)

    monkeypatch.setattr("sightline.vlm.weights.folder.save_file", torn)
    with pytest.raises(CheckpointError, match=r"does not hold .* as it was written"):
        save_folder(checkpoint(opt()), tmp_path)
    assert not (tmp_path / "model.safetensors").exists()


def test_a_tokenizer_of_another_model_is_refused_at_load(tmp_path: Path) -> None:
    made = checkpoint(opt(vocab_size=20))
    save_folder(made, tmp_path)
    with pytest.raises(CheckpointError, match=r"tokenizer of the language model has \d+ tokens, .* embeds 20"):
        read(tmp_path)


def test_a_token_beyond_the_embedding_is_named_when_it_is_used() -> None:
    made = checkpoint(opt(vocab_size=len(word_tokenizer().backend.get_vocab())))
    assert made.tokenizer is not None
    made.tokenizer.backend.add_tokens(["photograph"])
    with pytest.raises(InputError, match="reads 'photograph' as token"):
        Loaded(made).ask(torch.zeros(3, 32, 32), "photograph")


def test_an_instruction_without_the_tokenizer_that_reads_it_is_no_silence() -> None:
    made = checkpoint(opt(), question_to_bridge=True)
    made = replace(made, text_tokenizer=None)
    with pytest.raises(InputError, match="reads the instruction, and its tokenizer is missing"):
        Loaded(made).ask(torch.zeros(3, 32, 32), "what is left")


@pytest.mark.parametrize("mark", ["<image>", "<|image|> ", "<image>\n<image> ", "[IMG]"])
def test_place_holders_of_a_picture_in_front_are_not_read_as_words(mark: str) -> None:
    loaded, pixels = Loaded(checkpoint(opt())), torch.randn(1, 3, 32, 32)
    assert loaded.ask(pixels, f"{mark}what is left")[0].usage == loaded.ask(pixels, "what is left")[0].usage
    assert loaded.caption(pixels, f"{mark}a red")[0].usage == loaded.caption(pixels, "a red")[0].usage


def test_special_tokens_in_what_a_user_writes_are_text() -> None:
    tokenizer = word_tokenizer()
    assert tokenizer.encode("what <eos> is", special=False)[1] == tokenizer.id("<eos>")
    assert tokenizer.id("<eos>") not in tokenizer.encode("what <eos> is", special=False, literal=True)
    loaded = Loaded(checkpoint(opt()))
    pixels = torch.randn(1, 3, 32, 32)
    as_text = loaded.writer.tokens(["question : what <eos> answer :"], [["what <eos>"]])
    as_token = loaded.writer.tokens(["<eos> what answer :"], [["what"]])
    assert tokenizer.id("<eos>") not in as_text.tokens_BL[0].tolist()
    assert tokenizer.id("<eos>") in as_token.tokens_BL[0].tolist()
    with pytest.raises(InputError, match="'<eos>' in it, a special token, as the template has"):
        loaded.ask(pixels, "what <eos>", template="<bos> {}")


def test_pixels_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(InputError, match="NaN or infinity"):
        Loaded(checkpoint(opt())).ask(torch.full((1, 3, 32, 32), float("nan")), "what")


def test_lists_of_images_within_a_list_are_refused() -> None:
    with pytest.raises(InputError, match="images are a list of lists"):
        Loaded(checkpoint(opt())).ask([[torch.zeros(3, 32, 32)], [torch.zeros(3, 32, 32)]], "what")  # type: ignore[list-item]
