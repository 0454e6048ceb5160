"""LAVIS' methods give what ours give, in LAVIS' shapes; mistakes are one clear sentence."""

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from lavis_weights import hub, small_cache  # noqa: F401 - fixtures
from PIL import Image

from sightline.vlm.config import SightlineVlmError
from sightline.vlm.lavis import load_model, load_model_and_preprocess, model_zoo, registry
from sightline.vlm.lavis.lemmas import by_rules
from sightline.vlm.lavis.prompts import asked, formatted
from sightline.vlm.loaded import Loaded
from sightline.vlm.loaded.inputs import read_pictures
from sightline.vlm.loaded.writing import Rows
from sightline.vlm.spans import Timeline

pytestmark = pytest.mark.usefixtures("hub")


def picture(seed: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (40, 32, 3), dtype=np.uint8))


def opened(name: str, model_type: str, is_eval: bool = True) -> tuple[Any, torch.Tensor]:
    """The model, and two images as it reads them."""
    model, images, _ = load_model_and_preprocess(name, model_type, is_eval=is_eval)
    return model, torch.stack([images["eval"](picture(at)) for at in (1, 2)])


def test_generate_is_our_caption_with_lavis_defaults() -> None:
    model, images_BCHW = opened("blip2_opt", "pretrain_opt2.7b")
    ours = model.loaded.caption(images_BCHW, "a red", num_beams=5, length_penalty=1.0, max_new_tokens=30)
    assert model.generate({"image": images_BCHW, "prompt": "a red"}) == [answer.text for answer in ours]


def test_answers_are_ours_under_the_paper_length_penalty() -> None:
    model, images_BCHW = opened("blip2_t5", "pretrain_flant5xl")
    questions = ["how many", "which digit is red ?"]
    ours = model.loaded.ask(
        images_BCHW,
        questions,
        template="Question: {} Short answer:",
        num_beams=5,
        length_penalty=-1.0,
        max_new_tokens=10,
    )
    samples = {"image": images_BCHW, "text_input": questions}
    assert model.predict_answers(samples, prompt="Question: {} Short answer:") == [answer.text for answer in ours]


@pytest.mark.parametrize("name", ["blip2_t5_instruct:flant5xl", "blip2_vicuna_instruct:vicuna7b"])
def test_candidates_come_ranked(name: str) -> None:
    model, images_BCHW = opened(*name.split(":"))
    samples = {"image": images_BCHW, "prompt": "which digit is {} ?", "text_input": ["red", "blue"]}
    candidates = ["one", "two", "three"]
    ranks_BC = model.predict_class(samples, candidates)
    prompts = ["which digit is red ?", "which digit is blue ?"]
    pictures = read_pictures(images_BCHW, model.loaded.preprocess)
    rows = Rows(pictures, range(2), prompts, prompts)
    writer, ends = model.loaded.writer, "t5" in name  # LAVIS' Vicuna candidates have no end token
    scores_BC = writer.rank(rows, writer.see(pictures, Timeline()), candidates, ending=ends)
    assert torch.equal(ranks_BC, scores_BC.argsort(dim=1, descending=True))
    own = model.predict_class(samples, [candidates, candidates])
    assert torch.equal(own, ranks_BC)
    uneven = model.predict_class(samples, [candidates, candidates[:2]])
    assert [len(row) for row in uneven] == [3, 2]


def test_a_video_is_read_frame_by_frame() -> None:
    model, images_BCHW = opened("blip2_vicuna_instruct", "vicuna7b")
    still = {"image": images_BCHW[:1], "prompt": "what is left ?"}
    one_frame = {**still, "image": images_BCHW[:1, :, None]}
    assert model.generate(one_frame, max_length=6) == model.generate(still, max_length=6)
    assert len(model.generate({**still, "image": images_BCHW.transpose(0, 1)[None]}, max_length=6)) == 1


