"""Programs as LAVIS' users have them, run with nothing changed but the import line."""

from typing import Any

import numpy as np
import pytest
from lavis_weights import SIDE, hub, small_cache  # noqa: F401 - fixtures
from PIL import Image

from sightline.vlm.lavis import load_model_and_preprocess, model_zoo, registry

pytestmark = pytest.mark.usefixtures("hub")

CAPTION = """
import torch
from lavis.models import load_model_and_preprocess

device = torch.device("cpu")
model, vis_processors, _ = load_model_and_preprocess(
    name="blip2_opt", model_type="caption_coco_opt2.7b", is_eval=True, device=device
)
image = vis_processors["eval"](raw_image).unsqueeze(0).to(device)
caption = model.generate({"image": image})
several = model.generate({"image": image}, use_nucleus_sampling=True, num_captions=3)
"""

DIALOGUE = """
from lavis.models import load_model_and_preprocess

model, vis_processors, _ = load_model_and_preprocess(
    name="blip2_t5", model_type="pretrain_flant5xl", is_eval=True, device="cpu"
)
image = vis_processors["eval"](raw_image).unsqueeze(0)
first = model.generate({"image": image, "prompt": "Question: which digit is red ? Answer:"})
context = [("which digit is red ?", first[0]), ("how many", "two")]
template = "Question: {} Answer: {}."
prompt = " ".join([template.format(*turn) for turn in context]) + " Question: what is left ? Answer:"
second = model.generate({"image": image, "prompt": prompt})
"""

ANSWERS = """
from lavis.models import load_model_and_preprocess

model, vis_processors, txt_processors = load_model_and_preprocess(
    name="blip2_t5", model_type="pretrain_flant5xl", is_eval=True, device="cpu"
)
image = vis_processors["eval"](raw_image).unsqueeze(0)
question = txt_processors["eval"]("Which digit is RED?")
samples = {"image": image, "text_input": question}
answers = model.predict_answers(samples=samples, inference_method="generate", prompt="Question: {} Short answer:")
"""

FEATURES = """
from lavis.models import load_model_and_preprocess

model, vis_processors, txt_processors = load_model_and_preprocess(
    name="blip2_feature_extractor", model_type="pretrain", is_eval=True, device="cpu"
)
image = vis_processors["eval"](raw_image).unsqueeze(0)
text = txt_processors["eval"]("A red one, left of two.")
sample = {"image": image, "text_input": [text]}
multimodal = model.extract_features(sample)
of_image = model.extract_features(sample, mode="image")
of_text = model.extract_features(sample, mode="text")
similarity = of_image.image_embeds_proj @ of_text.text_embeds_proj[:, 0, :].t()
"""

MATCHING = """
import torch
from lavis.models import load_model_and_preprocess
from lavis.processors import load_processor

model, vis_processors, text_processors = load_model_and_preprocess(
    "blip2_image_text_matching", "pretrain", device="cpu", is_eval=True
)
image = vis_processors["eval"](raw_image).unsqueeze(0)
txt = load_processor("blip_caption")("a red one")
itm_output = model({"image": image, "text_input": txt}, match_head="itm")
itm_scores = torch.nn.functional.softmax(itm_output, dim=1)
itc_score = model({"image": image, "text_input": txt}, match_head="itc")
"""

INSTRUCTION = """
from lavis.models import load_model_and_preprocess

model, vis_processors, _ = load_model_and_preprocess(
    name="blip2_vicuna_instruct", model_type="vicuna7b", is_eval=True, device="cpu"
)
image = vis_processors["eval"](raw_image).unsqueeze(0)
beams = model.generate({"image": image, "prompt": "what is left ?"}, max_length=8)
drawn = model.generate(
    {"image": image, "prompt": "which digit is red ?"}, use_nucleus_sampling=True, top_p=0.9, max_length=8
)
"""

