"""Captions and answers beside transformers' own `generate`, on the same random weights.

The model is BLIP-2 with a 12-layer ViT at 224 px, the 12-layer Q-Former and an OPT-125m shaped language model. Every
case runs both sides in turn, in one process on one thread, and is judged by the median of its rounds' ratios of CPU
time; wall clock on a shared machine says little. Tokens of both sides are compared one by one.

    python -m benchmarks.caption [--rounds 5] [--dtype float32] [--small]
"""

import argparse
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer as Backend
from tokenizers import models, pre_tokenizers, processors
from torch import Tensor
from transformers import Blip2Config, Blip2ForConditionalGeneration

from benchmarks.machine import header, save
from sightline.vlm import weights
from sightline.vlm.loaded import Loaded

BOS, EOS, PAD, IMAGE = 2, 3, 1, 4
QUERIES = 32
CAPTION_TOKENS = 30
ANSWER_TOKENS = 5
QUESTIONS = 10
QUESTION_WORDS = 8

Tokens = list[tuple[int, ...]]


@dataclass(frozen=True)
class Case:
    """One thing to do with one image or several."""

    name: str
    ours: Callable[[], Tokens]
    theirs: Callable[[], Tokens]


def shape(small: bool) -> dict[str, Any]:
    """The configuration as transformers writes it."""
    width, layers, words = (64, 2, 512) if small else (768, 12, 50272)
    heads, wide = width // 64, width * 4
    body = {"hidden_size": width, "num_hidden_layers": layers, "num_attention_heads": heads, "intermediate_size": wide}
    return {
        "vision_config": {**body, "image_size": 224, "patch_size": 14},
        "qformer_config": {**body, "encoder_hidden_size": width, "vocab_size": 512},
        "text_config": {
            "model_type": "opt",
            "vocab_size": words,
            "hidden_size": width,
            "word_embed_proj_dim": width,
            "ffn_dim": wide,
            "num_hidden_layers": layers,
            "num_attention_heads": heads,
            "max_position_embeddings": 512,
            "bos_token_id": BOS,
            "eos_token_id": EOS,
            "pad_token_id": PAD,
        },
        "num_query_tokens": QUERIES,
        "image_token_index": IMAGE,
        "image_text_hidden_size": 256,
    }


def both(small: bool, dtype: torch.dtype) -> tuple[Loaded, Blip2ForConditionalGeneration]:
    """The same weights on both sides, through a checkpoint folder."""
    torch.manual_seed(0)
    theirs = Blip2ForConditionalGeneration(Blip2Config(**shape(small))).eval()
    for parameter in theirs.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.05)
    with tempfile.TemporaryDirectory() as folder:
        theirs.save_pretrained(folder)
        checkpoint = weights.read(Path(folder), dtype=dtype)
        theirs = Blip2ForConditionalGeneration.from_pretrained(folder, dtype=dtype).eval()
    vocabulary = theirs.config.text_config.vocab_size
    backend = Backend(models.WordLevel({f"w{at}": at for at in range(vocabulary)}, unk_token="w0"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.post_processor = processors.TemplateProcessing(single=f"w{BOS} $A", special_tokens=[(f"w{BOS}", BOS)])
    checkpoint.tokenizer = weights.Tokenizer(backend, PAD)
    return Loaded(checkpoint), theirs


def cases(ours: Loaded, theirs: Blip2ForConditionalGeneration, dtype: torch.dtype) -> list[Case]:
    """What is compared: captions of one and four images, greedily and by five beams, and ten questions about one."""
    pixels = torch.randn(4, 3, 224, 224)
    asked = torch.randint(10, 500, (QUESTIONS, QUESTION_WORDS))
    questions = [" ".join(f"w{token}" for token in row) for row in asked.tolist()]

    def captions(images: int, beams: int) -> Case:
        forced = {"num_beams": beams, "min_new_tokens": CAPTION_TOKENS, "max_new_tokens": CAPTION_TOKENS}
        prompt = torch.tensor([[BOS]]).expand(images, -1)
        name = f"captions of {images}, {'greedy' if beams == 1 else f'{beams} beams'}"
        return Case(
            name,
            lambda: [each.tokens for each in ours.caption(pixels[:images], "", **forced)],
            lambda: generate(theirs, pixels[:images].to(dtype), prompt, forced),
        )

    def answers() -> Case:
        forced = {"num_beams": 1, "min_new_tokens": ANSWER_TOKENS, "max_new_tokens": ANSWER_TOKENS}
        prompt = torch.cat([torch.full((QUESTIONS, 1), BOS), asked], 1)
        return Case(
            f"{QUESTIONS} questions about one image",
            lambda: [each.tokens for each in ours.ask(pixels[:1], questions, template="{}", **forced)],
            lambda: generate(theirs, pixels[:1].repeat(QUESTIONS, 1, 1, 1).to(dtype), prompt, forced),
        )

    return [captions(1, 1), captions(1, 5), captions(4, 5), answers()]


@torch.no_grad()
def generate(model: Blip2ForConditionalGeneration, pixels: Tensor, prompt: Tensor, options: dict[str, Any]) -> Tokens:
    """New tokens of transformers' `generate`."""
    places = torch.full((len(prompt), QUERIES), IMAGE)
    tokens = torch.cat([places, prompt], 1)
    written = model.generate(
        pixel_values=pixels, input_ids=tokens, attention_mask=torch.ones_like(tokens), do_sample=False, **options
    )
    return [tuple(row[tokens.shape[1] :].tolist()) for row in written]


def timed(run: Callable[[], Tokens]) -> tuple[float, Tokens]:
    """CPU seconds of one run, and what it wrote."""
    start = time.process_time()
    tokens = run()
    return time.process_time() - start, tokens


def compared(case: Case, rounds: int) -> dict[str, Any]:
    """Both sides in turn, after one run of each to warm up."""
    case.ours(), case.theirs()
    seconds: list[tuple[float, float]] = []
    for at in range(rounds):
        sides = (case.ours, case.theirs) if at % 2 == 0 else (case.theirs, case.ours)
        (first, _), (second, _) = timed(sides[0]), timed(sides[1])
        seconds.append((first, second) if at % 2 == 0 else (second, first))
    ours, theirs = case.ours(), case.theirs()
    pairs = [(a, b) for one, other in zip(ours, theirs, strict=True) for a, b in zip(one, other, strict=True)]
    return {
        "ours_cpu_s": round(statistics.median(ours for ours, _ in seconds), 4),
        "transformers_cpu_s": round(statistics.median(theirs for _, theirs in seconds), 4),
        "speed_up": round(statistics.median(theirs / ours for ours, theirs in seconds), 3),
        "tokens_equal": sum(a == b for a, b in pairs) / len(pairs),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--small", action="store_true", help="a toy shape, to see that it runs; nothing is saved")
    given = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    dtype = getattr(torch, given.dtype)
    ours, theirs = both(given.small, dtype)
    results = {}
    for case in cases(ours, theirs, dtype):
        results[case.name] = compared(case, given.rounds)
        print(f"{case.name:<32} {results[case.name]}", flush=True)
    if not given.small:
        head = header("torch", "transformers", dtype=given.dtype)
        path = save("caption", {**head, "threads": 1, "rounds": given.rounds, "results": results})
        print(f"written to {path}")


if __name__ == "__main__":
    main()
