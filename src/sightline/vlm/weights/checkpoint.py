"""What reading a checkpoint gives: the model, and everything else one must know to use it.

`weights.read(name_or_folder, dtype=None, device="cpu") -> Checkpoint` is the one function the layers above call.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

from sightline.vlm.model import Blip2, Blip2Config
from sightline.vlm.weights.tokenizer import Tokenizer

Family = Literal["causal", "seq2seq", "retrieval"]
"""How a checkpoint answers: a causal or an encoder-decoder language model, or scores only (first stage)."""

Resample = Literal["nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"]

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True, kw_only=True)
class ImageFacts:
    """How a picture becomes `[C, H, W]`: made a square, scaled, less the mean, over the deviation.

    The fields are those of `data.preprocess.Preprocess`, which does it and reads them from image processors' files.
    """

    size: int
    """Pixels on a side."""
    mean: tuple[float, ...] = CLIP_MEAN
    """Of each channel, red first, after scaling to 0..1."""
    std: tuple[float, ...] = CLIP_STD
    resample: Resample = "bicubic"
    shortest_edge: int | None = None
    """The shorter side is made this long and the square cut from the middle; none: squashed to the square."""
    scale: float = 1 / 255
    """What 8-bit values are multiplied with."""


@dataclass(frozen=True, kw_only=True)
class Prompts:
    """What this checkpoint expects to read after the image."""

    caption: str = ""
    """Given to the language model as it stands, when a caption is asked for without a prompt."""
    question: str = "Question: {} Answer:"
    """The template a question is put into; one `{}`."""
    question_to_bridge: bool = False
    """Whether the bare question also goes to the bridge (instruction-aware models), by `text_tokenizer`."""
    template_to_bridge: bool = False
    """Whether the bridge reads the question inside its template, or the prompt of a caption (InstructBLIP)."""


@dataclass(kw_only=True)
class Checkpoint:
    """A model ready to use, in evaluation mode, without gradients on its weights."""

    name: str
    """As the user wrote it: a known name, a hub id, or the folder."""
    family: Family
    config: Blip2Config
    model: Blip2
    image: ImageFacts
    prompts: Prompts
    tokenizer: Tokenizer | None
    """Of the language model; none for family "retrieval"."""
    text_tokenizer: Tokenizer | None
    """Of the bridge's text side; none where the bridge has none."""
    decoding: dict[str, Any] = field(default_factory=dict)
    """Defaults of `generate` for this checkpoint, by the names users write (num_beams, max_new_tokens, …)."""
    card: dict[str, Any] = field(default_factory=dict)
    """Free facts: a description, suggested questions, held-out accuracies, licence."""
