"""LAVIS' models that write, by their language models: `blip2_opt`, `blip2_t5`, `blip2_vicuna`, instructed ones.

Shapes: B rows, Q queries, T target tokens, E embedding width, V vocabulary.
"""

from typing import Any

from torch import Tensor, nn

from sightline.vlm.bridges import Text
from sightline.vlm.lavis.base import Samples, texts_of
from sightline.vlm.lavis.common.registry import registry
from sightline.vlm.lavis.first_stage import Blip2Qformer
from sightline.vlm.lavis.tokens import DoorTokenizer
from sightline.vlm.lavis.writing import Instructed, Writing
from sightline.vlm.training.objectives import language_loss


class WithT5(Writing):
    """What LAVIS calls the parts of a model with a FlanT5."""

    length_penalty_of_answers = -1.0
    language_types = ("t5",)

    @property
    def t5_tokenizer(self) -> DoorTokenizer:
        """T5's tokenizer."""
        return self.language_tokenizer

    @property
    def t5_model(self) -> nn.Module:
        """transformers' T5."""
        return self.language_model

    @property
    def t5_proj(self) -> nn.Linear | None:
        """From the Q-Former's width to T5's."""
        return self.blip2.project


class WithLlama(Writing):
    """What LAVIS calls the parts of a model with a Vicuna."""

    language_types = ("llama",)
    ranks_ends = False
    cleans_up = False

    @property
    def llm_tokenizer(self) -> DoorTokenizer:
        """Llama's tokenizer."""
        return self.language_tokenizer

    @property
    def llm_model(self) -> nn.Module:
        """transformers' Llama."""
        return self.language_model

    @property
    def llm_proj(self) -> nn.Linear | None:
        """From the Q-Former's width to Llama's."""
        return self.blip2.project


@registry.register_model("blip2_opt")
class Blip2OPT(Writing):
    """With a frozen OPT."""

    name = "blip2_opt"
    language_types = ("opt",)
    reads_prompt = 32

    def forward(self, samples: Samples) -> dict[str, Tensor]:
        """The language model's loss for "text_input", which begins with `prompt` and is not scored there.

        As LAVIS trains OPT: a text ends in a newline, is cut to `max_txt_len` tokens, and its first token is scored,
        too, where there is no prompt.
        """
        tokenizer = self.loaded.writer.tokenizer
        rows = [tokenizer.encode(f"{text}\n", max_length=self.max_txt_len) for text in texts_of(samples, "text_input")]
        words = Text.padded(rows, self.blip2.writer.pad_id).to(self.blip2.spot("language").device)
        scored_BT = words.mask_BL.clone()
        scored_BT[:, : self.prompt_length] = 0
        bridge: Any = self.blip2.bridge
        prefix_BQE, mask_BQ = self.blip2.prefix(bridge(self.see(samples)))
        logits_BTV = self.blip2.writer.logits(prefix_BQE, mask_BQ, words.tokens_BL)
        return {"loss": language_loss(logits_BTV, Text(words.tokens_BL, scored_BT))}

    @property
    def prompt_length(self) -> int:
        """Tokens of `prompt` that are not scored when training, its first, BOS, among them; none without a prompt."""
        return len(self.loaded.writer.tokenizer.encode(self.prompt)) if self.prompt else 0

    @property
    def eos_token_id(self) -> int:
        """The token that ends a text."""
        return int(self.blip2.writer.eos_ids[0])

    @property
    def opt_tokenizer(self) -> DoorTokenizer:
        """OPT's tokenizer."""
        return self.language_tokenizer

    @property
    def opt_model(self) -> nn.Module:
        """transformers' OPT."""
        return self.language_model

    @property
    def opt_proj(self) -> nn.Linear | None:
        """From the Q-Former's width to OPT's."""
        return self.blip2.project


@registry.register_model("blip2_t5")
class Blip2T5(WithT5):
    """With a frozen FlanT5."""

    name = "blip2_t5"


@registry.register_model("blip2_vicuna")
class Blip2Vicuna(WithLlama):
    """With a frozen Llama; nobody has published one, so it is loaded from a folder."""

    name = "blip2_vicuna"


@registry.register_model("blip2_t5_instruct")
class Blip2T5Instruct(WithT5, Instructed):
    """With a frozen FlanT5."""

    name = "blip2_t5_instruct"


@registry.register_model("blip2_vicuna_instruct")
class Blip2VicunaInstruct(WithLlama, Instructed):
    """With a frozen Vicuna."""

    name = "blip2_vicuna_instruct"


@registry.register_model("sightline-tiny")
class SightlineTiny(Writing, Blip2Qformer):
    """Both stages in one: it writes with its language model, and matches and embeds with its Q-Former."""

    name = "sightline-tiny"

    def forward(self, samples: Samples, match_head: str | None = None) -> Any:
        """The language model's loss; with `match_head` the scores of `blip2_image_text_matching`."""
        return super().forward(samples) if match_head is None else self._scores(samples, match_head)
