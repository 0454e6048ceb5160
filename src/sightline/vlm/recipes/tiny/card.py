"""The model card, written from what was measured: no figure in it is typed by hand."""

import json
from pathlib import Path
from typing import Any

Figures = dict[str, Any]

STAGES = {
    "encoder": "encoder: every patch names its digit, its ink, its row and its column; then frozen",
    "language": "language model: text alone, most of it reading lists of things; then frozen",
    "stage1": "Q-Former beside the encoder: contrast, matching, captioning (ITC + ITM + ITG)",
    "stage2": "Q-Former and one Linear through the language model: half captions, half questions",
}
"""Stages of training by the names of their logs, as the card tells them."""

TEMPLATE = """---
license: apache-2.0
pipeline_tag: image-text-to-text
---

# sightline-tiny

A whole BLIP-2 (arXiv 2301.12597) of {parameters:.1f} million parameters: a small ViT and a small causal language model,
both pre-trained and then frozen, and a Q-Former trained between them in two stages. It exists so that everything
Sightline does can be tried, tested and understood in seconds on any machine.

Its world is scenes of one to four **real handwritten digits** in coloured ink on a dark, noisy canvas, 64 pixels wide.
It captions them (*{caption}*), answers six kinds of questions, matches and retrieves.

## What it can do, on handwriting it has never seen

The digits come from the test set that scikit-learn bundles (optical recognition of handwritten digits, E. Alpaydin and
C. Kaynak, UCI, CC BY 4.0), split by image into train and held-out before anything else. Every figure below comes from
held-out handwriting: {scenes} scenes, {questions} questions. Print them again:

```sh
sightline evaluate sightline-tiny --benchmark digit-scenes --json
```

| task | figure |
|---|---|
{rows}

By chance a map's peak would lie on the right digit in {chance:.1%}. These are maps of the method `gradient`, in scenes
of two digits and more.

## How it was made

`make tiny` makes it again from nothing; steps of 64.

| stage | steps | CPU time |
|---|---|---|
{stages}

In all {minutes:.0f} minutes of CPU time, drawing the scenes included; on two cores about half of that.

## What it cannot do

Anything else. It knows {words} words, reads dark canvases with bright ink only, and has no idea of photographs.
"""
"""The card in Markdown, its figures left open."""


def card(figures: Figures, runs: Path, parameters: int, words: int) -> str:
    """Markdown of the card: `figures` of the benchmark, and the training logs in the folder `runs`."""
    logs = {stage: _last(runs / f"{stage}.jsonl") for stage in STAGES}
    return TEMPLATE.format(
        parameters=parameters / 1e6,
        caption="a red three left of a blue seven",
        scenes=figures["n"]["scenes"],
        questions=figures["n"]["questions"],
        rows="\n".join(f"| {name} | {share:.1%} |" for name, share in rows(figures)),
        chance=figures["looked"]["chance"],
        stages="\n".join(
            f"| {STAGES[stage]} | {log['step']:,} | {log['cpu_s'] / 60:.1f} min |" for stage, log in logs.items()
        ),
        minutes=sum(log["cpu_s"] for log in logs.values()) / 60,
        words=words,
    )


def rows(figures: Figures) -> list[tuple[str, float]]:
    """What is measured, and the share."""
    vqa, caption, looked = figures["vqa"], figures["caption"], figures["looked"]
    return [
        ("questions, exact match", vqa["accuracy"]),
        *((f"… of kind *{kind}*", share) for kind, share in vqa["by_type"].items()),
        ("the same questions with the images shuffled", figures["shuffled_images"]["vqa"]),
        ("captions of one or two digits, fully correct", caption["exact_up_to_two"]),
        ("captions, fully correct", caption["exact"]),
        ("image → text recall@1 among 100 captions", figures["retrieval"]["image_to_text_r1"]),
        ("map of an answer's digit peaks on that digit", looked["question_pointing"]),
        ("map of a caption's digit word peaks on that digit", looked["caption_pointing"]),
    ]


def _last(log: Path) -> dict[str, float]:
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    return {"step": rows[-1]["step"], "cpu_s": rows[-1]["cpu_s"]}
