"""The facts of the guide's family pages, computed: names from the catalogue, sizes from models without memory.

Run as a program, it writes them into the pages of docs/guide/models, between the two marks.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from torch import nn

from sightline.vlm.bridges import QFormerConfig
from sightline.vlm.encoders import EvaConfig
from sightline.vlm.language import CausalConfig, LanguageConfig, Seq2SeqConfig
from sightline.vlm.model import Blip2, Blip2Config
from sightline.vlm.placement import Layout
from sightline.vlm.weights.catalog import CATALOG, FAMILIES, Known
from sightline.vlm.weights.folder import CARD
from sightline.vlm.weights.huggingface import decoding_of, prompts_of

PAGES = Path(__file__).parents[2] / "docs" / "guide" / "models"
BEGIN, END = "<!-- computed -->\n", "<!-- end of what is computed -->\n"
BLOCK = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)

QFORMER_WORDS = 30523
"""BERT's, and the token that begins a caption."""


def _opt(width: int, feed: int) -> LanguageConfig:
    sizes = {"hidden_size": width, "word_embed_proj_dim": width, "ffn_dim": feed}
    layers = {"num_hidden_layers": 32, "num_attention_heads": 32, "max_position_embeddings": 2048}
    return CausalConfig(architecture={"model_type": "opt", "vocab_size": 50304, **sizes, **layers})


def _t5(width: int, feed: int, heads: int) -> LanguageConfig:
    sizes = {"d_model": width, "d_kv": 64, "d_ff": feed, "num_heads": heads, "num_layers": 24, "num_decoder_layers": 24}
    kind = {"model_type": "t5", "vocab_size": 32128, "feed_forward_proj": "gated-gelu", "tie_word_embeddings": False}
    return Seq2SeqConfig(architecture={**kind, **sizes})


def _llama(width: int, feed: int, layers: int, heads: int) -> LanguageConfig:
    sizes = {"hidden_size": width, "intermediate_size": feed, "num_hidden_layers": layers, "num_attention_heads": heads}
    return CausalConfig(architecture={"model_type": "llama", "vocab_size": 32001, **sizes})


LANGUAGES = {
    "OPT 2.7B": _opt(2560, 10240),
    "OPT 6.7B": _opt(4096, 16384),
    "FlanT5-XL": _t5(2048, 5120, 32),
    "FlanT5-XXL": _t5(4096, 10240, 64),
    "Vicuna 7B": _llama(4096, 11008, 32, 32),
    "Vicuna 13B": _llama(5120, 13824, 40, 40),
}
"""Shapes of the published language models."""

ENCODERS = {
    "EVA-CLIP ViT-g/14": EvaConfig(),
    "CLIP ViT-L/14": EvaConfig(
        width=1024,
        layers=23,
        mlp_width=4096,
        activation="quick_gelu",
        eps=1e-5,
        patch_bias=False,
        norm_first=True,
        align_corners=True,
    ),
}

UNPUBLISHED = {
    "blip2_vicuna": {
        name: Known(about="", family="blip2_vicuna", language=language, hub_id="none")
        for name, language in (("ViT-g + Vicuna 7B", "Vicuna 7B"), ("ViT-g + Vicuna 13B", "Vicuna 13B"))
    }
}
"""Families that nobody has published a member of: what one would be."""


def members(family: str) -> dict[str, Known]:
    """The models of a family by name."""
    return {name: known for name, known in CATALOG.items() if known.family == family} or UNPUBLISHED[family]


def config_of(known: Known) -> Blip2Config:
    """The shape of a known model."""
    if known.folder is not None:
        return Blip2Config.from_dict(card(known)["config"])
    encoder = replace(ENCODERS[known.encoder], image_size=known.image_size)
    bridge = QFormerConfig(patch_width=encoder.width)
    if known.language is None:
        return Blip2Config(
            encoder=encoder,
            bridge=replace(bridge, vocab_size=QFORMER_WORDS, contrast_width=256, matching=True),
        )
    if known.family.endswith("_instruct"):
        bridge = replace(bridge, vocab_size=QFORMER_WORDS)
    return Blip2Config(encoder=encoder, bridge=bridge, language=LANGUAGES[known.language])


def card(known: Known) -> dict[str, Any]:
    """What a model in the package says about itself; nothing for others."""
    found: dict[str, Any] = {} if known.folder is None else json.loads((known.folder / CARD).read_text())
    return found


@cache
def built(name: str, family: str) -> Blip2:
    """The model, without memory for its weights."""
    return config_of(members(family)[name]).build(Layout.of(None, "meta"))


def sizes(name: str, family: str) -> dict[str, int]:
    """Parameters by part."""
    model = built(name, family)
    return {part: _parameters(getattr(model, part)) for part in ("encoder", "norm", "bridge", "project", "language")}


def _parameters(module: nn.Module | None) -> int:
    return 0 if module is None else sum(each.numel() for each in module.parameters())


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"|{'|'.join(cells)}|" if cells[0] == "---" else f"| {' | '.join(cells)} |" for cells in lines)