def test_matching_and_contrast_are_ours() -> None:
    model, images_BCHW = opened("blip2_image_text_matching", "pretrain")
    texts = ["a red one", "two left of three"]
    ours = model.loaded.match(images_BCHW, texts)
    samples = {"image": images_BCHW, "text_input": texts}
    itm_B = model(samples, match_head="itm").softmax(1)[:, 1]
    torch.testing.assert_close(itm_B, ours.itm.diagonal(), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(model(samples, match_head="itc")[:, 0], ours.itc.diagonal(), atol=1e-5, rtol=1e-5)
    words = model.tokenizer(texts, padding=True, return_tensors="pt").to("cpu")
    queries_BQZ, patches_BPD = model.forward_image(images_BCHW)
    assert queries_BQZ.shape == (2, 4, 32)
    assert model.forward_text(words).shape == (2, 32)
    logits_B = model.compute_itm(patches_BPD, words.input_ids, words.attention_mask)
    torch.testing.assert_close(logits_B, model(samples, match_head="itm")[:, 1], atol=1e-5, rtol=1e-5)


def test_the_similarity_matrix_reranks_the_best() -> None:
    model, images_BCHW = opened("blip2", "pretrain")
    texts = ["a red one", "two left of three", "green"]

    class Batches(list[Any]):
        dataset = SimpleNamespace(text=texts)

    to_text, to_image = model.compute_sim_matrix(
        Batches([{"image": images_BCHW[:1]}, {"image": images_BCHW[1:]}]), SimpleNamespace(k_test=2)
    )
    ours = model.loaded.similarity(images_BCHW, texts, k=2)
    np.testing.assert_allclose(to_text, ours.image_to_text.numpy(), atol=1e-5)
    np.testing.assert_allclose(to_image, ours.text_to_image.numpy(), atol=1e-5)
    assert (to_text == -100).sum() == 2


def test_the_first_stage_captions_by_itself() -> None:
    model, images_BCHW = opened("blip2", "pretrain")
    assert len(model.generate({"image": images_BCHW})) == 2
    assert len(model.generate({"image": images_BCHW}, use_nucleus_sampling=True)) == 2


def test_the_first_stage_trains_on_three_losses() -> None:
    model, images_BCHW = opened("blip2", "pretrain", is_eval=False)
    losses = model({"image": images_BCHW, "text_input": ["a red one", "two left of three"]})
    losses.loss.backward()
    torch.testing.assert_close(losses.loss, losses.loss_itc + losses.loss_itm + losses.loss_lm)
    assert model.qformer.query_tokens.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in model.visual_encoder.parameters())


@pytest.mark.parametrize("name", ["blip2_opt:pretrain_opt2.7b", "blip2_t5_instruct:flant5xl"])
def test_the_second_stage_trains_on_the_language_models_loss(name: str) -> None:
    model, images_BCHW = opened(*name.split(":"), is_eval=False)
    samples = {"image": images_BCHW, "text_input": ["which digit", "how many"], "text_output": ["one", "two three"]}
    loss = model(samples)["loss"]
    loss.backward()
    assert loss.isfinite()
    assert model.blip2.project.weight.grad.abs().sum() > 0
    assert not model.blip2.language.training


def test_sightline_tiny_opens_through_the_door() -> None:
    model, images, texts = load_model_and_preprocess("sightline-tiny", is_eval=True)
    image_BCHW = images["eval"](picture(1))[None]
    assert isinstance(model.loaded, Loaded)
    told = model.generate({"image": image_BCHW, "prompt": "Question: which digit is red? Answer:"}, num_beams=1)
    assert told == [model.loaded.ask(image_BCHW, "which digit is red?", num_beams=1)[0].text]
    features = model.extract_features({"image": image_BCHW, "text_input": [texts["eval"]("A red three")]}, mode="text")
    assert features.text_embeds_proj is not None
    assert model({"image": image_BCHW, "text_input": ["a red three"]}, match_head="itm").shape == (1, 2)


def test_the_zoo_lists_every_type() -> None:
    zoo = dict(model_zoo)
    assert zoo["blip2_image_text_matching"] == zoo["blip2"] == ["pretrain", "coco", "pretrain_vitL"]
    assert len(model_zoo) == sum(map(len, zoo.values()))
    assert "blip2_vicuna " in str(model_zoo)


def test_a_folder_will_do_for_a_type(hub: Any) -> None:  # noqa: F811 - the fixture
    folder = hub / "models--Salesforce--instructblip-vicuna-7b" / "snapshots" / ("0" * 40)
    assert load_model("blip2_vicuna_instruct", str(folder), is_eval=True).loaded.name == str(folder)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: load_model("blip2_optt"), "did you mean blip2_opt"),
        (
            lambda: load_model("blip_caption", "base_coco"),
            r"BLIP-2 family only, load blip2_opt \(caption_coco_opt2\.7b\)",
        ),
        (
            lambda: load_model("alpro_qa", "msrvtt"),
            "unknown model 'alpro_qa': Sightline has LAVIS' BLIP-2 family only$",
        ),
        (lambda: load_model("blip2_opt", "pretrain_opt2.8b"), "did you mean pretrain_opt2.7b"),
        (lambda: load_model("blip2_vicuna", "vicuna7b"), "nobody has published one"),
        (lambda: load_model("blip2", "pretrain").extract_features({}, mode="sound"), "the modes are image, text"),
        (lambda: load_model("blip2", "pretrain").extract_features({"image": 1}, mode="text"), "has no 'text_input'"),
        (lambda: load_model("blip2", "pretrain")({}, match_head="itx"), "the heads are itm, itc"),
    ],
)
def test_a_mistake_is_one_clear_sentence(call: Any, words: str) -> None:
    with pytest.raises(SightlineVlmError, match=words):
        call()


