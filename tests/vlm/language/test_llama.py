"""The plain Llama computes what transformers' does, from the same weights, and refuses what it is not."""

from typing import Any

import pytest
import torch

from sightline.vlm.config import ConfigError
from sightline.vlm.language import CausalConfig, LlamaConfig

SHAPE: dict[str, Any] = {
    "model_type": "llama",
    "vocab_size": 40,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "bos_token_id": 1,
    "eos_token_id": [2, 3],
    "pad_token_id": 0,
}


def both(**changes: Any) -> tuple[Any, Any]:
    """Ours and theirs with the same weights."""
    architecture = {**SHAPE, **changes}
    torch.manual_seed(0)
    theirs = CausalConfig(architecture=architecture).build().eval()
    for parameter in theirs.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    ours = LlamaConfig(architecture=architecture).build().eval()
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs


@pytest.mark.parametrize(
    "changes", [{}, {"num_key_value_heads": 2}, {"rope_theta": 500.0}, {"tie_word_embeddings": True}]
)
@torch.no_grad()
def test_logits_are_those_of_transformers_in_every_way_of_reading(changes: dict[str, Any]) -> None:
    ours, theirs = both(**changes)
    prefix, targets = torch.randn(3, 6, 32), torch.randint(0, 40, (3, 4))
    mask = torch.ones(3, 6, dtype=torch.long)
    mask[0, :3] = 0

    def assert_close(one: Any, other: Any) -> None:
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)

    assert_close(ours.logits(prefix, mask, targets), theirs.logits(prefix, mask, targets))
    (first, state), (other, theirs_state) = (each.prefill(prefix, mask) for each in (ours, theirs))
    assert_close(first, other)
    rows = torch.tensor([2, 0, 0])
    state, theirs_state = state.select(rows), theirs_state.select(rows)
    assert_close(ours.follow(targets, first[rows], state), theirs.follow(targets, other[rows], theirs_state))
    padded = torch.tensor([[0, 1, 1], [1, 1, 1], [0, 0, 1]])
    (first, state), (other, theirs_state) = (
        each.prefill(prefix[:, :3], padded, after) for each, after in ((ours, state), (theirs, theirs_state))
    )
    assert_close(first, other)
    for token in targets.T:
        (first, state), (other, theirs_state) = ours.step(token, state), theirs.step(token, theirs_state)
        assert_close(first, other)


def test_sizes_and_special_tokens_are_the_architectures() -> None:
    ours, theirs = both()
    for name in ("width", "vocab_size", "eos_ids", "bos_id", "pad_id", "is_encoder_decoder"):
        assert getattr(ours, name) == getattr(theirs, name)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rope_scaling": {"type": "linear"}}, "has no 'rope_scaling'"),
        ({"attention_bias": True}, "has no 'attention_bias'"),
        ({"model_type": "mistral"}, "of another model_type"),
        ({"hidden_size": None}, "lacks hidden_size"),
        ({"num_attention_heads": 5}, "cannot be split into 5 heads"),
    ],
)
def test_another_llama_is_refused_by_the_field(changes: dict[str, Any], words: str) -> None:
    architecture = {name: value for name, value in {**SHAPE, **changes}.items() if value is not None}
    with pytest.raises(ConfigError, match=words):
        LlamaConfig(architecture=architecture).build()
