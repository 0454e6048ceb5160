"""The shapes of `sightline-tiny`, part by part, and how long each part is trained."""

from dataclasses import dataclass, field, replace

from sightline.vlm.bridges import QFormerConfig
from sightline.vlm.config import Config
from sightline.vlm.encoders.conv_vit import ConvViTConfig
from sightline.vlm.language import LlamaConfig
from sightline.vlm.model import Blip2Config
from sightline.vlm.recipes.tiny.words import BOS, EOS, PAD, VOCABULARY
from sightline.vlm.training import AdamWConfig, Run, WarmCosine

WIDTH = 128
"""Hidden size of all three parts."""
QUERIES = 24
"""Query tokens of the Q-Former."""
SEED = 2301
"""Of initial weights and training data."""


def tiny_model() -> Blip2Config:
    """Encoder 1.1 M, bridge 1.5 M, language model 0.6 M parameters."""
    return Blip2Config(
        encoder=ConvViTConfig(stem=(32, 64, WIDTH), layers=5, heads=4, mlp_width=4 * WIDTH),
        bridge=QFormerConfig(
            patch_width=WIDTH,
            width=WIDTH,
            layers=4,
            heads=4,
            mlp_width=4 * WIDTH,
            queries=QUERIES,
            dropout=0.0,
            vocab_size=len(VOCABULARY),
            positions=24,
            contrast_width=64,
            matching=True,
            captioning=True,
        ),
        language=LlamaConfig(architecture=tiny_language()),
    )


def tiny_language() -> dict[str, object]:
    """A Llama of three layers, as transformers writes its config."""
    return {
        "model_type": "llama",
        "vocab_size": len(VOCABULARY),
        "hidden_size": WIDTH,
        "intermediate_size": 352,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 4,
        "max_position_embeddings": 128,
        "tie_word_embeddings": False,
        "bos_token_id": VOCABULARY.index(BOS),
        "eos_token_id": VOCABULARY.index(EOS),
        "pad_token_id": VOCABULARY.index(PAD),
    }


@dataclass(frozen=True, kw_only=True)
class Tiny(Config):
    """The whole recipe."""

    encoder: Run
    language: Run
    stage1: Run
    stage2: Run
    model: Blip2Config = field(default_factory=tiny_model)
    scenes: int = 24_000
    """Training scenes of the bridge, seen once by the frozen encoder."""
    encoder_scenes: int = 32_000
    """Training scenes of the encoder, drawn with more variation."""
    rehearse_every: int = 5
    """In stage two every so many steps also train the first stage's heads, which the shipped model keeps using."""
    watched_scenes: int = 200
    """Held-out scenes looked at while training."""


def tiny() -> Tiny:
    """The recipe behind the shipped weights: under an hour on two cores."""
    return Tiny(
        encoder=_run("encoder", peak=1e-3, steps=2_800, warmup=150),
        language=_run("language", peak=2e-3, steps=3_500, warmup=100),
        stage1=_run("stage1", peak=1e-3, steps=500, warmup=100),
        stage2=_run("stage2", peak=1e-3, steps=4_500, warmup=150),
    )


def tiny_once() -> Tiny:
    """The same recipe, one step of everything, in a second or two: for tests."""
    whole = tiny()
    runs = {
        name: replace(run, schedule=replace(run.schedule, steps=1, warmup_steps=0), batch=8)
        for name, run in (
            ("encoder", whole.encoder),
            ("language", whole.language),
            ("stage1", whole.stage1),
            ("stage2", whole.stage2),
        )
    }
    return replace(whole, **runs, scenes=16, encoder_scenes=16, watched_scenes=4)  # type: ignore[arg-type]


def _run(name: str, *, peak: float, steps: int, warmup: int) -> Run:
    schedule = WarmCosine(peak=peak, steps=steps, warmup_steps=warmup)
    return Run(name=name, schedule=schedule, optimiser=AdamWConfig(), seed=SEED)
