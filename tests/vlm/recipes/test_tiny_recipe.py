"""The recipe of the tiny model: its words, what its language model reads, and a step of each of its stages."""

import numpy as np
import pytest
import torch

from sightline.vlm.data.digit_scenes import Question, Scene, Thing, sample_scenes
from sightline.vlm.loaded import load
from sightline.vlm.recipes.tiny import bridge, tiny, tiny_model, tiny_once
from sightline.vlm.recipes.tiny.encoder import EncoderStage, NamedPatches, naming_accuracy
from sightline.vlm.recipes.tiny.language import (
    LIST_LENGTH,
    LanguageStage,
    all_right,
    asked,
    asked_about,
    example,
    ids_of,
    listed,
    padded,
    read_aloud,
)
from sightline.vlm.recipes.tiny.whole import Workshop, run, save
from sightline.vlm.recipes.tiny.words import BOS, UNKNOWN, VOCABULARY, build_tokenizer
from sightline.vlm.training import Stage


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return sample_scenes(12, seed=1, split="train")


@pytest.fixture(scope="module")
def seen(scenes) -> bridge.SeenScenes:
    return bridge.SeenScenes(tiny_model().build(), lambda: scenes)


def test_the_shape_fits_in_eight_megabytes_of_half_precision():
    parameters = sum(each.numel() for each in tiny_model().build().parameters())
    assert parameters * 2 < 8_000_000


def test_a_list_is_as_long_as_the_soft_prompt_that_replaces_it():
    assert tiny_model().bridge.queries == LIST_LENGTH


def test_every_word_of_every_text_is_known(scenes):
    backend = build_tokenizer()
    for scene in scenes:
        texts = [scene.caption, *(q.text for q in scene.questions), *(q.answer for q in scene.questions)]
        for text in texts:
            tokens = backend.encode(text).tokens
            assert tokens[0] == BOS
            assert UNKNOWN not in tokens
            assert [VOCABULARY.index(token) for token in tokens[1:]] == ids_of(text)


def test_the_tokenizer_forgives_case_punctuation_and_spelling():
    backend = build_tokenizer()
    canonical = backend.encode("question what colour is the five answer").ids
    assert backend.encode("Question: What color is the FIVE? Answer:").ids == canonical


THINGS = (Thing(3, "red", (2, 4, 24, 26)), Thing(7, "blue", (40, 6, 62, 28)))


def words_of(positions: list[list[int]]) -> set[str]:
    return {VOCABULARY[word] for position in positions for word in position}


def test_a_list_holds_every_thing_that_is_told_of():
    rng = np.random.default_rng(0)
    for _ in range(200):
        positions = listed(THINGS, THINGS, rng)
        assert len(positions) == LIST_LENGTH
        assert words_of(positions) - {"first", "second", "left"} == {
            *("nothing", "red", "three", "x3", "y3", "blue", "seven", "x12", "y4")
        }


def test_a_list_holds_nothing_else():
    rng = np.random.default_rng(0)
    for _ in range(200):
        assert not words_of(listed(THINGS, THINGS[1:], rng)) & {"red", "three", "first"}
        assert words_of(listed(THINGS, (), rng)) == {"nothing"}


@pytest.mark.parametrize(
    ("question", "told"),
    [
        (Question("digit", "which digit is red", "three", THINGS[0]), THINGS[:1]),
        (Question("position", "which digit is on the right", "seven", THINGS[1]), THINGS[1:]),
        (Question("colour", "what colour is the seven", "blue"), THINGS[1:]),
        (Question("exist", "is there a three", "yes"), THINGS[:1]),
        (Question("exist", "is there a four", "no"), ()),
        (Question("larger", "which is larger", "seven"), THINGS),
        (Question("count", "how many digits", "two"), THINGS),
    ],
)
def test_a_question_is_about_what_one_has_to_see_to_answer(question, told):
    assert asked_about(question, THINGS) == told


def test_most_texts_stand_after_a_list():
    rng = np.random.default_rng(0)
    assert 0.75 < sum(bool(example(THINGS, rng).listed) for _ in range(400)) / 400 < 0.95


def test_questions_of_every_kind_are_asked(scenes):
    rng = np.random.default_rng(0)
    texts = {asked(scene.things, rng).text.split()[0] for scene in scenes for _ in range(40)}
    assert texts >= {"how", "what", "which", "is"}


