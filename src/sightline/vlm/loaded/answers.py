"""What a loaded model gives back."""

from dataclasses import dataclass, field

from torch import Tensor

from sightline.vlm.loaded.looked import Looked


@dataclass(frozen=True)
class Usage:
    """Tokens read and written for one answer."""

    input_tokens: int
    """The bridge's soft prompt and the words of the prompt."""
    output_tokens: int


@dataclass(frozen=True, eq=False)
class Answer:
    """One answer or caption."""

    text: str
    tokens: tuple[int, ...]
    """Ids of the new tokens, without padding; the last ends the answer unless it was cut."""
    logprobs: tuple[float, ...]
    """The model's log-probability of each token, before penalties and temperature."""
    score: float
    """What ranked it among its beams: length-normalised with beam search, else the sum of `logprobs`."""
    usage: Usage
    finish: str
    """"stop" when the model ended it, "length" when max_new_tokens did."""
    looked: Looked | None = None
    """Where the model looked for each word, if asked for."""
    trace_id: str | None = None
    """Of the OpenTelemetry trace; none while nobody records."""
    span_id: str | None = None
    timings_ms: dict[str, float] = field(default_factory=dict)
    """Milliseconds of preprocess, vision_encoder, bridge, prefill, decode, looked; shared with the answer's batch."""


@dataclass(frozen=True, eq=False)
class Matches:
    """How well N images and M texts go together."""

    itm: Tensor
    """Image-text matching (ITM) probability `[N, M]`, from reading image and text together (a cross-encoder)."""
    itc: Tensor
    """Image-text contrastive (ITC) cosine similarity `[N, M]` of separate embeddings, the maximum over queries."""
    looked: list[list[Looked]] | None = None
    """Where the model looked for each word of each text, N lists of M, if asked for."""


@dataclass(frozen=True, eq=False)
class Similarity:
    """Retrieval scores of N images and M texts: matching logit + cosine where a pair was re-ranked, else `UNSEEN`."""

    image_to_text: Tensor
    """`[N, M]`: for each image its texts, the best k by cosine re-ranked."""
    text_to_image: Tensor
    """`[M, N]`: for each text its images, the best k by cosine re-ranked."""


UNSEEN = -100.0
"""Score of a pair that cosines left out of the re-ranking."""


@dataclass(frozen=True, eq=False)
class Features:
    """Embeddings of images, of texts, or of pairs."""

    raw: Tensor
    """Image and multimodal: `[N, Q, Z]`, a row a query. Text: `[M, Z]`."""
    projected: Tensor | None
    """L2-normalised embeddings in the shared ITC space, image `[N, Q, K]` or text `[M, K]`; none for pairs."""


@dataclass(frozen=True, eq=False)
class Classes:
    """Probabilities of labels."""

    labels: tuple[str, ...]
    probabilities: Tensor
    """`[N, labels]`, a row sums to 1."""

    @property
    def best(self) -> list[str]:
        """The likeliest label of each image."""
        return [self.labels[at] for at in self.probabilities.argmax(1).tolist()]
