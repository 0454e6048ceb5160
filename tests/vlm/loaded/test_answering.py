"""What a user asks of a loaded model, and what comes back."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from random_models import checkpoint, opt, t5

from sightline import vlm
from sightline.vlm.bridges import Text
from sightline.vlm.config import SightlineVlmError
from sightline.vlm.decoding import Decoding
from sightline.vlm.loaded import InputError, Loaded
from sightline.vlm.loaded.answering import ROWS_AT_ONCE, request_attributes

QUESTIONS = ["what is left", "how many", "which digit is red ?"]


def picture(seed: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (40, 32, 3), dtype=np.uint8))


@pytest.fixture(params=["opt", "t5"])
def model(request: pytest.FixtureRequest) -> Loaded:
    return Loaded(checkpoint(opt() if request.param == "opt" else t5(), seed=3))


def counted(model: Loaded, part: str) -> list[int]:
    """Rows of every pass through a part of the model, as they happen."""
    rows: list[int] = []
    getattr(model.model, part).register_forward_pre_hook(lambda _, given: rows.append(len(given[0])))
    return rows


def test_a_caption_comes_back_for_every_image(model: Loaded) -> None:
    answers = model.caption([picture(1), picture(2), picture(1)])
    assert [answer.tokens for answer in answers[::2]] == [answers[0].tokens] * 2
    for answer in answers:
        assert 1 <= len(answer.tokens) <= 6
        assert len(answer.tokens) == len(answer.logprobs) == answer.usage.output_tokens
        assert answer.text == model.decode(answer.tokens).strip()
        assert answer.finish == ("stop" if answer.tokens[-1] == 2 else "length")


def test_an_image_with_many_questions_is_encoded_and_bridged_once(model: Loaded) -> None:
    encoded, bridged = (counted(model, part) for part in ("encoder", "bridge"))
    together = model.ask(picture(1), QUESTIONS * 20)  # more than one batch
    assert encoded == [1]
    assert bridged == [1, 1]
    assert len(together) == 60


def test_questions_together_are_answered_as_alone(model: Loaded) -> None:
    together = model.ask(picture(1), QUESTIONS, num_beams=3)
    alone = [model.ask(picture(1), question, num_beams=3)[0] for question in QUESTIONS]
    assert [answer.tokens for answer in together] == [answer.tokens for answer in alone]
    assert [answer.usage for answer in together] == [answer.usage for answer in alone]


def test_images_and_questions_pair_up_one_by_one(model: Loaded) -> None:
    images = [picture(1), picture(2), picture(3)]
    pairs = model.ask(images, QUESTIONS)
    assert [each.tokens for each in pairs] == [
        model.ask(image, question)[0].tokens for image, question in zip(images, QUESTIONS, strict=True)
    ]
    assert [each.tokens for each in model.ask(images, "how many")][1] == model.ask(images[1], "how many")[0].tokens


def test_an_instruction_aware_bridge_reads_the_question(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Loaded(checkpoint(opt(), seed=3, question_to_bridge=True))
    read: list[list[int]] = []
    bridge = model.model.bridge.forward

    def listening(patches: torch.Tensor, text: Text | None = None, *rest: Any) -> torch.Tensor:
        read.extend([] if text is None else text.tokens_BL.tolist())
        return bridge(patches, text, *rest)

    monkeypatch.setattr(model.model.bridge, "forward", listening)
    model.ask(picture(1), ["red", "blue"])
    tokenizer = model.checkpoint.text_tokenizer
    assert tokenizer is not None
    assert read == [tokenizer.encode("red"), tokenizer.encode("blue")]


def test_several_answers_a_question_stand_one_after_the_other(model: Loaded) -> None:
    answers = model.ask([picture(1), picture(2)], "how many", num_beams=4, num_return_sequences=2)
    assert len(answers) == 4
    assert answers[0].score >= answers[1].score
    assert answers[0].tokens != answers[1].tokens


def test_a_prompt_is_taken_as_it_stands_and_a_template_is_filled(model: Loaded) -> None:
    asked = model.ask(picture(1), "red", template="{} answer :")[0]
    assert model.caption(picture(1), "red answer :")[0].tokens == asked.tokens


@pytest.mark.parametrize("method", ["gradient", "attention"])
def test_where_it_looked_is_a_grid_for_every_word(model: Loaded, method: str) -> None:
    answers = model.ask(picture(1), QUESTIONS, looked=method, num_beams=2, min_new_tokens=4)
    for answer in answers:
        assert answer.looked is not None
        assert answer.looked.method == method
        assert [word.text for word in answer.looked.words] == answer.text.split()
        for word in answer.looked.words:
            assert word.grid.shape == (4, 4)
            assert word.grid.sum() == pytest.approx(1, abs=1e-5)
            assert word.grid.min() >= 0
            assert word.grid[word.peak] == word.grid.max()
    alone = model.ask(picture(1), QUESTIONS[2], looked=method, num_beams=2, min_new_tokens=4)[0]
    assert alone.looked is not None
    np.testing.assert_allclose(answers[2].looked.words[0].grid, alone.looked.words[0].grid, atol=1e-5)


def test_the_gradient_map_differs_from_word_to_word(model: Loaded) -> None:
    looked = model.caption(picture(1), looked="gradient", min_new_tokens=5)[0].looked
    assert looked is not None
    assert np.abs(looked.words[0].grid - looked.words[-1].grid).max() > 1e-4


def test_an_overlay_has_the_size_of_the_image_and_is_hot_where_the_map_is(model: Loaded, tmp_path: Path) -> None:
    picture(1).save(tmp_path / "scene.png")
    looked = model.caption(picture(1), looked="gradient", min_new_tokens=4)[0].looked
    assert looked is not None
    drawn = looked.overlay(tmp_path / "scene.png", word=0)
    assert drawn.size == (32, 40)
    changed = np.abs(np.asarray(drawn, float) - np.asarray(picture(1), float)).sum()
    assert changed > 0
    assert looked.sheet(picture(1)).width == 256 * len(looked.words)


def test_maps_as_json_are_short_and_complete(model: Loaded) -> None:
    looked = model.caption(picture(1), looked="attention", min_new_tokens=4)[0].looked
    assert looked is not None
    values = looked.to_dict()
    assert values["method"] == "attention"
    assert [len(word["grid"]) for word in values["words"]] == [4] * len(looked.words)
    assert sum(sum(row) for row in values["words"][0]["grid"]) == pytest.approx(1, abs=1e-3)


def test_every_token_is_heard_with_the_number_of_its_answer(model: Loaded) -> None:
    heard: dict[int, list[int]] = {}
    answers = model.ask(
        picture(1), QUESTIONS * 12, on_token=lambda row, token, _: heard.setdefault(row, []).append(token)
    )
    assert {row: tuple(tokens) for row, tokens in heard.items()} == {
        row: answer.tokens for row, answer in enumerate(answers)
    }


def test_every_image_is_matched_with_every_text(model: Loaded) -> None:
    images, texts = [picture(1), picture(2)], ["a red one", "two", "three left of blue"]
    matches = model.match(images, texts)
    assert matches.itm.shape == matches.itc.shape == (2, 3)
    assert bool(((matches.itm >= 0) & (matches.itm <= 1)).all())
    one = model.match(images[1], texts[2])
    torch.testing.assert_close(one.itm[0, 0], matches.itm[1, 2])
    torch.testing.assert_close(one.itc[0, 0], matches.itc[1, 2])


def test_the_keys_and_values_of_an_image_are_made_once_for_all_texts(model: Loaded) -> None:
    projected: list[int] = []
    cross = model.model.bridge.layers[0].cross
    cross.kv.register_forward_pre_hook(lambda _, given: projected.append(len(given[0])))
    patches = model.model.see(model.preprocess([picture(1)]))
    texts = ["a red one", "two", "three left of blue"]
    shared = model.match(picture(1), texts)
    assert projected == [1, 1]  # once for the contrast, once for the three pairs
    words = model.checkpoint.text_tokenizer.batch(texts)
    repeated = model.model.bridge.match(patches.expand(3, -1, -1), words).softmax(1)[:, 1]
    torch.testing.assert_close(shared.itm[0], repeated)


def test_features_have_raw_and_projected_parts(model: Loaded) -> None:
    image = model.embed(images=[picture(1), picture(2)])
    text = model.embed(texts=["a red one", "two", "three"], mode="text")
    both = model.embed(images=picture(1), texts=["one", "two"], mode="multimodal")
    assert image.raw.shape == (2, 4, 32)
    assert image.projected is not None
    assert image.projected.shape == (2, 4, 16)
    assert text.raw.shape == (3, 32)
    assert text.projected is not None
    torch.testing.assert_close(text.projected.norm(dim=1), torch.ones(3))
    assert both.raw.shape == (2, 4, 32)
    assert both.projected is None


def test_labels_get_probabilities_by_contrast_or_by_the_language_model(model: Loaded) -> None:
    by_contrast = model.classify([picture(1), picture(2)], ["red", "green", "blue"])
    model.model.bridge.text_contrast = None
    by_language = model.classify([picture(1), picture(2)], ["red", "green", "blue"])
    for classes in (by_contrast, by_language):
        torch.testing.assert_close(classes.probabilities.sum(1), torch.ones(2))
        assert set(classes.best) <= {"red", "green", "blue"}


def test_candidates_are_ranked_by_the_probability_of_writing_them(model: Loaded) -> None:
    images, candidates = [picture(1), picture(2)], ["red", "two of blue", "green one"]
    ranked = model.rank(images, "which digit is what", candidates)
    assert ranked.labels == tuple(candidates)
    torch.testing.assert_close(ranked.probabilities.sum(1), torch.ones(2))
    for image, shares in zip(images, ranked.probabilities, strict=True):
        gains = torch.tensor([written_alone(model, image, text) for text in candidates])
        torch.testing.assert_close(shares, gains.softmax(0))


@torch.no_grad()
def written_alone(model: Loaded, image: Image.Image, text: str) -> float:
    """Log-probability of the text as the whole answer, in one teacher-forced pass of its own."""
    tokenizer = model.checkpoint.tokenizer
    assert tokenizer is not None
    targets = torch.tensor([[*tokenizer.encode(text, special=False), 2]])
    prompt = tokenizer.batch(["question : which digit is what answer :"])
    logits = model.model(model.preprocess([image]), targets, prompt)
    return logits.log_softmax(2).gather(2, targets[:, :, None]).sum().item()


def test_a_prefix_is_read_once_for_all_candidates(model: Loaded) -> None:
    encoded, bridged = counted(model, "encoder"), counted(model, "bridge")
    model.rank(picture(1), QUESTIONS, ["red", "green", "blue"])
    assert (encoded, bridged) == ([1], [1])


def test_a_bridge_of_instructions_reads_the_whole_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Loaded(checkpoint(opt(), question_to_bridge=True, template_to_bridge=True, caption="a red one"))
    read: list[list[str] | None] = []
    writer = type(model.writer)
    original = writer.questions
    monkeypatch.setattr(writer, "questions", lambda self, asked: (read.append(asked), original(self, asked))[1])
    model.caption(picture(1))
    model.ask(picture(1), "how many")
    assert read == [["a red one"], ["question : how many answer :"]]


def test_cached_features_are_written_from_without_seeing_the_image_again(model: Loaded) -> None:
    pixels = model.preprocess([picture(1)])
    with torch.no_grad():
        patches = model.model.see(pixels)
    assert model.generate(patches, ["red answer :"])[0][0].tokens == model.caption(pixels, "red answer :")[0].tokens


def test_ready_pixels_are_one_image_a_row(model: Loaded) -> None:
    pixels = model.preprocess([picture(1), picture(2)])
    assert [each.tokens for each in model.caption(pixels)] == [
        each.tokens for each in model.caption([picture(1), picture(2)])
    ]


def test_a_saved_model_answers_as_before(model: Loaded, tmp_path: Path) -> None:
    model.save(tmp_path / "copy")
    again = vlm.load(tmp_path / "copy")
    assert again.ask(picture(1), QUESTIONS)[1].tokens == model.ask(picture(1), QUESTIONS)[1].tokens


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda m: m.ask([picture(1), picture(2)], QUESTIONS), "2 images and 3 questions"),
        (lambda m: m.ask(picture(1), []), "no questions were given"),
        (lambda m: m.caption([]), "no images were given"),
        (lambda m: m.ask(picture(1), "red", template="no slot"), "has 0 slots"),
        (lambda m: m.ask(picture(1), "red", looked="xray"), "the methods are gradient, attention"),
        (lambda m: m.ask(picture(1), "red", num_beam=2), "did you mean num_beams"),
        (lambda m: m.embed(picture(1), mode="sound"), "the modes are image, text, multimodal"),
        (lambda m: m.embed(picture(1), mode="multimodal"), "needs texts="),
        (lambda m: m.caption(torch.zeros(2, 5)), "is not ready pixels"),
    ],
)
def test_a_mistake_is_one_clear_sentence(model: Loaded, call: Any, words: str) -> None:
    with pytest.raises(SightlineVlmError, match=words):
        call(model)


def test_a_first_stage_checkpoint_matches_but_does_not_write() -> None:
    model = Loaded(checkpoint(None))
    assert model.match(picture(1), "red").itm.shape == (1, 1)
    with pytest.raises(InputError, match="random has no language model"):
        model.caption(picture(1))


def test_a_checkpoint_without_tokenizer_says_which_file_is_missing() -> None:
    model = Loaded(checkpoint(opt()))
    model.checkpoint.tokenizer = None
    with pytest.raises(InputError, match=r"put the language model's tokenizer\.json into its folder"):
        model.ask(picture(1), "red")


def test_only_options_that_act_become_span_attributes() -> None:
    greedy = request_attributes(Decoding(max_new_tokens=7, length_penalty=1.0))
    assert greedy == {"gen_ai.request.max_tokens": 7}
    drawn = request_attributes(Decoding(do_sample=True, top_p=0.9, temperature=0.5, seed=3, num_return_sequences=2))
    assert drawn["gen_ai.request.temperature"] == 0.5
    assert drawn["gen_ai.request.top_p"] == 0.9
    assert drawn["gen_ai.request.seed"] == 3
    assert drawn["gen_ai.request.choice.count"] == 2
    assert "gen_ai.request.top_k" not in drawn
    beams = request_attributes(Decoding(num_beams=5, repetition_penalty=1.5))
    assert (beams["sightline.request.num_beams"], beams["sightline.request.repetition_penalty"]) == (5, 1.5)


def test_answers_beyond_one_batch_stand_in_the_order_they_were_asked(model: Loaded) -> None:
    many = ROWS_AT_ONCE + 3
    questions = [QUESTIONS[at % 3] for at in range(many)]
    answers = model.ask(picture(1), questions)
    alone = {question: model.ask(picture(1), question)[0].tokens for question in QUESTIONS}
    assert [answer.tokens for answer in answers] == [alone[question] for question in questions]
