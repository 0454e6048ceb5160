"""A family of transformers on trial: composed with encoder and bridge, asked as users ask, beside the family itself.

The yardstick is the transformers model called plainly: one row, no cache, no padding, float32, every position read
again for every token. `judged` says of a family whether it is right, right by a slower way, or refused, and why.

Shapes: L positions, E embedding width, V vocabulary, T tokens.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from huggingface_hub.errors import StrictDataclassError
from PIL import Image
from tokenizers import Tokenizer as Backend
from tokenizers import models, pre_tokenizers
from torch import Tensor, nn

from sightline.vlm import weights
from sightline.vlm.bridges import QFormerConfig, Text
from sightline.vlm.config import Config, ConfigError
from sightline.vlm.decoding import Decoding, generate
from sightline.vlm.encoders import EvaConfig, ForeignEncoderConfig
from sightline.vlm.families import WORDS, plain, shrunk, twin
from sightline.vlm.language import CausalConfig, CausalLanguage, Seq2SeqConfig, Seq2SeqLanguage
from sightline.vlm.loaded import Loaded
from sightline.vlm.model import Blip2, Blip2Config
from sightline.vlm.training import language_loss
from sightline.vlm.weights import Checkpoint, ImageFacts, Prompts, Tokenizer

SIDE = 32
"""Pixels on a side of a twin's pictures."""
QUESTIONS = ["w20 w21 w22 w23 w24 w25 w26", "w30", "w40 w41 w42"]
"""Longer and shorter than a twin's windows of 4."""
CHOICES = ["w50", "w51 w52 w53", "w54 w55"]
LENGTH = 6
"""Tokens of an answer."""
CLOSE = 1e-3
"""Largest difference between log-probabilities that are the same."""


@dataclass(frozen=True)
class Subject:
    """A family, with the settings that make its twin complete or bring a habit out."""

    role: str
    """"causal", "seq2seq" or "vision"."""
    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)
    habit: str = ""
    """What the settings are for, where the family is there twice."""

    @property
    def name(self) -> str:
        """As the table has it."""
        return f"{self.kind}, {self.habit}" if self.habit else self.kind


@dataclass(frozen=True)
class Verdict:
    """What became of a subject: "right", "slower", "refused" or "wrong", and why."""

    subject: Subject
    verdict: str
    why: str = ""

    def row(self) -> dict[str, str]:
        """As a row of the results."""
        told = {"role": self.subject.role, "family": self.subject.name}
        return {**told, "verdict": self.verdict, "why": self.why}


def architecture(subject: Subject) -> dict[str, Any]:
    """The twin's architecture: transformers' own defaults for the kind, with the subject's settings, shrunk."""
    return {**shrunk(default(subject)), "model_type": subject.kind}


def default(subject: Subject) -> dict[str, Any]:
    """transformers' own defaults for the kind, with the subject's settings."""
    from transformers import AutoConfig

    return {**AutoConfig.for_model(subject.kind, **subject.settings).to_dict(), "model_type": subject.kind}


def config_of(subject: Subject, *, whole: bool = False) -> CausalConfig | Seq2SeqConfig:
    """The config of the adapter, of a twin or of the `whole` model."""
    kind = CausalConfig if subject.role == "causal" else Seq2SeqConfig
    return kind(architecture=default(subject) if whole else architecture(subject))


def judged(subject: Subject, encoder: Config | None = None) -> Verdict:
    """A language family's verdict; whatever raises otherwise than by a sentence of ours, raises."""
    try:
        config, whole = config_of(subject), config_of(subject, whole=True)
    except Exception as problem:  # transformers' own defaults are no model
        return Verdict(
            subject, "refused", f"transformers has no defaults for it: {' '.join(str(problem).split())[:120]}"
        )
    try:
        way = whole.prove()
        loaded = composed(config, encoder)
    except ConfigError as problem:
        return Verdict(subject, "refused", reason(problem))
    wrong = list(differences(loaded))
    if wrong:
        return Verdict(subject, "wrong", ", ".join(wrong))
    return Verdict(subject, "slower" if way.slower else "right", ", ".join(way.slower))


def reason(problem: Exception) -> str:
    """A refusal without the sentence around it: the kind has a column of its own."""
    return " ".join(str(getattr(problem, "reason", problem)).split())


