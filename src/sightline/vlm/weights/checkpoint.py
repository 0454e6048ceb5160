"""What reading a checkpoint gives: the model, and everything else one must know to use it.

`weights.read(name_or_folder, dtype=None, device="cpu") -> Checkpoint` is the one function the layers above call.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

from sightline.vlm.encoders import ImageFacts
from sightline.vlm.model import Blip2, Blip2Config
from sightline.vlm.weights.tokenizer import Tokenizer

Family = Literal["causal", "seq2seq", "retrieval"]
"""How a checkpoint answers: a causal or an encoder-decoder language model, or scores only (first stage)."""


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
