"""Which families the campaign tries: all that the installed transformers has, and settings that bring habits out."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from family_trials import Subject

from benchmarks.machine import ROOT
from sightline.vlm.families import shrunk
from sightline.vlm.families.proved import digest
from sightline.vlm.language import CausalConfig, CausalLanguage
from sightline.vlm.language.proof import prove

COMPLETED: Mapping[str, Mapping[str, Any]] = {
    "deepseek_v2": {"num_experts_per_tok": 2, "n_group": 1, "topk_group": 1},
    "granitemoehybrid": {"layer_types": ["mamba", "attention"] * 16},
    "hunyuan_v1_dense": {"head_dim": 128},
    "hunyuan_v1_moe": {"head_dim": 128},
    "bamba": {"attn_layer_indices": [9, 18, 27]},
    "ministral": {"head_dim": 128},
    "nemotron": {"num_key_value_heads": 8},
    "dots1": {"n_routed_experts": 128, "n_shared_experts": 2, "num_experts_per_tok": 6},
    "lfm2_moe": {"layer_types": ["conv", "full_attention"] * 16},
    "xmod": {"default_language": "en_XX", "is_decoder": True},
}
"""Settings without which transformers' own defaults are no model that runs."""

HABITS: tuple[Subject, ...] = (
    *(
        Subject("causal", kind, {"is_decoder": True}, "as a decoder")
        for kind in (
            "bert",
            "bert-generation",
            "big_bird",
            "camembert",
            "data2vec-text",
            "electra",
            "ernie",
            "megatron-bert",
            "rembert",
            "roberta",
            "roberta-prelayernorm",
            "roc_bert",
            "roformer",
            "xlm-roberta",
            "xlm-roberta-xl",
        )
    ),
    Subject("causal", "falcon", {"alibi": True}, "with ALiBi"),
    Subject("causal", "qwen2", {"use_sliding_window": True, "max_window_layers": 1}, "with sliding windows"),
    Subject("causal", "mistral", {"sliding_window": None}, "without a window"),
    Subject("causal", "opt", {"do_layer_norm_before": False, "word_embed_proj_dim": 512}, "as OPT-350M"),
    Subject("causal", "reformer", {"is_decoder": True}, "as a decoder"),
    Subject("seq2seq", "pegasus", {"scale_embedding": True}, "with scaled embeddings"),
    Subject("seq2seq", "marian", {"scale_embedding": True}, "with scaled embeddings"),
    Subject("seq2seq", "mvp", {"scale_embedding": True}, "with scaled embeddings"),
    Subject("seq2seq", "blenderbot-small", {"scale_embedding": True}, "with scaled embeddings"),
    Subject("seq2seq", "t5", {"feed_forward_proj": "gated-gelu"}, "as FlanT5"),
    Subject("seq2seq", "longt5", {"encoder_attention_type": "transient-global"}, "with global attention"),
    Subject("seq2seq", "bigbird_pegasus", {"attention_type": "original_full"}, "with full attention"),
)
"""Families whose habits hang on a setting that is off by default."""


def shipped() -> dict[str, dict[str, Any]]:
    """What the package brings along: the result of the model that is in it, so that its first answer needs no check."""
    tiny = json.loads((ROOT / "src/sightline/vlm/weights/tiny/sightline.json").read_text())["config"]["language"]
    config = CausalConfig(architecture=tiny["architecture"])
    small = shrunk(config.known().to_dict())
    way = prove(CausalLanguage, config, small)
    return {digest(CausalLanguage.automatic, small): {"way": way.to_dict()}}


def languages() -> Iterator[Subject]:
    """Every causal and encoder-decoder family, then the habits."""
    from transformers.models.auto import modeling_auto as auto

    tables = {
        "causal": auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        "seq2seq": auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
    }
    for role, table in tables.items():
        yield from (Subject(role, kind, COMPLETED.get(kind, {})) for kind in sorted(table))
    yield from HABITS


def eyes() -> Iterator[Subject]:
    """Every kind that reads `pixel_values` first."""
    from transformers import AutoConfig
    from transformers.models.auto.modeling_auto import MODEL_MAPPING, MODEL_MAPPING_NAMES

    for kind in sorted(MODEL_MAPPING_NAMES):
        try:
            found: Any = MODEL_MAPPING[type(AutoConfig.for_model(kind))]
            reads = getattr(found[0] if isinstance(found, tuple) else found, "main_input_name", "")
        except (ImportError, ValueError, KeyError, TypeError, AttributeError):  # nothing of it can be imported here
            continue
        if reads == "pixel_values":
            yield Subject("vision", kind)