def composed(config: CausalConfig | Seq2SeqConfig, encoder: Config | None = None) -> Loaded:
    """A whole model around a twin."""
    import transformers

    eyes = encoder or EvaConfig(image_size=SIDE, patch_size=8, width=32, layers=1, heads=4, mlp_width=64)
    bridge = QFormerConfig(patch_width=32, width=16, layers=2, heads=2, mlp_width=32, queries=4, dropout=0.0)
    adapter: Any = CausalLanguage if isinstance(config, CausalConfig) else Seq2SeqLanguage
    language = adapter(config, twin(getattr(transformers, adapter.automatic), config.architecture))
    with plain():
        parts: Any = Blip2Config(encoder=eyes, bridge=bridge).build()
        project = nn.Linear(16, language.width)
        for name, parameter in [*parts.bridge.named_parameters(), *project.named_parameters()]:
            if parameter.dim() > 1 and "norm" not in name:
                nn.init.normal_(parameter, std=0.3)
    model = Blip2(parts.encoder, parts.norm, parts.bridge, project, language).eval().requires_grad_(False)
    checkpoint = Checkpoint(
        name="trial",
        family="seq2seq" if isinstance(config, Seq2SeqConfig) else "causal",
        config=Blip2Config(encoder=eyes, bridge=bridge, language=config),
        model=model,
        image=ImageFacts(size=SIDE),
        prompts=Prompts(question="w60 {}", caption="w61 w62"),
        tokenizer=tokenizer(),
        text_tokenizer=None,
        decoding={"max_new_tokens": LENGTH, "min_new_tokens": LENGTH},
    )
    return Loaded(checkpoint)


