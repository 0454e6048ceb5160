"""What users of LAVIS know under other names: dialogues, re-ranked retrieval, captions of the first stage."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from random_models import WORDS, checkpoint, opt, t5
from tokenizers import AddedToken

from sightline.vlm.bridges import QFormerConfig
from sightline.vlm.config import SightlineVlmError
from sightline.vlm.loaded import InputError, Loaded
from sightline.vlm.loaded.scoring import COSINES_AT_ONCE, best_cosines
from sightline.vlm.weights import Checkpoint

TEXTS = ["a red one", "two", "three left of blue", "green", "which digit"]


def picture(seed: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (40, 32, 3), dtype=np.uint8))


def first_stage() -> Checkpoint:
    """A first-stage checkpoint whose Q-Former can caption."""
    held = checkpoint(None)
    assert isinstance(held.config.bridge, QFormerConfig)
    bridge = replace(held.config.bridge, captioning=True, vocab_size=len(WORDS) + 1)
    config = replace(held.config, bridge=bridge)
    model = config.build().eval().requires_grad_(False)
    for parameter in model.bridge.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    assert held.text_tokenizer is not None
    held.text_tokenizer.backend.add_special_tokens([AddedToken("[DEC]", special=True)])
    return replace(held, config=config, model=model)


@pytest.fixture(params=["opt", "t5"])
def model(request: pytest.FixtureRequest) -> Loaded:
    return Loaded(checkpoint(opt() if request.param == "opt" else t5(), seed=3))


def test_a_dialogue_reads_the_turns_before_a_question(model: Loaded) -> None:
    chat = model.chat(picture(1))
    first = chat.ask("how many", min_new_tokens=2)
    second = chat.ask("which digit is red ?")
    told = f"question : how many answer : {first.text}. question : which digit is red ? answer :"
    assert chat.prompt("which digit is red ?").startswith(told)
    assert model.caption(picture(1), told)[0].tokens == second.tokens
    assert [turn.question for turn in chat.turns] == ["how many", "which digit is red ?"]


def test_a_dialogue_encodes_its_image_once(model: Loaded) -> None:
    encoded: list[int] = []
    model.model.encoder.register_forward_pre_hook(lambda _, given: encoded.append(len(given[0])))
    chat = model.chat(picture(1))
    for question in ("how many", "what is left", "which digit is red ?"):
        chat.ask(question)
    assert encoded == [1]


def test_a_dialogue_remembers_as_many_turns_as_it_is_told(model: Loaded) -> None:
    chat = model.chat(picture(1), remember=1)
    chat.ask("how many")
    chat.ask("what is left")
    assert "how many" not in chat.prompt("which")
    assert "what is left" in chat.prompt("which")
    chat.forget()
    assert chat.prompt("which") == "question : which answer :"


def test_a_dialogue_says_where_it_looked(model: Loaded) -> None:
    answer = model.chat(picture(1)).ask("how many", looked="attention", min_new_tokens=3)
    assert answer.looked is not None
    assert len(answer.looked.words) > 0


def test_a_dialogue_is_about_one_image(model: Loaded) -> None:
    with pytest.raises(InputError, match="about one image, 2 were given"):
        model.chat([picture(1), picture(2)])


def test_retrieval_reranks_the_best_by_matching(model: Loaded) -> None:
    images = [picture(at) for at in range(3)]
    matches = model.match(images, TEXTS)
    logits = torch.stack([logit_of(model, image) for image in images])
    scores = model.similarity(images, TEXTS, k=2)
    for image in range(3):
        best = matches.itc[image].topk(2).indices
        expected = torch.full((5,), -100.0)
        expected[best] = logits[image, best] + matches.itc[image, best]
        torch.testing.assert_close(scores.image_to_text[image], expected, atol=1e-5, rtol=1e-5)
    for text in range(5):
        best = matches.itc[:, text].topk(2).indices
        expected = torch.full((3,), -100.0)
        expected[best] = logits[best, text] + matches.itc[best, text]
        torch.testing.assert_close(scores.text_to_image[text], expected, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def logit_of(model: Loaded, image: Image.Image) -> torch.Tensor:
    """Matching logits of an image with every text, each pair in a pass of its own."""
    tokenizer = model.checkpoint.text_tokenizer
    assert tokenizer is not None
    patches = model.model.see(model.preprocess([image]))
    return torch.cat([model.model.bridge.match(patches, tokenizer.batch([text]))[:, 1] for text in TEXTS])


def test_reranking_more_than_there_are_is_reranking_all(model: Loaded) -> None:
    scores = model.similarity([picture(1), picture(2)], TEXTS, k=128)
    torch.testing.assert_close(scores.image_to_text, scores.text_to_image.T, atol=1e-5, rtol=1e-5)
    assert scores.image_to_text.min() > -100


def test_a_first_stage_model_captions_by_itself() -> None:
    model = Loaded(first_stage())
    answers = model.caption([picture(1), picture(2)], num_beams=3, max_new_tokens=6)
    alone = model.caption(picture(2), num_beams=3, max_new_tokens=6)[0]
    assert answers[1].tokens == alone.tokens
    assert answers[0].usage.input_tokens == 4 + 1
    drawn = model.caption(picture(1), do_sample=True, top_p=0.9, seed=3, num_return_sequences=3, max_new_tokens=5)
    assert len(drawn) == 3


def test_a_first_stage_caption_can_begin_with_a_prompt() -> None:
    model = Loaded(first_stage())
    begun = model.caption(picture(1), "a red", max_new_tokens=4)[0]
    assert begun.usage.input_tokens == 4 + 1 + 2


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda m: m.caption(picture(1), looked="gradient"), "leave out looked="),
        (lambda m: m.ask(picture(1), "how many"), "has no language model"),
        (lambda m: m.similarity(picture(1), TEXTS, k=0), "re-rank at least one"),
    ],
)
def test_a_mistake_with_a_first_stage_model_is_one_clear_sentence(call, words: str) -> None:
    with pytest.raises(SightlineVlmError, match=words):
        call(Loaded(first_stage()))


def test_many_pairs_in_batches_score_as_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    model, pictures = Loaded(checkpoint(None)), [picture(seed) for seed in range(5)]

    def scores() -> list[torch.Tensor]:
        match, both = model.match(pictures, TEXTS), model.similarity(pictures, TEXTS, k=3)
        pairs = model.embed(pictures, TEXTS, mode="multimodal").raw
        images, words = model.embed(pictures), model.embed(texts=TEXTS, mode="text")
        assert images.projected is not None
        assert words.projected is not None
        whole = torch.einsum("nqk,mk->nmq", images.projected, words.projected).amax(2)
        torch.testing.assert_close(match.itc, whole)
        return [match.itc, match.itm, both.image_to_text, both.text_to_image, images.raw, words.raw, pairs]

    together = scores()
    for name, few in (("PAIRS_AT_ONCE", 2), ("TEXTS_AT_ONCE", 3), ("COSINES_AT_ONCE", 24)):
        monkeypatch.setattr(f"sightline.vlm.loaded.scoring.{name}", few)
    for one, other in zip(scores(), together, strict=True):
        torch.testing.assert_close(one, other)


def test_a_block_of_cosines_is_bounded() -> None:
    images_NQK, texts_MK = torch.randn(300, 32, 8), torch.randn(1500, 8)
    blocks: list[int] = []
    einsum = torch.einsum

    def counted(*given: Any) -> torch.Tensor:
        made = einsum(*given)
        blocks.append(made.numel())
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "einsum", counted)
        best_NM = best_cosines(images_NQK, texts_MK)
    assert max(blocks) <= COSINES_AT_ONCE
    torch.testing.assert_close(best_NM, einsum("nqk,mk->nmq", images_NQK, texts_MK).amax(2))
