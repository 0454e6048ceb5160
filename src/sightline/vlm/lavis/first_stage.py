"""LAVIS' first-stage models: `blip2`, `blip2_feature_extractor`, `blip2_image_text_matching`.

Shapes: B rows, P patches of width D, Q queries and L text tokens of width Z, K contrast width, N images, M texts.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sightline.vlm.bridges import Text
from sightline.vlm.config import ModelError
from sightline.vlm.lavis.base import LavisModel, Samples, images_of, texts_of
from sightline.vlm.lavis.common.registry import registry
from sightline.vlm.lavis.outputs import BlipOutput, BlipOutputFeatures, TextTokens
from sightline.vlm.lavis.tokens import TOP_K, DoorTokenizer, cleaned_up
from sightline.vlm.loaded.captioning import STARTS
from sightline.vlm.training.objectives import captioning_loss, contrastive_loss, matching_loss, similarities
from sightline.vlm.weights import Tokenizer

RETRIEVAL_TOKENS = 35
"""Tokens of a text that `compute_sim_matrix` reads, a few more than training does."""
MODES = ("image", "text", "multimodal")
"""What `extract_features` can be asked for."""


@registry.register_model("blip2")
class Blip2Qformer(LavisModel):
    """Contrast, matching and captioning by the Q-Former."""

    name = "blip2"
    max_txt_len = 32
    """Tokens of a text that are read when matching and training."""

    @property
    def vision_proj(self) -> nn.Linear | None:
        """From a query's output to the space shared with texts; none without that head."""
        return self.qformer.image_contrast

    @property
    def text_proj(self) -> nn.Linear | None:
        """From a text's first token to the space shared with images; none without that head."""
        return self.qformer.text_contrast

    @property
    def itm_head(self) -> nn.Linear | None:
        """Two logits of a match from a query's output; none without that head."""
        return self.qformer.matching

    @property
    def temp(self) -> nn.Parameter | None:
        """What cosines are divided by in the contrastive loss."""
        return self.qformer.temperature

    @property
    def tokenizer(self) -> DoorTokenizer:
        """Of the Q-Former's text side."""
        return DoorTokenizer(self._reader())

    def forward(self, samples: Samples, match_head: str | None = None) -> Any:
        """Losses of a batch of pairs; with `match_head` the scores of `blip2_image_text_matching`."""
        return self._losses(samples) if match_head is None else self._scores(samples, match_head)

    @torch.no_grad()
    def extract_features(self, samples: Samples, mode: str = "multimodal") -> BlipOutputFeatures:
        """Features of the images, of the texts, or of the pairs of a batch."""
        if mode not in MODES:
            raise ModelError(f"unknown mode {mode!r}: the modes are {', '.join(MODES)}")
        bridge = self.qformer
        if mode == "text":
            read_BLZ = bridge.read(self._tokens(texts_of(samples, "text_input"), None))
            return BlipOutputFeatures(text_embeds=read_BLZ, text_embeds_proj=bridge.contrast_texts(read_BLZ))
        patches_BPD = self.see(samples)
        if mode == "multimodal":
            text = self._tokens(texts_of(samples, "text_input"), None)
            return BlipOutputFeatures(multimodal_embeds=bridge(patches_BPD, text))
        queries_BQZ = bridge(patches_BPD)
        return BlipOutputFeatures(image_embeds=queries_BQZ, image_embeds_proj=bridge.contrast_images(queries_BQZ))

    @torch.no_grad()
    def forward_image(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Query outputs `[B, Q, Z]` and normalised patch features `[B, P, D]`."""
        patches_BPD = self.see({"image": image})
        return self.qformer(patches_BPD), patches_BPD

    @torch.no_grad()
    def forward_text(self, text_tokens: TextTokens) -> Tensor:
        """The first token's output `[B, Z]`."""
        return self.qformer.text_features(Text(text_tokens.input_ids, text_tokens.attention_mask))

    @torch.no_grad()
    def compute_itm(self, image_inputs: Tensor, text_ids: Tensor, text_atts: Tensor) -> Tensor:
        """Logits `[B]` of a match, from normalised patch features and token ids."""
        return self.qformer.match(image_inputs, Text(text_ids, text_atts))[:, 1]

    @torch.no_grad()
    def compute_sim_matrix(self, data_loader: Any, task_cfg: Any) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Scores image to text `[N, M]` and text to image `[M, N]`, the `task_cfg.k_test` best re-ranked by matching.

        Every batch of the loader has "image"; the texts are `data_loader.dataset.text`.
        """
        patches_NPD = torch.cat([self.see(samples).cpu() for samples in data_loader])
        texts = list(data_loader.dataset.text)
        k = task_cfg["k_test"] if isinstance(task_cfg, dict) else task_cfg.k_test
        scores = self.loaded.scorer.similarity(patches_NPD, self._tokens(texts, RETRIEVAL_TOKENS), k)
        return scores.image_to_text.float().cpu().numpy(), scores.text_to_image.float().cpu().numpy()

    def generate(  # noqa: PLR0913, PLR0917 - LAVIS' signature
        self,
        samples: Samples,
        use_nucleus_sampling: bool = False,
        num_beams: int = 3,
        max_length: int = 30,
        min_length: int = 10,
        top_p: float = 0.9,
        repetition_penalty: float = 1.0,
    ) -> list[str]:
        """Captions by the Q-Former; lengths count the token that begins a caption, as LAVIS' do."""
        most = min(max_length, self.qformer.config.positions) - 1
        options: dict[str, Any] = {"max_new_tokens": most, "min_new_tokens": max(0, min(min_length - 1, most))}
        drawn = {"do_sample": True, "top_p": top_p, "top_k": TOP_K}
        options |= drawn if use_nucleus_sampling else {"num_beams": num_beams}
        answers = self.loaded.caption(images_of(samples), repetition_penalty=repetition_penalty, **options)
        return [cleaned_up(answer.text) for answer in answers]

    def _reader(self) -> Tokenizer:
        tokenizer = self.loaded.checkpoint.text_tokenizer
        if tokenizer is None:
            raise ModelError(f"{self.loaded.name} has no text side in its Q-Former: load a first-stage checkpoint")
        return tokenizer

    def _tokens(self, texts: list[str], most: int | None) -> Text:
        tokenizer = self._reader()
        device, positions = self.blip2.spot("bridge").device, self.qformer.config.positions
        return tokenizer.batch(texts, max_length=min(most or positions, positions)).to(device)

    def _scores(self, samples: Samples, match_head: str) -> Tensor:
        """Matching logits `[B, 2]` ("itm") or cosines `[B, 1]` ("itc"), a row a pair."""
        if match_head not in ("itm", "itc"):
            raise ModelError(f"unknown match_head {match_head!r}: the heads are itm, itc")
        with torch.no_grad():
            patches_BPD, bridge = self.see(samples), self.qformer
            text = self._tokens(texts_of(samples, "text_input"), self.max_txt_len)
            if match_head == "itm":
                return bridge.match(patches_BPD, text)
            words_BK = bridge.contrast_texts(bridge.text_features(text))
            return torch.einsum("bqk,bk->bq", bridge.contrast_images(bridge(patches_BPD)), words_BK).amax(1)[:, None]

    def _losses(self, samples: Samples) -> BlipOutput:
        """Pairs with an equal "image_id" (or, without ids, an equal text) are not each other's negatives.

        With ids they share each other's targets of the contrast, too.
        """
        bridge = self.qformer
        captions = texts_of(samples, "text_input")
        text, patches_BPD = self._tokens(captions, self.max_txt_len), self.see(samples)
        cosines_BB = similarities(
            bridge.contrast_images(bridge(patches_BPD)), bridge.contrast_texts(bridge.text_features(text))
        )
        if bridge.temperature is None:
            raise ModelError("this Q-Former has no contrastive head: load a first-stage (retrieval) checkpoint")
        ids = [str(each) for each in samples.get("image_id", captions)]
        same_BB = torch.tensor([[one == other for other in ids] for one in ids], device=patches_BPD.device)
        itc = contrastive_loss(cosines_BB, bridge.temperature, same_BB if "image_id" in samples else None)
        itm = matching_loss(bridge, patches_BPD, text, cosines_BB / bridge.temperature.detach(), same_BB)
        lm = None
        if bridge.captioning is not None:
            lm = captioning_loss(bridge, patches_BPD, text, self._start_id())
        return BlipOutput(itc + itm if lm is None else itc + itm + lm, itc, itm, lm)

    def _start_id(self) -> int:
        tokenizer = self.loaded.checkpoint.text_tokenizer
        start = None if tokenizer is None else tokenizer.first_id(STARTS)
        if start is None:
            raise ModelError(f"the bridge's tokenizer has none of {', '.join(STARTS)}, which begin a caption")
        return start


@registry.register_model("blip2_feature_extractor")
class Blip2FeatureExtractor(Blip2Qformer):
    """The same model under the name that feature extraction is documented with."""

    name = "blip2_feature_extractor"


@registry.register_model("blip2_image_text_matching")
class Blip2ITM(Blip2Qformer):
    """The same model; called, it scores pairs."""

    name = "blip2_image_text_matching"

    def forward(self, samples: Samples, match_head: str | None = "itm") -> Any:
        """Matching logits `[B, 2]` with "itm", cosines `[B, 1]` with "itc"."""
        return super().forward(samples, match_head)
