"""Greedy and beam search write what transformers' `generate` writes; sampling draws what it may."""

import warnings
from typing import Any

import pytest
import torch
from random_models import opt, t5

from sightline.vlm.decoding import Decoding, DecodingError, Written, generate
from sightline.vlm.language import CausalLanguage, Seq2SeqLanguage

Language = CausalLanguage | Seq2SeqLanguage
VOCABULARY = 97
SEARCHES: list[dict[str, Any]] = [
    {},
    {"min_new_tokens": 5},
    {"repetition_penalty": 1.5},
    {"num_beams": 5},
    {"num_beams": 3, "num_return_sequences": 3, "length_penalty": -1.0},
    {"num_beams": 5, "length_penalty": 2.0, "min_new_tokens": 4},
    {"num_beams": 4, "repetition_penalty": 1.7, "length_penalty": 0.0},
]


def language(kind: str, seed: int) -> Language:
    torch.manual_seed(seed)
    config = opt(VOCABULARY) if kind == "opt" else t5(VOCABULARY)
    built: Language = config.build().eval().requires_grad_(False)
    return built


def prefix(seed: int, padded: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
    """Three rows of seven positions; `padded` hides the first two of one row."""
    torch.manual_seed(1000 + seed)
    mask = torch.ones(3, 7, dtype=torch.long)
    if padded:
        mask[1, :2] = 0
    return torch.randn(3, 7, 32), mask


def theirs(model: Language, rows: tuple[torch.Tensor, torch.Tensor], options: dict[str, Any]) -> list[list[int]]:
    """What transformers writes, without its start token and the padding after the end."""
    with torch.no_grad(), warnings.catch_warnings(action="ignore"):
        tokens = model.model.generate(inputs_embeds=rows[0], attention_mask=rows[1], do_sample=False, **options)
    if model.is_encoder_decoder:
        tokens = tokens[:, 1:]
    return [until_end(row, model) for row in tokens.tolist()]


def until_end(row: list[int], model: Language) -> list[int]:
    ends = [at for at, token in enumerate(row) if token in model.eos_ids]
    return row[: ends[0] + 1] if ends else row


def unpadded(row: list[int], model: Language) -> list[int]:
    """Without trailing padding, which a cut answer of ours never has and one of theirs may."""
    while row and row[-1] == model.pad_id:
        row = row[:-1]
    return row


def flat(written: list[list[Written]]) -> list[Written]:
    return [one for row in written for one in row]


@pytest.mark.parametrize("kind", ["opt", "t5"])
@pytest.mark.parametrize("options", SEARCHES, ids=str)
def test_searches_write_the_tokens_of_transformers(kind: str, options: dict[str, Any]) -> None:
    for seed in range(8):
        model = language(kind, seed)
        # transformers skips as many new tokens as a row has padding when it counts repetitions: compare without
        rows = prefix(seed, padded="repetition_penalty" not in options)
        options = {**options, "max_new_tokens": 12}
        ours = [list(one.tokens) for one in flat(generate(model, *rows, Decoding(**options)))]
        expected = theirs(model, rows, options)
        assert [unpadded(row, model) for row in ours] == [unpadded(row, model) for row in expected]


@pytest.mark.parametrize("kind", ["opt", "t5"])
@pytest.mark.parametrize("beams", [1, 4])
def test_log_probabilities_are_the_models_own(kind: str, beams: int) -> None:
    """In double precision: a random T5's steep attention makes four digits of what single precision rounds off."""
    embeddings, mask = prefix(3)
    model, rows = language(kind, 3).double(), (embeddings.double(), mask)
    for row, one in enumerate(flat(generate(model, *rows, Decoding(num_beams=beams, max_new_tokens=8)))):
        targets = torch.tensor([one.tokens])
        with torch.no_grad():
            logits = model.logits(rows[0][row : row + 1], rows[1][row : row + 1], targets)
        expected = logits.log_softmax(2).gather(2, targets[:, :, None]).flatten()
        torch.testing.assert_close(torch.tensor(one.logprobs), expected.float(), atol=1e-5, rtol=1e-5)


def test_a_beam_score_is_the_mean_log_probability_under_the_default_penalty() -> None:
    model, rows = language("opt", 5), prefix(5)
    for one in flat(generate(model, *rows, Decoding(num_beams=4, max_new_tokens=8))):
        assert one.score == pytest.approx(sum(one.logprobs) / len(one.tokens), abs=1e-4)


def test_rows_are_answered_alike_alone_and_in_a_batch() -> None:
    model, (embedded, mask) = language("opt", 1), prefix(1)
    how = Decoding(num_beams=3, max_new_tokens=10)
    together = flat(generate(model, embedded, mask, how))
    alone = [generate(model, embedded[at : at + 1], mask[at : at + 1], how)[0][0] for at in range(3)]
    assert [one.tokens for one in together] == [one.tokens for one in alone]


def test_a_seed_repeats_a_draw_and_another_changes_it() -> None:
    model, rows = language("opt", 2), prefix(2)

    def draw(seed: int) -> list[tuple[int, ...]]:
        how = Decoding(do_sample=True, top_p=0.9, temperature=1.5, seed=seed, num_return_sequences=4)
        return [one.tokens for one in flat(generate(model, *rows, how))]

    assert draw(1) == draw(1)
    assert draw(1) != draw(2)
    assert len(draw(1)) == 12


def test_drawing_from_the_single_likeliest_token_is_greedy_search() -> None:
    model, rows = language("opt", 4), prefix(4)
    greedy = flat(generate(model, *rows, Decoding(max_new_tokens=10)))
    for narrow in ({"top_k": 1}, {"top_p": 1e-6}, {"temperature": 1e-4}):
        drawn = flat(generate(model, *rows, Decoding(do_sample=True, max_new_tokens=10, **narrow)))
        assert [one.tokens for one in drawn] == [one.tokens for one in greedy]


def test_a_nucleus_never_leaves_its_probability_mass() -> None:
    model, rows = language("opt", 6), prefix(6)
    with torch.no_grad():
        logits, _ = model.prefill(*rows)
    best = logits[0].softmax(0).sort(descending=True)
    size = int((best.values.cumsum(0) < 0.5).sum()) + 1
    allowed = set(best.indices[:size].tolist())
    how = Decoding(do_sample=True, top_p=0.5, max_new_tokens=1, num_return_sequences=200, seed=0)
    drawn = {one.tokens[0] for one in generate(model, rows[0][:1], rows[1][:1], how)[0]}
    assert drawn <= allowed
    assert len(drawn) > 1


def test_beams_can_be_drawn_too() -> None:
    model, rows = language("t5", 7), prefix(7)
    how = Decoding(num_beams=3, num_return_sequences=2, do_sample=True, top_p=0.9, seed=3, max_new_tokens=6)
    written = generate(model, *rows, how)
    assert [len(row) for row in written] == [2, 2, 2]
    assert written == generate(model, *rows, how)


def test_every_token_is_heard_as_it_is_chosen() -> None:
    model, rows = language("opt", 8), prefix(8)
    heard: list[list[int]] = [[], [], []]
    written = generate(model, *rows, Decoding(max_new_tokens=9), lambda row, token, _: heard[row].append(token))
    assert [tuple(tokens) for tokens in heard] == [one.tokens for one in flat(written)]


def test_the_prefix_is_read_once_a_row_whatever_the_beams(monkeypatch: pytest.MonkeyPatch) -> None:
    model, rows = language("opt", 9), prefix(9)
    read: list[int] = []
    run = model._run

    def counted(inputs: torch.Tensor, *rest: Any) -> torch.Tensor:
        if inputs.shape[1] > 1:
            read.append(len(inputs))
        return run(inputs, *rest)

    monkeypatch.setattr(model, "_run", counted)
    generate(model, *rows, Decoding(num_beams=5, max_new_tokens=4))
    assert read == [3]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"num_beams": 0}, "num_beams=0 is out of range"),
        ({"temperature": 0.0, "do_sample": True}, "for the likeliest token use do_sample=False"),
        ({"temperature": 0.5}, "add do_sample=True"),
        ({"top_p": 1.5, "do_sample": True}, "above 0 and at most 1"),
        ({"min_new_tokens": 9, "max_new_tokens": 3}, "min_new_tokens=9 is above max_new_tokens=3"),
        ({"num_return_sequences": 4, "num_beams": 2}, "at most one answer a beam"),
        ({"num_return_sequences": 4}, "greedy search has one answer"),
    ],
    ids=str,
)
def test_contradictions_say_both_values_and_the_way_out(options: dict[str, Any], words: str) -> None:
    with pytest.raises(DecodingError, match=words):
        Decoding(**options)


def test_an_unknown_option_names_its_neighbour() -> None:
    with pytest.raises(DecodingError, match="did you mean num_beams"):
        Decoding.of({"num_beam": 3})