APART = """
import torch
from lavis.models import load_model, load_preprocess
from lavis.processors import load_processor

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
model = load_model(name="blip2_opt", model_type="caption_coco_opt2.7b", is_eval=True, device=device)
vis_processor = load_processor("blip_image_eval").build(image_size=28)
image = vis_processor(raw_image).unsqueeze(0).to(device)
caption = model.generate({"image": image})
"""

EXPLAINED = """
import torch
from lavis.models import load_model_and_preprocess

device = torch.device("cuda") if torch.cuda.is_available() else "cpu"
model, vis_processors, _ = load_model_and_preprocess(
    name="blip2_t5", model_type="pretrain_flant5xxl", is_eval=True, device=device
)
splits = vis_processors.keys()
image = vis_processors["eval"](raw_image).unsqueeze(0).to(device)
plain = model.generate({"image": image})
told = [
    model.generate({"image": image, "prompt": "Question: which digit is this? Answer:"}),
    model.generate({"image": image, "prompt": "Question: which digit is this? Answer: two. Question: why?"}),
    model.generate({"image": image, "prompt": "Question: how many? Answer:"}, use_nucleus_sampling=False),
]
"""

QUESTION = """
from lavis.models import load_model_and_preprocess

model, vis_processors, txt_processors = load_model_and_preprocess(
    name="blip2_opt", model_type="pretrain_opt2.7b", is_eval=True, device="cpu"
)
image = vis_processors["eval"](raw_image).unsqueeze(0)
question = txt_processors["eval"]("Which digit is this?")
answers = model.predict_answers(samples={"image": image, "text_input": question}, inference_method="generate")
"""

NEAREST = """
from lavis.models import load_model_and_preprocess

model, vis_processors, txt_processors = load_model_and_preprocess(
    name="blip2_feature_extractor", model_type="coco", is_eval=True, device="cpu"
)
image = vis_processors["eval"](raw_image).unsqueeze(0)
sample = {"image": image, "text_input": [txt_processors["eval"]("a red one")]}
features_image = model.extract_features(sample, mode="image")
features_text = model.extract_features(sample, mode="text")
closest = (features_image.image_embeds_proj @ features_text.text_embeds_proj[:, 0, :].t()).max()
first = features_image.image_embeds_proj[:, 0, :] @ features_text.text_embeds_proj[:, 0, :].t()
"""

PRINTED = """
import torch
from lavis.models import load_model_and_preprocess

model, vis_processors, text_processors = load_model_and_preprocess(
    "blip2_image_text_matching", "coco", device="cpu", is_eval=True
)
img = vis_processors["eval"](raw_image).unsqueeze(0)
txt = text_processors["eval"]("Two left of three")
itm_output = model({"image": img, "text_input": txt}, match_head="itm")
itm_scores = torch.nn.functional.softmax(itm_output, dim=1)
probability = f"{itm_scores[:, 1].item():.3%}"
itc_score = model({"image": img, "text_input": txt}, match_head="itc")
cosine = "%.4f" % itc_score
"""

DESCRIBED = """
from lavis.models import load_model_and_preprocess

model, vis_processors, _ = load_model_and_preprocess(
    name="blip2_vicuna_instruct", model_type="vicuna7b", is_eval=True, device="cpu"
)
image = vis_processors["eval"](raw_image).unsqueeze(0)
short = model.generate({"image": image, "prompt": "Write a short description for the image."}, max_length=8)
drawn = model.generate(
    {"image": image, "prompt": "Describe it in details."}, use_nucleus_sampling=True, top_p=0.9, temperature=1,
    max_length=8
)
"""

ZOO = """
from lavis.models import model_zoo
from lavis.common.registry import registry

printed = str(model_zoo)
model_class = registry.get_model_class("blip2_opt")
"""


def run(program: str) -> dict[str, Any]:
    """What the program's names are at its end."""
    pixels = np.random.default_rng(1).integers(0, 255, (40, 32, 3), dtype=np.uint8)
    names: dict[str, Any] = {"raw_image": Image.fromarray(pixels)}
    exec(program.replace("from lavis.", "from sightline.vlm.lavis."), names)
    return names


