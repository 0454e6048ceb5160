"""A model of one's own: declared in Python or YAML, from published parts or fresh ones, plugged in or built in."""

import json
import sys
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from PIL import Image
from random_models import opt, word_tokenizer
from safetensors.torch import save_file
from torch import nn
from transformers import OPTForCausalLM, PreTrainedTokenizerFast, ViTModel

from sightline import vlm
from sightline.vlm import config as configs
from sightline.vlm.bridges import QFormerConfig
from sightline.vlm.config import Config, ConfigError
from sightline.vlm.data.preprocess import Preprocess
from sightline.vlm.encoders import ConvViTConfig, EvaConfig, PatchGrid
from sightline.vlm.lavis.models import preprocess_of
from sightline.vlm.lavis.processors import load_processor
from sightline.vlm.loaded import InputError
from sightline.vlm.model import ModelError
from sightline.vlm.weights import CheckpointError, ModelConfig, PretrainedEncoder, PretrainedLanguage, UnknownModelError

BRIDGE = QFormerConfig(patch_width=32, width=32, layers=2, heads=4, mlp_width=64, queries=4)
FRESH = ModelConfig(
    encoder=EvaConfig(image_size=28, width=32, layers=1, heads=4, mlp_width=32),
    bridge=BRIDGE,
    language=opt(),
    image={"size": 28, "mean": [0.5, 0.5, 0.5]},
    prompts={"question": "{} ?"},
    precision={"encoder": "bfloat16"},
)

PIXELS = {
    "image_processor_type": "BitImageProcessor",
    "size": {"shortest_edge": 32},
    "do_center_crop": True,
    "crop_size": {"height": 28, "width": 28},
    "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225],
    "resample": 2,
}
"""DINOv2's, small."""


@pytest.fixture
def published(tmp_path: Path) -> tuple[str, str]:
    """Folders of a vision model and of a language model with its tokenizer."""
    vision, language = tmp_path / "vit", tmp_path / "opt"
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    ViTModel(ViTModel.config_class(**sizes, image_size=28, patch_size=14)).save_pretrained(vision)
    (vision / "preprocessor_config.json").write_text(json.dumps(PIXELS))
    values = {key: value for key, value in opt().architecture.items() if key != "model_type"}
    OPTForCausalLM(OPTForCausalLM.config_class(**values)).save_pretrained(language)
    PreTrainedTokenizerFast(tokenizer_object=word_tokenizer().backend, pad_token="<pad>").save_pretrained(language)
    return str(vision), str(language)


def test_yaml_says_the_same_as_python() -> None:
    again = ModelConfig.from_yaml(FRESH.to_yaml())
    assert again == FRESH
    assert "drop" not in FRESH.to_yaml()


def test_a_file_makes_the_same_model_as_its_python_value(published: tuple[str, str], tmp_path: Path) -> None:
    vision, language = published
    declared = ModelConfig(
        encoder=PretrainedEncoder(name=vision),
        bridge=BRIDGE,
        language=PretrainedLanguage(name=language),
        image={"size": 28},
        decoding={"max_new_tokens": 4},
    )
    (tmp_path / "model.yaml").write_text(declared.to_yaml())
    torch.manual_seed(0)
    ours = declared.build().model.state_dict()
    torch.manual_seed(0)
    model = vlm.load(tmp_path / "model.yaml")
    assert all(torch.equal(tensor, ours[name]) for name, tensor in model.model.state_dict().items())
    answer = model.ask(Image.new("RGB", (20, 30)), "which digit")[0]
    model.save(tmp_path / "kept")
    assert vlm.load(tmp_path / "kept").ask(Image.new("RGB", (20, 30)), "which digit")[0].tokens == answer.tokens


def test_each_part_has_the_precision_it_was_given() -> None:
    model = FRESH.build().model
    assert model.encoder.cls.dtype == torch.bfloat16
    assert model.project.weight.dtype == torch.float32


