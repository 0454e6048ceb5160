"""InstructBLIP: the same weights in transformers and here give the same numbers and write the same tokens."""

from pathlib import Path
from typing import Any

import foreign_models as foreign
import pytest
import torch
from foreign_models import SHAPES, Shape
from lavis_weights import ROOM, llama, made
from PIL import Image
from random_models import t5
from torch import Tensor
from transformers import InstructBlipForConditionalGeneration, InstructBlipProcessor

from sightline import vlm
from sightline.vlm.bridges import Text
from sightline.vlm.decoding import Decoding, generate
from sightline.vlm.weights import Checkpoint, CheckpointError, read, save_huggingface

LANGUAGES = ["llama", "flan-t5", "opt"]
NEW = 10


def instruction(shape: Shape, length: int = 5) -> Text:
    """What the Q-Former reads; the last row is shorter than the others."""
    mask_BL = torch.ones(shape.batch, length, dtype=torch.long)
    mask_BL[-1, length - 2 :] = 0
    return Text(foreign.prompt(shape, length), mask_BL)


def asked(pixels_BCHW: Tensor, read_by_bridge: Text, words_BL: Tensor, shape: Shape) -> dict[str, Tensor]:
    """The same question as transformers wants it."""
    with_image = foreign.foreign_prompt(shape, words_BL)
    return {
        "pixel_values": pixels_BCHW,
        "qformer_input_ids": read_by_bridge.tokens_BL,
        "qformer_attention_mask": read_by_bridge.mask_BL,
        "input_ids": with_image,
        "attention_mask": torch.ones_like(with_image),
    }


def trimmed(tokens: list[int], eos: int) -> tuple[int, ...]:
    end = tokens.index(eos) if eos in tokens else len(tokens)
    return tuple(tokens[: end + 1])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
@torch.no_grad()
def test_queries_that_read_the_instruction_and_logits_are_the_same(shape: Shape, language: str, tmp_path: Path) -> None:
    theirs = foreign.instructed(shape, language)
    ours = read(foreign.saved(theirs, tmp_path)).model.double()  # so that no rounding hides a difference
    theirs.double()
    pixels_BCHW, question = foreign.pixels(shape).double(), instruction(shape)
    prompt_BL, targets_BT = foreign.prompt(shape), foreign.prompt(shape, 6)
    features = theirs.get_image_features(pixels_BCHW, question.tokens_BL, question.mask_BL)
    queries_BQZ = ours.bridge(ours.see(pixels_BCHW), question)
    assert (ours.speak(queries_BQZ) - features.pooler_output).abs().max() <= 1e-10
    logits_BTV = ours(pixels_BCHW, targets_BT, Text(prompt_BL, torch.ones_like(prompt_BL)), question)
    if ours.writer.is_encoder_decoder:
        starts_B1 = torch.zeros(shape.batch, 1, dtype=torch.long)
        shown = torch.cat([starts_B1, targets_BT[:, :-1]], 1)
        expected = theirs(**asked(pixels_BCHW, question, prompt_BL, shape), decoder_input_ids=shown).logits
    else:
        words_BL = torch.cat([prompt_BL, targets_BT], 1)
        expected = theirs(**asked(pixels_BCHW, question, words_BL, shape)).logits[:, -7:-1]
    assert (logits_BTV - expected).abs().max() <= 1e-10


@torch.no_grad()
def both(language: str, folder: Path, **decoding: Any) -> tuple[list[Any], list[Any]]:
    """The tokens of each row, ours and theirs."""
    shape = Shape(batch=3)
    theirs = foreign.instructed(shape, language)
    ours = read(foreign.saved(theirs, folder)).model
    pixels_BCHW, question, prompt_BL = foreign.pixels(shape), instruction(shape), foreign.prompt(shape)
    prefix, mask = ours.prefix(ours.bridge(ours.see(pixels_BCHW), question), prompt_BL)
    written = generate(ours.writer, prefix, mask, Decoding(max_new_tokens=NEW, **decoding))
    given = asked(pixels_BCHW, question, prompt_BL, shape)
    out = theirs.generate(**given, **{"max_new_tokens": NEW, "do_sample": False, **decoding})
    before = 1 if ours.writer.is_encoder_decoder else given["input_ids"].shape[1]
    return [answers[0].tokens for answers in written], [trimmed(row[before:].tolist(), shape.eos) for row in out]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "decoding",
    [
        {},
        {"num_beams": 5},
        {"num_beams": 5, "length_penalty": -1.0},
        {"num_beams": 4, "min_new_tokens": 4, "length_penalty": 2.0},
    ],
    ids=str,
)
def test_the_same_tokens_are_written(language: str, decoding: dict[str, Any], tmp_path: Path) -> None:
    ours, theirs = both(language, tmp_path, **decoding)
    assert ours == theirs


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_model_written_back_is_read_by_transformers_bit_for_bit(language: str, tmp_path: Path) -> None:
    theirs = foreign.instructed(Shape(), language)
    save_huggingface(read(foreign.saved(theirs, tmp_path / "theirs")), tmp_path / "ours", max_shard_size="50KB")
    back = InstructBlipForConditionalGeneration.from_pretrained(tmp_path / "ours")
    before, after = theirs.state_dict(), back.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_an_instruction_aware_checkpoint_says_so(tmp_path: Path) -> None:
    checkpoint = read(foreign.saved(foreign.instructed(Shape(), "flan-t5"), tmp_path))
    assert isinstance(checkpoint, Checkpoint)
    assert checkpoint.family == "seq2seq"
    assert checkpoint.prompts.question_to_bridge
    assert checkpoint.prompts.question == "{}"
    assert checkpoint.decoding["repetition_penalty"] == 1.5


def test_text_weights_that_are_missing_are_named(tmp_path: Path) -> None:
    theirs = foreign.instructed(Shape())
    state = {key: value for key, value in theirs.state_dict().items() if "word_embeddings" not in key}
    theirs.save_pretrained(tmp_path, state_dict=state)
    with pytest.raises(CheckpointError, match=r"missing \(1\): qformer.embeddings.word_embeddings.weight"):
        read(tmp_path)


@pytest.mark.parametrize("language", [llama(), t5(ROOM)], ids=["llama", "t5"])
def test_an_exported_model_answers_in_transformers_with_its_own_processor(language: Any, tmp_path: Path) -> None:
    save_huggingface(made(language, text=True), tmp_path)
    picture, question = Image.new("RGB", (30, 40), "red"), "which digit is left ?"
    processor = InstructBlipProcessor.from_pretrained(tmp_path)
    theirs = InstructBlipForConditionalGeneration.from_pretrained(tmp_path).eval()
    inputs = processor(picture, question, return_tensors="pt")
    out = theirs.generate(**inputs, num_beams=3, max_new_tokens=NEW, do_sample=False)
    ours = vlm.load(tmp_path).ask(
        picture, question, num_beams=3, max_new_tokens=NEW, length_penalty=1.0, repetition_penalty=1.0
    )
    before = 1 if theirs.language_model.config.is_encoder_decoder else inputs["input_ids"].shape[1]
    assert ours[0].tokens == trimmed(out[0, before:].tolist(), 2)
