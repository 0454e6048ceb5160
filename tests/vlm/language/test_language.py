"""Language models answer alike however they are asked: at once, step by step, padded, selected, continued."""

from typing import Any

import pytest
import torch
from transformers import (
    BartConfig,
    BloomConfig,
    GPT2Config,
    LlamaConfig,
    MistralConfig,
    OPTConfig,
    Qwen2Config,
    T5Config,
)

from sightline.vlm.config import ConfigError
from sightline.vlm.language import CausalConfig, Seq2SeqConfig

V = 50
COMMON: dict[str, Any] = {
    "vocab_size": V,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}
CAUSAL: dict[str, Any] = {
    "opt": OPTConfig(
        vocab_size=V, hidden_size=32, word_embed_proj_dim=32, ffn_dim=64, num_hidden_layers=2, num_attention_heads=4
    ),
    "gpt2": GPT2Config(vocab_size=V, n_embd=32, n_layer=2, n_head=4, bos_token_id=0, eos_token_id=1),
    "llama": LlamaConfig(**COMMON),
    "qwen2": Qwen2Config(**COMMON),
    "mistral, sliding window": MistralConfig(**COMMON, sliding_window=64),
    "bloom": BloomConfig(vocab_size=V, hidden_size=32, n_layer=2, n_head=4),
}
SEQ2SEQ: dict[str, Any] = {
    "t5": T5Config(vocab_size=V, d_model=32, d_ff=64, d_kv=8, num_layers=2, num_heads=4, decoder_start_token_id=0),
    "bart": BartConfig(
        vocab_size=V,
        d_model=32,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        pad_token_id=1,
    ),
}


def built(kind: str) -> Any:
    config = CAUSAL.get(kind) or SEQ2SEQ[kind]
    model = (CausalConfig if kind in CAUSAL else Seq2SeqConfig)(architecture=config.to_dict()).build().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, 0.2)
    return model


@pytest.fixture(params=CAUSAL)
def causal(request: pytest.FixtureRequest) -> Any:
    return built(request.param)


@pytest.fixture(params=[*CAUSAL, *SEQ2SEQ])
def language(request: pytest.FixtureRequest) -> Any:
    return built(request.param)


@pytest.fixture
def prefix(language: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Three prefixes of six positions, one shorter: padded on the side the protocol says."""
    mask_BL = torch.ones(3, 6, dtype=torch.long)
    mask_BL[1, slice(4, 6) if language.is_encoder_decoder else slice(0, 2)] = 0
    return torch.randn(3, 6, language.width), mask_BL


@torch.no_grad()
def test_step_by_step_gives_the_logits_of_all_at_once(language: Any, prefix: Any) -> None:
    targets_BT = torch.randint(3, V, (3, 5))
    whole_BTV = language.logits(*prefix, targets_BT)
    logits_BV, state = language.prefill(*prefix)
    steps = [logits_BV]
    for at in range(4):
        logits_BV, state = language.step(targets_BT[:, at], state)
        steps.append(logits_BV)
    torch.testing.assert_close(torch.stack(steps, 1), whole_BTV, atol=1e-4, rtol=0)


@torch.no_grad()
def test_a_state_is_a_value_that_steps_leave_as_it_was(language: Any, prefix: Any) -> None:
    _, state = language.prefill(*prefix)
    first, second = torch.tensor([4, 5, 6]), torch.tensor([7, 8, 9])
    once, after = language.step(first, state)
    language.step(second, after)
    other, _ = language.step(second, state)
    again, _ = language.step(first, state)
    assert torch.equal(once, again)
    assert not torch.equal(once, other)


@torch.no_grad()
def test_selected_rows_go_on_like_the_rows_they_came_from(language: Any, prefix: Any) -> None:
    tokens_B, rows_R = torch.tensor([4, 5, 6]), torch.tensor([2, 2, 0, 1])
    _, state = language.prefill(*prefix)
    straight, _ = language.step(tokens_B, state)
    selected, _ = language.step(tokens_B[rows_R], state.select(rows_R))
    torch.testing.assert_close(selected, straight[rows_R], atol=1e-5, rtol=0)


@torch.no_grad()
def test_padding_changes_nothing(language: Any, prefix: Any) -> None:
    embeds_BLE, mask_BL = prefix
    together, _ = language.prefill(embeds_BLE, mask_BL)
    kept = mask_BL[1].bool()
    alone, _ = language.prefill(embeds_BLE[1:2, kept], mask_BL[1:2, kept])
    torch.testing.assert_close(together[1:2], alone, atol=1e-5, rtol=0)


@torch.no_grad()
def test_a_prefix_can_be_continued_from_the_state_of_its_beginning(causal: Any) -> None:
    embeds_BLE, mask_BL = torch.randn(2, 8, causal.width), torch.ones(2, 8, dtype=torch.long)
    mask_BL[1, 5:7] = 0  # the second question is shorter: padding between image and words
    whole, _ = causal.prefill(embeds_BLE, mask_BL)
    _, image = causal.prefill(embeds_BLE[:, :5], mask_BL[:, :5])
    continued, state = causal.prefill(embeds_BLE[:, 5:], mask_BL[:, 5:], image)
    torch.testing.assert_close(continued, whole, atol=1e-5, rtol=0)
    assert state.mask_BS.shape == (2, 8)


def test_an_encoder_decoder_cannot_continue_a_prefix() -> None:
    language = built("t5")
    embeds_BLE, mask_BL = torch.randn(1, 3, language.width), torch.ones(1, 3, dtype=torch.long)
    _, state = language.prefill(embeds_BLE, mask_BL)
    with pytest.raises(ValueError, match="reads its whole prefix at once"):
        language.prefill(embeds_BLE, mask_BL, state)


@torch.no_grad()
def test_ignored_labels_are_read_as_padding(language: Any, prefix: Any) -> None:
    targets_BT = torch.tensor([[4, 5, -100, -100]] * 3)
    padded_BT = targets_BT.where(targets_BT >= 0, language.pad_id)
    assert torch.equal(language.logits(*prefix, targets_BT), language.logits(*prefix, padded_BT))


def test_special_tokens_come_from_the_architecture_unless_given() -> None:
    architecture = CAUSAL["opt"].to_dict()
    assert CausalConfig(architecture=architecture).build().eos_ids == (2,)
    given = CausalConfig(architecture=architecture, eos_ids=(9, 4), bos_id=7, pad_id=5).build()
    assert (given.eos_ids, given.bos_id, given.pad_id) == ((9, 4), 7, 5)


def test_an_unknown_language_model_is_refused() -> None:
    with pytest.raises(ConfigError, match="does not know the language model type 'opts'"):
        CausalConfig(architecture={"model_type": "opts"}).build()
