"""The losses of BLIP-2: ITC, ITM and ITG of the first stage (arXiv 2301.12597, section 3.2), and language modelling of
the second (section 3.3).

Shapes: B pairs, Q queries, K contrast width, P patches of width D, L text tokens, T target tokens, V words.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from sightline.vlm.bridges import QFormer, Text

IGNORED = -100
"""Label that cross-entropy skips: PyTorch's `ignore_index`."""
SMOOTHING = 0.1
"""Label smoothing of contrast and of the Q-Former's captioning."""


def similarities(images_BQK: Tensor, texts_BK: Tensor) -> Tensor:
    """Cosine similarities `[B, B]` of every image with every text: the maximum over an image's queries."""
    return torch.einsum("iqk,tk->itq", images_BQK, texts_BK).amax(-1)


def contrastive_loss(cosines_BB: Tensor, temperature: Tensor, same_BB: Tensor | None = None) -> Tensor:
    """Image-text contrastive loss (ITC): symmetric cross-entropy with in-batch negatives (InfoNCE), label smoothing.

    With `same_BB` (true where row and column match) all matches of a row share its target, as in BLIP-2's fine-tuning
    for retrieval, where an image stands in a batch several times.
    """
    logits_BB = cosines_BB / temperature
    if same_BB is not None:
        shared_BB = same_BB.to(logits_BB.dtype)
        target_BB = shared_BB / shared_BB.sum(1, keepdim=True)
        to_text = F.cross_entropy(logits_BB, target_BB, label_smoothing=SMOOTHING)
        return (to_text + F.cross_entropy(logits_BB.T, target_BB, label_smoothing=SMOOTHING)) / 2
    own_B = torch.arange(len(logits_BB), device=logits_BB.device)
    to_text = F.cross_entropy(logits_BB, own_B, label_smoothing=SMOOTHING)
    return (to_text + F.cross_entropy(logits_BB.T, own_B, label_smoothing=SMOOTHING)) / 2


def hard_negatives(logits_BB: Tensor, same_BB: Tensor) -> Tensor:
    """Hard negative mining: for each row `[B]` a column that does not match it, likelier the more similar it seems.

    Args:
        logits_BB: Similarities over the temperature.
        same_BB: True where row and column do match (the diagonal, and equal captions): never drawn.

    Raises:
        ValueError: A row matches every column: there is nothing to draw.
    """
    if same_BB.all(1).any():
        raise ValueError(f"a batch of {len(logits_BB)} equal pairs has no negatives: use a larger batch")
    chances_BB = logits_BB.detach().float().masked_fill(same_BB, -torch.inf).softmax(1)
    return torch.multinomial(chances_BB, 1)[:, 0]


def matching_loss(bridge: QFormer, patches_BPD: Tensor, text: Text, logits_BB: Tensor, same_BB: Tensor) -> Tensor:
    """Image-text matching loss (ITM): positive pairs, each text with a hard negative image, and the reverse."""
    images_B = hard_negatives(logits_BB.T, same_BB.T)
    texts_B = hard_negatives(logits_BB, same_BB)
    own_B = torch.arange(len(images_B))
    image_rows, text_rows = torch.cat([own_B, images_B, own_B]), torch.cat([own_B, own_B, texts_B])
    matches = torch.cat([torch.ones_like(own_B), torch.zeros_like(own_B), torch.zeros_like(own_B)])
    return F.cross_entropy(bridge.match(patches_BPD[image_rows], text.rows(text_rows)), matches)


def captioning_loss(bridge: QFormer, patches_BPD: Tensor, text: Text, decode_id: int) -> Tensor:
    """Image-grounded text generation loss (ITG): the text through the multimodal-causal mask, its first token [DEC]."""
    tokens_BL = text.tokens_BL.clone()
    tokens_BL[:, 0] = decode_id
    logits_BLV = bridge.caption_logits(patches_BPD, Text(tokens_BL, text.mask_BL))
    labels_BL = tokens_BL.masked_fill(text.mask_BL == 0, IGNORED)
    return F.cross_entropy(
        logits_BLV[:, :-1].flatten(0, 1), labels_BL[:, 1:].flatten(), ignore_index=IGNORED, label_smoothing=SMOOTHING
    )


def language_loss(logits_BTV: Tensor, targets: Text) -> Tensor:
    """Second stage: the frozen language model's cross-entropy of the targets, averaged over tokens, padding masked."""
    labels_BT = targets.tokens_BL.masked_fill(targets.mask_BL == 0, IGNORED)
    return F.cross_entropy(logits_BTV.flatten(0, 1), labels_BT.flatten(), ignore_index=IGNORED)