def test_all_right_means_every_token_but_the_padding():
    targets = padded([[1, 2, 3], [4, 5]])
    logits = torch.nn.functional.one_hot(targets.tokens_BL, len(VOCABULARY)).float()
    logits[1, 2] = torch.randn(len(VOCABULARY))
    assert all_right(logits, targets).tolist() == [True, True]
    logits[0, 1] = -logits[0, 1]
    assert all_right(logits, targets).tolist() == [False, True]


def test_patches_are_named_by_the_digit_they_lie_on():
    grid = tiny_model().encoder.build().grid(64, 64)
    drawn = NamedPatches.draw(4, 1, "train", grid, tiny_drawing())
    for index, scene in enumerate(sample_scenes(4, 1, "train", tiny_drawing())):
        for cell in range(64):
            at = ((cell % 8) * 8 + 4, (cell // 8) * 8 + 4)
            there = [thing.digit for thing in scene.things if thing.holds(*at)]
            assert drawn.digit_NP[index, cell] == (there[0] if there else 10)


def tiny_drawing():
    from sightline.vlm.recipes.tiny.encoder import VARIED  # a constant of one test

    return VARIED


def first_and_later(stage: Stage, steps: int) -> tuple[float, float]:
    """The loss of one fixed batch before and after a few steps on it."""
    optimiser = torch.optim.AdamW(stage.trained.parameters(), lr=1e-3)
    losses = []
    for _ in range(steps):
        torch.manual_seed(0)
        loss = torch.stack(list(stage.losses(0).values())).sum()
        losses.append(float(loss.detach()))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return losses[0], losses[-1]


def test_a_step_of_the_encoder_lowers_its_loss():
    recipe = tiny_once()
    before, after = first_and_later(EncoderStage(recipe.model.build(), recipe.encoder, scenes=8), steps=3)
    assert after < before


def test_a_step_of_the_language_model_lowers_its_loss():
    recipe = tiny_once()
    before, after = first_and_later(LanguageStage(recipe.model.build().language, recipe.language, layouts=8), steps=3)
    assert after < before


def test_a_step_of_the_first_stage_lowers_its_loss(seen):
    before, after = first_and_later(bridge.FirstStage(seen.model, tiny_once().stage1, seen), steps=3)
    assert after < before


def test_a_step_of_the_second_stage_lowers_its_loss_and_leaves_the_frozen_parts_alone(seen):
    model = seen.model
    model.encoder.requires_grad_(False)
    model.language.requires_grad_(False)
    frozen = {name: each.clone() for name, each in model.named_parameters() if not each.requires_grad}
    before, after = first_and_later(bridge.SecondStage(model, tiny_once().stage2, seen, rehearse_every=2), steps=3)
    assert after < before
    assert all(torch.equal(each, frozen[name]) for name, each in model.named_parameters() if name in frozen)


def test_the_second_stage_rehearses_the_first_at_its_turns(seen):
    stage = bridge.SecondStage(seen.model, tiny_once().stage2, seen, rehearse_every=3)
    assert [len(stage.losses(step)) for step in range(4)] == [5, 2, 2, 5]


def test_reading_is_measured_on_lists_only():
    stage = LanguageStage(tiny_model().build().language, tiny().language, layouts=8)
    figures = stage.reading_accuracy(n=32)
    assert set(figures) == {"read_caption", "read_answer"}
    logits, targets = read_aloud(stage.language, stage.draw(5, (1,)))
    assert logits.shape == (*targets.tokens_BL.shape, len(VOCABULARY))


def test_naming_is_measured_by_patch_and_by_digit():
    stage = EncoderStage(tiny_model().build(), tiny().encoder, scenes=4)
    figures = naming_accuracy(stage.naming, stage.data)
    assert all(0 <= share <= 1 for share in figures.values())


def test_the_whole_recipe_gives_a_folder_that_loads_and_is_resumed_for_free(tmp_path):
    recipe = tiny_once()
    workshop = Workshop.open(recipe, tmp_path)
    workshop.train()
    save(workshop.model, recipe, tmp_path)
    again = Workshop.open(recipe, tmp_path)
    again.train()
    for name, tensor in again.model.state_dict().items():
        assert torch.equal(tensor, workshop.model.state_dict()[name]), name
    loaded = load(tmp_path)
    image = sample_scenes(1, 1, "held-out")[0].image
    assert loaded.ask(image, "Which digit is red?")[0].usage.output_tokens >= 1
    assert loaded.checkpoint.prompts.question_to_bridge
    assert run.__doc__