def tokenizer() -> Tokenizer:
    """One token a word, w0 to w95."""
    backend = Backend(models.WordLevel({f"w{at}": at for at in range(WORDS)}, unk_token="w3"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    return Tokenizer(backend, 0)


def picture(seed: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8))


@dataclass(frozen=True)
class Plainly:
    """The yardstick as something that writes: all read again for every token, a row at a time."""

    language: Any

    @property
    def eos_ids(self) -> tuple[int, ...]:
        return self.language.eos_ids  # type: ignore[no-any-return]

    @property
    def start_id(self) -> int | None:
        return getattr(self.language, "start_id", None)

    def prefill(self, prefix_BLE: Tensor, mask_BL: Tensor) -> tuple[Tensor, "Read"]:
        rows = [(prefix[mask.bool()], ()) for prefix, mask in zip(prefix_BLE, mask_BL, strict=True)]
        return self._last(Read(rows))

    def step(self, tokens_B: Tensor, state: "Read") -> tuple[Tensor, "Read"]:
        told = zip(state.rows, tokens_B.tolist(), strict=True)
        return self._last(Read([(prefix, (*words, token)) for (prefix, words), token in told]))

    def _last(self, state: "Read") -> tuple[Tensor, "Read"]:
        return torch.stack([self.logits(prefix, words)[-1] for prefix, words in state.rows]), state

    @torch.no_grad()
    def logits(self, prefix_LE: Tensor, words: tuple[int, ...]) -> Tensor:
        """`[1 + T, V]` after the prefix and after every word."""
        given = {"use_cache": False} if self.language.takes["use_cache"] else {}
        model = self.language.model
        if self.language.is_encoder_decoder:
            shown = torch.tensor([[self.language.start_id, *words]])
            return model(inputs_embeds=prefix_LE.clone()[None], decoder_input_ids=shown, **given).logits[0]  # type: ignore[no-any-return]
        words_TE = self.language.embed(torch.tensor([words], dtype=torch.long))[0]
        every_1LE = torch.cat([prefix_LE, words_TE])[None] if words else prefix_LE.clone()[None]
        return model(inputs_embeds=every_1LE, **given).logits[0, -1 - len(words) :]  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Read:
    """Prefix and words of every row."""

    rows: list[tuple[Tensor, tuple[int, ...]]]

    def select(self, rows_R: Tensor) -> "Read":
        return Read([self.rows[row] for row in rows_R.tolist()])


def differences(loaded: Loaded) -> Iterator[str]:
    """What the model answers otherwise than the yardstick, in words."""
    pictures = [picture(0), picture(1)]
    one = [answer.tokens for answer in loaded.ask(pictures[0], QUESTIONS)]
    if one != [expected(loaded, pictures[0], f"w60 {each}")[0] for each in QUESTIONS]:
        yield "many questions on one picture"
    if one[:2] != [loaded.ask(pictures[0], each)[0].tokens for each in QUESTIONS[:2]]:
        yield "one question at a time"
    if [each.tokens for each in loaded.ask(pictures, QUESTIONS[1])] != [
        expected(loaded, each, f"w60 {QUESTIONS[1]}")[0] for each in pictures
    ]:
        yield "many pictures"
    beams = loaded.ask(pictures[0], QUESTIONS, num_beams=3, num_return_sequences=2)
    if [each.tokens for each in beams] != [
        tokens for each in QUESTIONS for tokens in expected(loaded, pictures[0], f"w60 {each}", beams=3)
    ]:
        yield "beams"
    ranked = loaded.rank(pictures[0], QUESTIONS[:2], CHOICES).probabilities.log()
    if not close(ranked, torch.stack([scores(loaded, pictures[0], f"w60 {each}") for each in QUESTIONS[:2]])):
        yield "rank"
    classes = loaded.classify(pictures, CHOICES).probabilities.log()
    if not close(classes, torch.stack([scores(loaded, each, "w61 w62") for each in pictures])):
        yield "classify"


def prefix_of(loaded: Loaded, image: Image.Image, prompt: str) -> Tensor:
    """Soft prompt and words `[1, L, E]`, made for one row alone."""
    model = loaded.model
    with torch.no_grad():
        queries = model.bridge(model.see(loaded.preprocess([image])))
        words = torch.tensor([loaded.writer.tokenizer.encode(prompt)])
        return model.prefix(queries, words)[0]


def expected(loaded: Loaded, image: Image.Image, prompt: str, beams: int = 1) -> list[tuple[int, ...]]:
    """What the yardstick writes."""
    prefix = prefix_of(loaded, image, prompt)
    how = Decoding(num_beams=beams, num_return_sequences=min(beams, 2), max_new_tokens=LENGTH, min_new_tokens=LENGTH)
    writer: Any = Plainly(loaded.model.writer)
    written = generate(writer, prefix, torch.ones(prefix.shape[:2], dtype=torch.long), how)
    return [each.tokens for each in written[0]]


def scores(loaded: Loaded, image: Image.Image, prompt: str) -> Tensor:
    """Log-probabilities of the choices among each other, by the yardstick."""
    prefix = prefix_of(loaded, image, prompt)[0]
    summed = []
    for choice in CHOICES:
        told = (*loaded.writer.tokenizer.encode(f" {choice}"), *loaded.model.writer.eos_ids[:1])
        gains = Plainly(loaded.model.writer).logits(prefix, told[:-1]).float().log_softmax(1)
        summed.append(gains.gather(1, torch.tensor(told)[:, None]).sum())
    return torch.stack(summed).log_softmax(0)


def close(gave: Tensor, wanted: Tensor) -> bool:
    return bool((gave - wanted).abs().max() < CLOSE)


def seen(subject: Subject) -> Verdict:
    """A vision kind's verdict."""
    try:
        encoder_of(subject).prove()
    except ConfigError as problem:
        return Verdict(subject, "refused", reason(problem))
    except (ValueError, TypeError, KeyError, StrictDataclassError) as problem:
        return Verdict(
            subject, "refused", f"transformers has no defaults for it: {' '.join(str(problem).split())[:120]}"
        )
    return Verdict(subject, "right")


def encoder_of(subject: Subject) -> ForeignEncoderConfig:
    """A vision kind's twin, as large as the trials' pictures and as wide as their bridge reads."""
    return ForeignEncoderConfig(architecture=architecture(subject))


def kept(subject: Subject, encoder: Config, folder: Path) -> list[str]:
    """What a composition forgets when it is trained one step, saved and read again, in words."""
    loaded = composed(config_of(subject), encoder)
    moved = trained_one_step(loaded)
    wrong = [] if moved > 0 else ["a step moves nothing"]
    loaded.save(folder)
    again = Loaded(weights.read(folder))
    for how in ({}, {"num_beams": 3}):
        before, after = ([each.tokens for each in each.ask(picture(0), QUESTIONS, **how)] for each in (loaded, again))
        wrong += [] if before == after else [f"other tokens after reading again {how or ''}".strip()]
    return wrong


def trained_one_step(loaded: Loaded) -> float:
    """How far one step moves what is trained: norm, bridge, projection."""
    model: Any = loaded.model.train()
    trained = nn.ModuleList([model.norm, model.bridge, model.project]).requires_grad_()
    before = torch.cat([each.detach().flatten().clone() for each in trained.parameters()])
    optimiser = torch.optim.SGD(trained.parameters(), lr=1e-3)
    targets = Text(torch.tensor([[25, 38, 2], [46, 2, 0]]), torch.tensor([[1, 1, 1], [1, 1, 0]]))
    prompt = Text(torch.tensor([[11, 14], [11, 17]]), torch.ones(2, 2, dtype=torch.long))
    language_loss(model(torch.randn(2, 3, SIDE, SIDE), targets.tokens_BL, prompt), targets).backward()
    nn.utils.clip_grad_norm_(trained.parameters(), 1.0)
    optimiser.step()
    model.eval().requires_grad_(False)
    after = torch.cat([each.detach().flatten() for each in trained.parameters()])
    return float((after - before).abs().max())
