"""What LAVIS' users do by habit: names they import, outputs as mappings, a forgotten batch, folders of another kind."""

from pathlib import Path
from typing import Any

import pytest
import torch
from lavis_weights import hub, small_cache  # noqa: F401 - fixtures

from sightline.vlm.config import ConfigError, ModelError
from sightline.vlm.lavis import load_model, load_model_and_preprocess
from sightline.vlm.lavis import models as door
from sightline.vlm.lavis.outputs import BlipOutput, BlipOutputFeatures
from sightline.vlm.lavis.processors import blip_processors, load_processor

pytestmark = pytest.mark.usefixtures("hub")
IMAGE_1CHW = torch.zeros(1, 3, 32, 32)


@pytest.fixture
def writes() -> Any:
    return load_model("blip2_opt", "pretrain_opt2.7b", is_eval=True)


def test_an_output_is_read_by_attribute_name_and_place() -> None:
    images, shared = torch.ones(1), torch.zeros(1)
    features = BlipOutputFeatures(image_embeds=images, image_embeds_proj=shared)
    assert features["image_embeds"] is features[0] is features.image_embeds is images
    assert list(features.keys()) == ["image_embeds", "image_embeds_proj"]
    assert [value for _, value in features.items()] == [images, shared] == list(features.to_tuple())
    assert features.get("text_embeds") is None
    with pytest.raises(KeyError):
        features["text_embeds"]
    loss = BlipOutput(images, shared, shared)
    assert loss["loss"] is loss[0] is images
    assert len(loss) == 3


def test_the_prompt_can_be_set(writes: Any) -> None:
    writes.prompt = "a red"
    assert writes.prompt == "a red"
    samples = {"image": IMAGE_1CHW}
    assert writes.generate(samples, max_length=4) == writes.generate({**samples, "prompt": "a red"}, max_length=4)


def test_classes_stand_where_lavis_has_them(writes: Any) -> None:
    assert type(writes) is door.Blip2OPT
    assert isinstance(load_processor("blip_caption"), blip_processors.BlipCaptionProcessor)
    assert isinstance(load_processor("blip_image_eval"), blip_processors.BlipImageEvalProcessor)
    assert set(door.__all__) > {"Blip2Qformer", "Blip2ITM", "Blip2T5", "Blip2T5Instruct", "Blip2VicunaInstruct"}


def test_names_of_parts_are_read_as_in_lavis(writes: Any) -> None:
    assert writes.opt_model.config.model_type == "opt"
    assert writes.opt_proj.out_features == writes.opt_model.get_input_embeddings().weight.shape[1]
    model: Any = load_model("blip2", "pretrain", is_eval=True)
    queries_1QZ, _ = model.forward_image(IMAGE_1CHW)
    shared = torch.nn.functional.normalize(model.vision_proj(queries_1QZ), dim=-1)
    torch.testing.assert_close(shared, model.extract_features({"image": IMAGE_1CHW}, "image")["image_embeds_proj"])
    assert (model.text_proj.in_features, model.itm_head.out_features, model.temp.ndim) == (32, 2, 0)


@pytest.mark.parametrize(
    ("image", "problem"),
    [
        (IMAGE_1CHW[0], r"\[3, 32, 32\], expected .*: add the batch with \.unsqueeze\(0\)"),
        (IMAGE_1CHW[:, :, None], r"\[1, 3, 1, 32, 32\], expected \[B, 3, H, W\]"),
        (IMAGE_1CHW.expand(1, 3, 32, 32).transpose(1, 3), r"\[1, 32, 32, 3\], expected"),
        (IMAGE_1CHW.byte(), r"torch\.uint8, expected floats"),
        (None, "NoneType, expected floats"),
    ],
)
def test_pixels_that_are_no_batch_are_refused_everywhere(image: Any, problem: str, writes: Any) -> None:
    samples = {"image": image, "text_input": ["one"], "prompt": "a red"}
    sees: Any = load_model("blip2", "pretrain", is_eval=True)
    for call in (
        writes.generate,
        writes.predict_answers,
        lambda given: writes.predict_class(given, ["one"]),
        writes,
        sees.extract_features,
        sees,
    ):
        with pytest.raises(ModelError, match=problem):
            call(samples)


def test_what_a_call_needs_and_lacks_is_a_sentence(writes: Any) -> None:
    for call in (writes.generate, writes.predict_answers, writes):
        with pytest.raises(ModelError, match=r"samples has no 'image', it has text_input: give pixels"):
            call({"text_input": ["one"]})
    with pytest.raises(ModelError, match="samples has no 'prompt', it has image"):
        writes.predict_class({"image": IMAGE_1CHW}, ["one"])
    for none in ([], [[]], ["one", ""]):
        with pytest.raises(ModelError, match="no candidates were given"):
            writes.predict_class({"image": IMAGE_1CHW, "prompt": "a"}, none)
    with pytest.raises(ModelError, match="1 images and 2 lists of candidates"):
        writes.predict_class({"image": IMAGE_1CHW, "prompt": "a"}, [["one"], ["two"]])


def test_a_folder_of_another_kind_is_refused(tmp_path: Path) -> None:
    load_model("blip2_vicuna_instruct", "vicuna7b", is_eval=True).loaded.save(tmp_path)
    with pytest.raises(ConfigError, match="has a language model of type 'llama', a blip2_t5 has t5"):
        load_model_and_preprocess("blip2_t5", str(tmp_path))
    load_model("blip2", "pretrain", is_eval=True).loaded.save(tmp_path / "first")
    with pytest.raises(ConfigError, match="has no language model, a blip2_opt has opt"):
        load_model_and_preprocess("blip2_opt", str(tmp_path / "first"))
    assert load_model_and_preprocess("blip2_vicuna", str(tmp_path))[0].loaded.name == str(tmp_path)