def test_widths_are_compared_before_any_weights_are_read(
    published: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    vision, language = published
    monkeypatch.setattr("sightline.vlm.weights.compose.read_encoder", lambda *_, **__: pytest.fail("weights were read"))
    declared = ModelConfig(
        encoder=PretrainedEncoder(name=vision),
        bridge=QFormerConfig(patch_width=48, width=32, heads=4),
        language=PretrainedLanguage(name=language),
        image={"size": 28},
    )
    with pytest.raises(ModelError, match="features 32 wide, the bridge reads 48: set the bridge's patch_width to 32"):
        declared.build()


def test_an_adapter_without_a_tokenizer_has_that_of_its_base(published: tuple[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "lora"
    folder.mkdir()
    (folder / "adapter_config.json").write_text(
        json.dumps({"peft_type": "LORA", "base_model_name_or_path": published[1]})
    )
    module = "base_model.model.model.decoder.layers.0.fc1"
    halves = {f"{module}.lora_A.weight": torch.zeros(1, 32), f"{module}.lora_B.weight": torch.zeros(64, 1)}
    save_file(halves, folder / "adapter_model.safetensors")
    made = replace(FRESH, language=PretrainedLanguage(name=str(folder))).build()
    assert made.tokenizer is not None
    assert made.tokenizer.id("<eos>") == 2


def test_a_tokenizer_with_words_added_later_is_refused_in_use_alone(published: tuple[str, str]) -> None:
    PreTrainedTokenizerFast(
        tokenizer_object=word_tokenizer().backend, pad_token="<pad>", additional_special_tokens=["<image>"]
    ).save_pretrained(published[1])
    made = vlm.Loaded(replace(FRESH, language=PretrainedLanguage(name=published[1])).build())
    picture = Image.new("RGB", (28, 28))
    assert len(made.ask(picture, "what <image> is", max_new_tokens=1)) == 1  # a user's, hence text
    with pytest.raises(InputError, match="reads '<image>' as token"):
        made.ask(picture, "what", template="<image> {}")


def test_a_tokenizer_of_another_model_is_refused_with_both_numbers(published: tuple[str, str]) -> None:
    declared = ModelConfig(
        encoder=ConvViTConfig(image_size=28, stem=(8, 16, 32), layers=1, heads=4, mlp_width=32),
        bridge=BRIDGE,
        language=opt(10),
        image={"size": 28},
        tokenizer=published[1],
    )
    with pytest.raises(CheckpointError, match="has 24 tokens, the language model embeds 10"):
        declared.build()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: [", "not YAML"),
        ("- 1", "is a list"),
        ("encoder: 1", "cannot be made from"),
        ("size: 3", "has no field 'size'"),
        ("{encoder: {type: EvaConfg}, bridge: 1, image: {}}", "did you mean EvaConfig"),
    ],
)
def test_a_file_that_is_no_model_is_one_clear_sentence(text: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / "model.yaml").write_text(text)
    with pytest.raises(ConfigError, match=problem):
        vlm.load(tmp_path / "model.yaml")


def test_a_dtype_that_torch_has_not_is_named() -> None:
    with pytest.raises(ConfigError, match="no floating dtype 'bf16', try float32 or bfloat16"):
        ModelConfig(encoder=FRESH.encoder, bridge=BRIDGE, image={"size": 28}, precision={"encoder": "bf16"}).build()


def test_another_package_plugs_in_an_encoder_by_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = ModuleType("eyes")
    monkeypatch.setitem(sys.modules, "eyes", module)

    def found(*, group: str, name: str) -> list[EntryPoint]:
        point = EntryPoint("GlanceConfig", "eyes:GlanceConfig", "sightline.parts")
        return [point] if (group, name) == (point.group, point.name) else []

    monkeypatch.setattr(configs, "entry_points", found)
    short = "type: ModelConfig\nencoder: {type: GlanceConfig}\nimage: {size: 28}\nbridge: "
    short += "{type: QFormerConfig, patch_width: 32, width: 32, layers: 2, heads: 4, mlp_width: 64}"

    class Glance(nn.Module):
        """The mean colour, as one patch."""

        def __init__(self, config: Config) -> None:
            super().__init__()
            self.config, self.width, self.look = config, 32, nn.Linear(3, 32)

        def grid(self, height: int, width: int) -> PatchGrid:
            return PatchGrid(rows=1, cols=1)

        def forward(self, pixels_BCHW: torch.Tensor) -> torch.Tensor:
            return self.look(pixels_BCHW.mean((2, 3)))[:, None]

    @dataclass(frozen=True, kw_only=True)
    class GlanceConfig(Config):
        def build(self) -> Glance:
            return Glance(self)

    Config._kinds.pop("GlanceConfig")  # as if nobody had imported the package yet
    module.GlanceConfig = GlanceConfig
    model = ModelConfig.from_yaml(short).build().model
    assert model.bridge(model.see(torch.zeros(1, 3, 8, 8))).shape == (1, 32, 32)


def test_pixels_are_those_of_the_encoders_own_file(published: tuple[str, str], tmp_path: Path) -> None:
    declared = ModelConfig(encoder=PretrainedEncoder(name=published[0]), bridge=BRIDGE)
    (tmp_path / "model.yaml").write_text(declared.to_yaml())
    model = vlm.load(tmp_path / "model.yaml")
    assert model.preprocess == Preprocess.from_processor(PIXELS)
    model.save(tmp_path / "kept")
    assert vlm.load(tmp_path / "kept").preprocess == model.preprocess
    settings = preprocess_of(model.checkpoint)["vis_processor"]["eval"]
    prepared = load_processor(settings.pop("name"), settings)(picture := Image.effect_noise((50, 40), 90))
    assert torch.equal(prepared, model.preprocess([picture.convert("RGB")])[0])


def test_given_fields_go_before_the_file_and_a_larger_size_cuts_the_same_share(published: tuple[str, str]) -> None:
    given = {"size": 56, "mean": [0.5, 0.5, 0.5]}
    image = ModelConfig(encoder=PretrainedEncoder(name=published[0]), bridge=BRIDGE, image=given).build().image
    assert (image.size, image.shortest_edge, image.mean) == (56, 64, (0.5, 0.5, 0.5))
    assert (image.std, image.resample) == (tuple(PIXELS["image_std"]), "bilinear")


def test_pixels_that_nobody_described_are_asked_for(published: tuple[str, str]) -> None:
    (Path(published[0]) / "preprocessor_config.json").unlink()
    encoder = PretrainedEncoder(name=published[0])
    with pytest.raises(ConfigError, match=r"image: mean, std not given, and .* has no preprocessor_config\.json"):
        ModelConfig(encoder=encoder, bridge=BRIDGE, image={"size": 28}).build()
    with pytest.raises(ConfigError, match="image: size not given, and a fresh encoder has no file"):
        replace(FRESH, image={}).build()
    with pytest.raises(ConfigError, match="image: size is 0"):
        replace(FRESH, image={"size": 0}).build()


def test_what_is_not_there_is_said_before_any_weights_are_read(
    published: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    vision, language = published
    monkeypatch.setattr("sightline.vlm.weights.compose.read_encoder", lambda *_, **__: pytest.fail("weights were read"))
    whole = ModelConfig(
        encoder=PretrainedEncoder(name=vision), bridge=BRIDGE, language=PretrainedLanguage(name="nobody/nothing")
    )
    with pytest.raises(UnknownModelError, match="'nobody/nothing' is neither in the local cache"):
        whole.build()
    with pytest.raises(CheckpointError, match="drop_layers is 9, but this encoder has 2 layers: keep one at least"):
        replace(whole, encoder=PretrainedEncoder(name=vision, drop_layers=9), language=None).build()
    with pytest.raises(CheckpointError, match="cannot be read as a model of transformers"):
        replace(whole, language=PretrainedLanguage(name=str(Path(language).parent))).build()


@pytest.mark.parametrize("dtype", ["bfloat16", torch.bfloat16, {"encoder": "bfloat16"}])
def test_a_dtype_that_is_asked_for_goes_before_the_file(dtype: Any, tmp_path: Path) -> None:
    (tmp_path / "model.yaml").write_text(replace(FRESH, precision={"encoder": "float64"}).to_yaml())
    model = vlm.load(tmp_path / "model.yaml", dtype=dtype).model
    assert model.spot("encoder").dtype == torch.bfloat16
    assert model.spot("language").dtype == (torch.float32 if isinstance(dtype, dict) else torch.bfloat16)
    assert model.spot("bridge").dtype == torch.float32
    vlm.load(tmp_path / "model.yaml").save(tmp_path / "kept")
    assert vlm.load(tmp_path / "kept", dtype=dtype).model.spot("encoder").dtype == torch.bfloat16
    with pytest.raises(ConfigError, match="dtype: torch has no floating dtype 'int8', try"):
        vlm.load(tmp_path / "kept", dtype="int8")


def test_a_file_that_cannot_be_read_is_one_clear_sentence(tmp_path: Path) -> None:
    (tmp_path / "odd.yaml").write_bytes(b"\xff\xfe\x00")
    for name, problem in (("none.yaml", "No such file"), ("odd.yaml", "can't decode")):
        with pytest.raises(UnknownModelError, match=rf"{name} cannot be read as a model's YAML file: .*{problem}"):
            vlm.load(tmp_path / name)


@pytest.mark.parametrize(("name", "size"), [("queries", 0), ("layers", "two"), ("cross_every", -1)])
def test_a_bridge_of_impossible_size_is_refused(name: str, size: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=rf"a Q-Former's {name} is {size!r}: give a whole number"):
        replace(BRIDGE, **{name: size})
    (tmp_path / "model.yaml").write_text(FRESH.to_yaml().replace("queries: 4", "queries: 0"))
    with pytest.raises(ConfigError, match=r"model\.yaml: a Q-Former's queries is 0"):
        vlm.load(tmp_path / "model.yaml")