def test_captions_come_as_texts() -> None:
    names = run(CAPTION)
    assert names["image"].shape == (1, 3, SIDE, SIDE)
    assert [type(text) for text in names["caption"]] == [str]
    assert len(names["several"]) == 3


def test_a_dialogue_is_a_growing_prompt() -> None:
    names = run(DIALOGUE)
    assert len(names["first"]) == len(names["second"]) == 1


def test_answers_follow_a_prompt_template() -> None:
    names = run(ANSWERS)
    assert names["question"] == "which digit is red?"
    assert len(names["answers"]) == 1


def test_features_have_lavis_names_and_shapes() -> None:
    names = run(FEATURES)
    assert names["multimodal"].multimodal_embeds.shape == (1, 4, 32)
    assert names["of_image"].image_embeds.shape == (1, 4, 32)
    assert names["of_image"].image_embeds_proj.shape == (1, 4, 16)
    assert names["of_text"].text_embeds.shape == (1, 9, 32)
    assert names["of_text"].text_embeds_proj.shape == (1, 9, 16)
    assert names["similarity"].shape == (1, 4, 1)


def test_matching_gives_two_logits_and_a_cosine() -> None:
    names = run(MATCHING)
    assert names["itm_scores"].shape == (1, 2)
    assert names["itm_scores"].sum().item() == pytest.approx(1, abs=1e-5)
    assert names["itc_score"].shape == (1, 1)
    assert -1 <= names["itc_score"].item() <= 1


def test_an_instruction_is_followed_by_beams_or_draws() -> None:
    names = run(INSTRUCTION)
    assert len(names["beams"]) == len(names["drawn"]) == 1


def test_model_and_processors_may_be_loaded_apart() -> None:
    names = run(APART)
    assert names["caption"] == run(CAPTION)["caption"]


def test_an_answer_is_asked_to_be_explained() -> None:
    names = run(EXPLAINED)
    assert list(names["splits"]) == ["train", "eval"]
    assert len(names["plain"]) == 1
    assert [len(each) for each in names["told"]] == [1, 1, 1]
    assert all(isinstance(each[0], str) for each in names["told"])


def test_a_bare_question_is_answered() -> None:
    names = run(QUESTION)
    samples = {"image": names["image"], "text_input": ["which digit is this?"]}
    assert names["answers"] == names["model"].predict_answers(samples, prompt="{}")


def test_the_closest_query_says_how_alike_image_and_text_are() -> None:
    names = run(NEAREST)
    assert names["closest"].dim() == 0
    assert names["first"].shape == (1, 1)
    assert names["first"].item() <= names["closest"].item()


def test_scores_are_printable() -> None:
    names = run(PRINTED)
    assert names["probability"].endswith("%")
    assert -1 <= float(names["cosine"]) <= 1


def test_a_description_is_short_or_drawn() -> None:
    names = run(DESCRIBED)
    assert len(names["short"]) == len(names["drawn"]) == 1


EVERY = [(name, each) for name, types in model_zoo for each in types if "vitL" not in each and name != "sightline-tiny"]


@pytest.mark.parametrize(("name", "model_type"), EVERY, ids=map(":".join, EVERY))
def test_every_published_type_opens_with_its_processors(name: str, model_type: str) -> None:
    model, images, texts = load_model_and_preprocess(name, model_type, is_eval=True)
    for split in ("train", "eval"):
        assert images[split](Image.new("RGB", (40, 30))).shape == (3, SIDE, SIDE)
        assert texts[split]("A Red One!") == "a red one"
    plain = name == "blip2_vicuna_instruct"
    assert type(images["train"]) is registry.get_processor_class("blip2_image_train" if plain else "blip_image_train")
    assert not model.training


def test_the_zoo_is_printable_and_the_registry_knows_its_classes() -> None:
    names = run(ZOO)
    assert "Architectures" in names["printed"]
    assert "pretrain_opt2.7b" in names["printed"]
    assert names["model_class"].name == "blip2_opt"
