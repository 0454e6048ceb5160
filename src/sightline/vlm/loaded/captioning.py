"""Captions of a first-stage model (ITG): decoded by the Q-Former itself, without a language model.

Shapes: N images, B rows (answers).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from sightline.vlm.bridges import CaptionWriter
from sightline.vlm.data.preprocess import Preprocess
from sightline.vlm.decoding import decode
from sightline.vlm.loaded.inputs import InputError, Picture
from sightline.vlm.loaded.writing import Rows, Seen, Spoken, WriteOptions, see
from sightline.vlm.model import Blip2
from sightline.vlm.spans import Timeline
from sightline.vlm.weights import Tokenizer

STARTS = ("[DEC]", "<dec>")
"""What the token in front of a caption is called: LAVIS' name, and that of sightline-tiny."""
ENDS = ("[SEP]", "</s>", "<eos>")
"""What the token behind a caption is called: BERT's separator, and EOS of other tokenizers."""


@dataclass(frozen=True)
class BridgeWriter:
    """A Q-Former with its captioning head, and what is needed to feed it."""

    model: Blip2
    preprocess: Preprocess
    tokenizer: Tokenizer
    captions: CaptionWriter

    @classmethod
    def of(cls, model: Blip2, preprocess: Preprocess, tokenizer: Tokenizer | None) -> "BridgeWriter":
        """Raises `InputError` or `ModelError` for a checkpoint whose bridge cannot write."""
        bridge = model.bridge
        if tokenizer is None:
            raise InputError("this checkpoint's bridge has no tokenizer, so it cannot write captions")
        start, end = tokenizer.first_id(STARTS), tokenizer.first_id(ENDS)
        if start is None or end is None:
            raise InputError(f"the bridge's tokenizer needs one of {', '.join(STARTS)} and one of {', '.join(ENDS)}")
        writer = CaptionWriter(bridge, start_id=start, eos_id=end, pad_id=tokenizer.pad_id)  # type: ignore[arg-type]
        return cls(model, preprocess, tokenizer, writer)

    @property
    def eos_ids(self) -> tuple[int, ...]:
        """Tokens that end a caption."""
        return self.captions.eos_ids

    def see(self, pictures: Sequence[Picture], timeline: Timeline) -> Seen:
        """Encodes every picture once."""
        return see(self.model, self.preprocess, pictures, timeline)

    def write(self, rows: Rows, seen: Seen, options: WriteOptions, timeline: Timeline) -> Spoken:
        """The captions of one batch; every one begins with the batch's one prompt."""
        prompts = set(rows.prompts)
        if len(prompts) > 1:
            raise InputError(
                f"a Q-Former begins all captions with one prompt, {len(prompts)} were given: call once each"
            )
        if options.method is not None:
            raise InputError("where a Q-Former looked while it captioned is not recorded: leave out looked=")
        words = tuple(self.tokenizer.encode(prompts.pop(), special=False, literal=True))
        with torch.no_grad():
            with timeline.step("bridge") as facts:
                of_B = torch.tensor(rows.of, device=seen.patches_NPD.device)
                logits_BV, state = self.captions.begin(seen.patches_NPD[of_B], words)
                facts["rows"], facts["queries"] = len(of_B), self.model.bridge.queries
            with timeline.step("decode", beams=options.how.num_beams) as facts:
                written = decode(self.captions, logits_BV, state, options.how, options.on_token)
                facts["tokens"] = max(len(one.tokens) for row in written for one in row)
        read = self.model.bridge.queries + 1 + len(words)
        return Spoken(written, [[None] * len(row) for row in written], [read] * len(written))