def test_a_taken_name_is_not_registered_twice() -> None:
    with pytest.raises(KeyError, match="already registered, for Blip2OPT"):
        registry.register_model("blip2_opt")(Loaded)


def test_lemmas_need_spacy_and_say_so_before_anything_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spacy", None)
    model, images_BCHW = opened("blip2_opt", "pretrain_opt2.7b")
    monkeypatch.setattr(model, "_write", lambda *_: pytest.fail("answers were written first"))
    samples = {"image": images_BCHW, "text_input": ["how many", "what is left"], "apply_lemmatizer": True}
    with pytest.raises(SightlineVlmError, match=r"needs spaCy .* Without it: apply_lemmatizer='rules', or a function"):
        model.predict_answers(samples)
    with pytest.raises(SightlineVlmError, match="apply_lemmatizer is 'stems': give True"):
        model.predict_answers(samples, apply_lemmatizer="stems")


def test_answers_can_be_lemmatised_by_rules_or_a_function_and_spelt_as_vqa_compares_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, images_BCHW = opened("blip2_opt", "pretrain_opt2.7b")
    monkeypatch.setattr(model, "_write", lambda *_: ["Two dogs.", "riding the horses"])
    samples = {"image": images_BCHW, "text_input": ["how many", "what is left"]}
    assert model.predict_answers(samples) == ["Two dogs.", "riding the horses"]
    assert model.predict_answers(samples, apply_lemmatizer="rules") == ["Two dogs.", "ride the horse"]
    assert model.predict_answers(samples, apply_lemmatizer=str.upper) == ["TWO DOGS.", "RIDING THE HORSES"]
    assert model.predict_answers(samples, normalise=True) == ["2 dogs", "riding horses"]
    both = {**samples, "apply_lemmatizer": "rules"}
    assert model.predict_answers(both, normalise=True) == ["2 dogs", "ride horse"]


LEMMAS = {
    "dogs": "dog",
    "berries": "berry",
    "buses": "bus",
    "benches": "bench",
    "boxes": "box",
    "glasses": "glasses",
    "bus": "bus",
    "tennis": "tennis",
    "grass": "grass",
    "men": "man",
    "people": "person",
    "children": "child",
    "running": "run",
    "sitting": "sit",
    "riding": "ride",
    "eating": "eat",
    "walking": "walk",
    "skating": "skate",
    "driving": "drive",
    "playing": "play",
    "flying": "fly",
    "standing": "stand",
    "making": "make",
    "parked": "park",
    "building": "building",
    "morning": "morning",
    "king": "king",
    "red": "red",
    "surfing": "surf",
    "swimming": "swim",
    "skiing": "ski",
    "playing tennis": "play tennis",
    "2 men": "2 man",
    "carried": "carry",
    "hanging": "hang",
    "rolling": "roll",
    "floating": "float",
    "grazing": "graze",
    "changing": "change",
}


@pytest.mark.parametrize(("word", "lemma"), LEMMAS.items())
def test_rules_know_the_words_of_usual_answers(word: str, lemma: str) -> None:
    assert by_rules([word]) == [lemma]


@pytest.mark.parametrize(
    ("more", "prompt", "read"),
    [
        ({}, "", "how many"),
        ({}, "Question: {} Answer:", "Question: how many Answer:"),
        ({"ocr_tokens": [["stop", "sign"]]}, "Read: {}. Question: {}", "Read: stop, sign. Question: how many"),
        ({"choices": [["one", "two"]]}, "Question: {} Options: {}.", "Question: how many Options: (a) one (b) two."),
    ],
)
def test_questions_are_put_into_prompts_of_one_slot_or_two(more: dict[str, Any], prompt: str, read: str) -> None:
    assert asked({"text_input": "how many", **more}, prompt) == [read]


def test_a_prompt_of_two_slots_needs_something_to_fill_the_second() -> None:
    with pytest.raises(SightlineVlmError, match="samples needs 'ocr_tokens' or 'choices'"):
        asked({"text_input": "how many"}, "{} {}")


def test_context_and_history_stand_before_the_question() -> None:
    samples = {"text_input": ["this"], "context": ["a park"], "history": ["hello"], "caption": ["a dog"]}
    told = 'This image has the caption "a dog". dialog history: hello\ncontext: a park. what is this ?'
    assert formatted(samples, ["what is {} ?"]) == [told]