def names_table(family: str) -> str:
    rows = []
    for name, known in members(family).items():
        lavis = "<br>".join(f"`{each.partition(':')[0]}`, `{each.partition(':')[2]}`" for each in known.also) or "–"
        rows.append([f"`{name}`", lavis, known.source, f"{known.image_size} px"])
    return table(["name", "LAVIS: name, type", "comes from", "image"], rows)


def parts_table(family: str) -> str:
    rows = []
    for name, known in members(family).items():
        many, config = sizes(name, family), config_of(known)
        bridge: Any = config.bridge
        encoder: Any = config.encoder
        grid = built(name, family).encoder.grid(known.image_size, known.image_size)
        tokens, width = grid.leading + grid.rows * grid.cols, bridge.patch_width
        rows.append(
            [
                f"`{name}`" if name in CATALOG else name,
                f"{encoder.layers} layers of {width}, {tokens} features: {_millions(many['encoder'])}",
                f"{bridge.layers} layers of {bridge.width}, {bridge.queries} queries: {_millions(many['bridge'])}",
                *_spoken(config, many),
            ]
        )
    return table(["name", "encoder", "Q-Former", "projection", "language model"], rows)


def _spoken(config: Blip2Config, many: dict[str, int]) -> list[str]:
    if not isinstance(config.language, LanguageConfig):
        return ["–", "–"]
    bridge: Any = config.bridge
    shape = config.language.architecture
    width = shape.get("hidden_size", shape.get("d_model"))
    layers = shape.get("num_hidden_layers", shape.get("num_layers"))
    both = " + ".join([str(layers)] * (2 if isinstance(config.language, Seq2SeqConfig) else 1))
    words = f"{both} layers of {width}, {shape['vocab_size']:,} tokens: {_millions(many['language'])}"
    return [f"{bridge.width} → {width}: {_millions(many['project'])}", words]


def _millions(many: int) -> str:
    return f"{many / 1e6:,.1f} M" if many >= 10**6 else f"{many / 1e3:,.1f} K"


def memory_table(family: str) -> str:
    rows = []
    for name in members(family):
        many = sizes(name, family)
        trained = many["norm"] + many["bridge"] + many["project"]
        kept = 4 * (many["norm"] + many["bridge"])
        rest = many["encoder"] + many["project"] + many["language"]
        rows.append(
            [
                f"`{name}`" if name in CATALOG else name,
                _millions(trained + many["encoder"] + many["language"]),
                _millions(trained),
                _gib(4 * rest + kept),
                _gib(2 * rest + kept),
                _gib(2 * rest + kept // 2),
            ]
        )
    heads = ["name", "parameters", "trained", "float32", "16 bits, Q-Former float32", "16 bits throughout"]
    return table(heads, rows)


def _gib(count: int) -> str:
    return f"{count / 2**30:,.2f} GiB" if count >= 2**29 else f"{count / 2**20:,.1f} MiB"


def prompts_table(family: str) -> str:
    """Prompts and decoding; captions of models fine-tuned on COCO begin with words of their own."""
    rows: list[list[str]] = []
    for name, known in members(family).items():
        config = config_of(known)
        told = card(known)
        prompts: Any = told.get("prompts") or vars(prompts_of(config))
        caption = known.caption_prompt or prompts["caption"]
        decoding = told.get("decoding") or decoding_of(config)
        rows.append(
            [
                f"`{name}`" if name in CATALOG else name,
                f"`{caption}`" if caption else "nothing",
                f"`{prompts['question']}`",
                _bridge_reads(prompts),
                ", ".join(f"{key} {value:g}" for key, value in decoding.items()),
            ]
        )
    heads = ["name", "a caption begins after", "a question is put into", "the Q-Former reads", "decoding"]
    return table(heads, rows)


def _bridge_reads(prompts: dict[str, Any]) -> str:
    if not prompts["question_to_bridge"]:
        return "the image"
    return "the image and " + ("the whole instruction" if prompts.get("template_to_bridge") else "the bare question")


def facts(family: str) -> str:
    """What stands between the marks of a family's page."""
    abilities = ", ".join(f"`{each}`" for each in FAMILIES[family][1])
    parts = ["## Names", names_table(family)] if family not in UNPUBLISHED else []
    parts += ["## Parts and widths", parts_table(family), "## Memory of the weights", memory_table(family)]
    if any(known.language for known in members(family).values()):
        parts += ["## Prompts and decoding", prompts_table(family)]
    return "\n\n".join([*parts, "## What it can do", abilities]) + "\n"


def main() -> None:
    """Writes the facts into every page."""
    for family in FAMILIES:
        page = PAGES / f"{family}.md"
        text = page.read_text()
        page.write_text(BLOCK.sub(lambda _: f"{BEGIN}\n{facts(family)}\n{END}", text))  # noqa: B023 - used at once


if __name__ == "__main__":
    main()
