"""Language models behind one protocol: embeddings in, tokens out."""

from sightline.vlm.language.causal import CausalConfig, CausalLanguage
from sightline.vlm.language.foreign import LanguageConfig
from sightline.vlm.language.llama import LlamaConfig, LlamaLanguage
from sightline.vlm.language.protocol import LanguageModel, State, Writes
from sightline.vlm.language.seq2seq import Seq2SeqConfig, Seq2SeqLanguage

__all__ = [
    "CausalConfig",
    "CausalLanguage",
    "LanguageConfig",
    "LanguageModel",
    "LlamaConfig",
    "LlamaLanguage",
    "Seq2SeqConfig",
    "Seq2SeqLanguage",
    "State",
    "Writes",
]
