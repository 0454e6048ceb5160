"""Reading transformers' BLIP-2 and InstructBLIP: their config becomes ours, their weights go through the name map."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sightline.vlm.bridges import QFormerConfig
from sightline.vlm.config import ConfigError, closest
from sightline.vlm.encoders import EvaConfig, ImageFacts
from sightline.vlm.encoders.pixels import CLIP_MEAN, CLIP_STD
from sightline.vlm.language import CausalConfig, LanguageConfig, Seq2SeqConfig
from sightline.vlm.model import Blip2Config
from sightline.vlm.placement import Devices, Dtypes, Layout, dtypes_of
from sightline.vlm.weights.adapters import Adapter
from sightline.vlm.weights.checkpoint import Checkpoint, Family, Prompts
from sightline.vlm.weights.errors import CheckpointError
from sightline.vlm.weights.fill import Fill, empty
from sightline.vlm.weights.names import HUGGINGFACE, INSTRUCT, WITHOUT_TEXT, NameMap
from sightline.vlm.weights.sentencepiece import FILE as SENTENCEPIECE
from sightline.vlm.weights.sentencepiece import read_sentencepiece
from sightline.vlm.weights.shards import file_tensors, shapes, tensors
from sightline.vlm.weights.tokenizer import Tokenizer

WRITING = ("Blip2ForConditionalGeneration", "Blip2Model")
"""transformers' classes with a language model."""
RETRIEVAL = "Blip2ForImageTextRetrieval"
"""Its first-stage class (ITC and ITM heads)."""
INSTRUCTED = "InstructBlipForConditionalGeneration"
"""Its instruction-aware class."""
CLASSES = (*WRITING, RETRIEVAL, INSTRUCTED)
"""All that can be read."""
MODEL_TYPES = ("blip-2", "instructblip")
"""As their configs name the whole model."""
EVA_TYPES = ("blip_2_vision_model", "instructblip_vision_model")
"""`model_type` of the only vision model that these classes have."""

PRECISION = "sightline_precision"
"""Key of a config.json under which an export of ours says the dtype of each part; Hugging Face has one for all."""

EXTRA = "sightline_extra.safetensors"
"""Beside an export of ours: under our own names, what Hugging Face's classes have no place for."""

BRIDGE_TOKENIZER = "qformer_tokenizer"
"""Folder of an InstructBLIP checkpoint with the tokenizer of its Q-Former."""

USUAL_PIXELS = {"image_mean": CLIP_MEAN, "image_std": CLIP_STD}
"""Defaults of transformers' BlipImageProcessor, which a preprocessor_config.json may leave out."""

TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "vocab.json", "spiece.model")
"""Any of them says that a folder has a tokenizer."""


@dataclass(frozen=True)
class Habits:
    """How the published models of one kind of language model are asked and decoded (paper, section 4)."""

    question: str
    length_penalty: float


HABITS = {"t5": Habits("Question: {} Short answer:", -1.0)}
"""By `model_type` of the language model."""
USUAL = Habits("Question: {} Answer:", 0.0)
"""Of all the others."""

INSTRUCTION = Prompts(
    caption="A short image description:", question="{}", question_to_bridge=True, template_to_bridge=True
)
"""Of instruction-aware models (arXiv 2305.06500, appendix): an instruction is read as it stands, by bridge and all."""


def read_huggingface(
    folder: Path, name: str, dtype: Dtypes | None = None, device: Devices = "cpu", adapter: Adapter | None = None
) -> Checkpoint:
    """A `Blip2*` or `InstructBlip*` checkpoint folder as a `Checkpoint`.

    Args:
        folder: Holds config.json and safetensors, in one file or sharded.
        name: What the user called it.
        dtype: As `Layout.of` takes it; none: as the checkpoint says, except that float16 is widened to float32 on a
            CPU, which has no fast float16.
        device: Where the model goes, or each part.
        adapter: A LoRA adapter to merge into the weights.

    Raises:
        CheckpointError: Another kind of model, a damaged file, or weights that do not fit the config.
    """
    raw = _json(folder / "config.json")
    check_plain(raw, folder)
    extra = dict(file_tensors(folder / EXTRA)) if (folder / EXTRA).exists() else {}
    config = _with_heads(read_config(raw, folder), extra)
    model = empty(config, _layout(raw, dtype, device))
    fill = Fill(model, _names(config), optional=("bridge.temperature",))
    fill.check(shapes(folder), str(folder), extra)
    for key, tensor in tensors(folder) if adapter is None else adapter.merged(tensors(folder)):
        fill.put(key, tensor)
    for key, tensor in extra.items():
        fill.put(key, tensor, ours=True)
    fill.finish(str(folder))
    model.eval().requires_grad_(False)
    tokenizer = read_tokenizer(folder)
    writes = config.language is not None
    return Checkpoint(
        name=name,
        family=family_of(config),
        config=config,
        model=model,
        image=_image(folder, config),
        prompts=prompts_of(config),
        tokenizer=tokenizer if writes else None,
        text_tokenizer=read_tokenizer(folder / BRIDGE_TOKENIZER) if writes else tokenizer,
        decoding=decoding_of(config),
    )


def _with_heads(config: Blip2Config, extra: Mapping[str, Tensor]) -> Blip2Config:
    """The config with the first stage's heads that a file beside the weights holds."""
    bridge = config.bridge
    if not isinstance(bridge, QFormerConfig):
        return config
    contrast = extra.get("bridge.image_contrast.weight")
    heads = replace(
        bridge,
        contrast_width=bridge.contrast_width if contrast is None else len(contrast),
        matching=bridge.matching or "bridge.matching.weight" in extra,
        captioning=bridge.captioning or "bridge.captioning.bias" in extra,
    )
    return replace(config, bridge=heads)


def _names(config: Blip2Config) -> NameMap:
    if config.language is None:
        return HUGGINGFACE
    return INSTRUCT if instructed(config) else WITHOUT_TEXT


def instructed(config: Blip2Config) -> bool:
    """Whether the bridge of a model that writes has a text side, so that it can read the instruction."""
    return config.language is not None and isinstance(config.bridge, QFormerConfig) and bool(config.bridge.vocab_size)


def family_of(config: Blip2Config) -> Family:
    """How a model of this config answers."""
    if config.language is None:
        return "retrieval"
    return "seq2seq" if isinstance(config.language, Seq2SeqConfig) else "causal"


def prompts_of(config: Blip2Config) -> Prompts:
    """What the published models of this kind expect to read."""
    return INSTRUCTION if instructed(config) else Prompts(question=_habits(config).question)


def decoding_of(config: Blip2Config) -> dict[str, Any]:
    """How the published models of this kind are decoded."""
    if config.language is None:
        return {}
    if instructed(config):
        return {"num_beams": 5, "max_new_tokens": 256, "repetition_penalty": 1.5, "length_penalty": 1.0}
    return {"num_beams": 5, "max_new_tokens": 30, "length_penalty": _habits(config).length_penalty}


def _habits(config: Blip2Config) -> Habits:
    if not isinstance(config.language, LanguageConfig):
        return USUAL
    return HABITS.get(str(config.language.architecture["model_type"]), USUAL)


def read_config(raw: dict[str, Any], folder: Path) -> Blip2Config:
    """Our config for theirs; raises `CheckpointError` for anything but a BLIP-2 with its EVA-style encoder."""
    import transformers  # late: importing it takes a second

    kind = (raw.get("architectures") or ["(none named)"])[0]
    if kind not in CLASSES:
        raise CheckpointError(f"{folder} holds a {kind}: {closest(kind, CLASSES)}")
    model_type = raw.get("model_type", MODEL_TYPES[0])
    if model_type not in MODEL_TYPES:
        raise CheckpointError(
            f"{folder} says it is a {model_type!r}: BLIP-2 checkpoints of transformers are {' or '.join(MODEL_TYPES)}"
        )
    vision_type = (raw.get("vision_config") or {}).get("model_type", EVA_TYPES[0])
    if vision_type not in EVA_TYPES:
        raise CheckpointError(
            f"{folder} says its encoder is a {vision_type!r}; BLIP-2 checkpoints of transformers hold "
            f"{' or '.join(EVA_TYPES)} only"
        )
    foreign = transformers.InstructBlipConfig if kind == INSTRUCTED else transformers.Blip2Config
    _check_widths(raw, folder)
    try:
        theirs: Any = foreign.from_dict(raw)
    except (TypeError, ValueError, AttributeError) as problem:
        raise CheckpointError(f"{folder / 'config.json'} is not a BLIP-2 config: {problem}") from problem
    encoder = _encoder(theirs.vision_config)
    bridge = _bridge(theirs)
    norm_eps = theirs.vision_config.layer_norm_eps
    if kind == RETRIEVAL:
        bridge = replace(
            bridge,
            vocab_size=theirs.qformer_config.vocab_size,
            contrast_width=theirs.image_text_hidden_size,
            matching=True,
        )
        return Blip2Config(encoder=encoder, bridge=bridge, norm_eps=norm_eps)
    if kind == INSTRUCTED:
        bridge = replace(bridge, vocab_size=theirs.qformer_config.vocab_size)
    text = theirs.text_config.to_dict()
    language = CausalConfig if theirs.use_decoder_only_language_model else Seq2SeqConfig
    return Blip2Config(encoder=encoder, bridge=bridge, language=language(architecture=text), norm_eps=norm_eps)


def read_tokenizer(folder: Path) -> Tokenizer | None:
    """The tokenizer beside the weights with its special tokens as transformers sets them; none when there is none."""
    if not (folder / TOKENIZER_FILES[0]).exists() and (folder / SENTENCEPIECE).exists():
        return read_sentencepiece(folder / SENTENCEPIECE)
    if not any((folder / name).exists() for name in TOKENIZER_FILES):
        return None
    from transformers import AutoTokenizer  # late: importing transformers takes a second

    automatic: Any = AutoTokenizer
    try:
        theirs = automatic.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError) as problem:
        raise CheckpointError(f"the tokenizer files in {folder} cannot be read: {problem}") from problem
    pads = (theirs.pad_token_id, theirs.eos_token_id, 0)
    return Tokenizer(theirs.backend_tokenizer, next(pad for pad in pads if pad is not None))


def _check_widths(raw: dict[str, Any], folder: Path) -> None:
    """transformers overwrites a width that does not fit without a word; here it is an error."""
    wide = (raw.get("vision_config") or {}).get("hidden_size")
    reads = (raw.get("qformer_config") or {}).get("encoder_hidden_size")
    if wide is not None and reads is not None and wide != reads:
        raise CheckpointError(
            f"{folder / 'config.json'}: the vision model's hidden_size is {wide}, the Q-Former's encoder_hidden_size "
            f"is {reads}: set the latter to {wide}"
        )


def _encoder(vision: Any) -> EvaConfig:
    return EvaConfig(
        image_size=_side(vision.image_size, "image_size"),
        patch_size=_side(vision.patch_size, "patch_size"),
        width=vision.hidden_size,
        layers=vision.num_hidden_layers,
        heads=vision.num_attention_heads,
        mlp_width=vision.intermediate_size,
        activation=vision.hidden_act,
        eps=vision.layer_norm_eps,
        qkv_bias=vision.qkv_bias,
    )


def _side(size: int | list[int] | tuple[int, int], what: str) -> int:
    """One number for a square; raises `CheckpointError` for anything else."""
    sides = {size} if isinstance(size, int) else set(size)
    if len(sides) != 1:
        raise CheckpointError(f"{what} is {size}, but BLIP-2's encoder was trained on squares: give one number")
    return sides.pop()


def _bridge(theirs: Any) -> QFormerConfig:
    qformer = theirs.qformer_config
    return QFormerConfig(
        patch_width=theirs.vision_config.hidden_size,
        width=qformer.hidden_size,
        layers=qformer.num_hidden_layers,
        heads=qformer.num_attention_heads,
        mlp_width=qformer.intermediate_size,
        queries=theirs.num_query_tokens,
        cross_every=qformer.cross_attention_frequency,
        activation=qformer.hidden_act,
        eps=qformer.layer_norm_eps,
        dropout=qformer.hidden_dropout_prob,
        positions=qformer.max_position_embeddings,
    )


def _image(folder: Path, config: Blip2Config) -> ImageFacts:
    """By the processor file beside the weights; what it does not say is BLIP-2's usual."""
    encoder = config.encoder
    side = encoder.image_size if isinstance(encoder, EvaConfig) else 224
    try:
        return ImageFacts.from_folder(folder, side, USUAL_PIXELS) or ImageFacts(size=side)
    except ConfigError as problem:
        raise CheckpointError(str(problem)) from problem


def _layout(raw: dict[str, Any], dtype: Dtypes | None, device: Devices) -> Layout:
    """Where and how precise the parts are: as asked for, else as the file says, of each part where it does."""
    asked = Layout.of(dtype, device)
    if dtype is not None:
        return Layout.of(dtype, device, _dtype(raw, asked))
    told = raw.get(PRECISION)
    if not isinstance(told, Mapping):
        return Layout.of(dtype, device, _dtype(raw, asked))
    return Layout.of(on_device(dtypes_of(told), asked), device)


def on_device(dtypes: Mapping[str, torch.dtype], layout: Layout) -> dict[str, torch.dtype]:
    """A checkpoint's own precision where it is to run: a CPU has no fast float16."""
    wide = layout.language_on_cpu
    return {part: torch.float32 if wide and each == torch.float16 else each for part, each in dtypes.items()}


def check_plain(raw: Mapping[str, Any], folder: Path) -> None:
    """Raises `CheckpointError` for quantised weights, by the method that made them."""
    told = raw.get("quantization_config")
    told = told or next((value.get("quantization_config") for value in raw.values() if isinstance(value, dict)), None)
    if told:
        method = told.get("quant_method", "an unnamed method") if isinstance(told, dict) else told
        raise CheckpointError(
            f"{folder / 'config.json'} says that its weights are quantised ({method}): they are not read here, "
            "load the model they were made of, dtype=torch.bfloat16 halves it"
        )


def _dtype(raw: Mapping[str, Any], layout: Layout) -> torch.dtype:
    named = getattr(torch, str(raw.get("dtype") or raw.get("torch_dtype") or "float32").removeprefix("torch."), None)
    kept = named if isinstance(named, torch.dtype) and named.is_floating_point else torch.float32
    return torch.float32 if kept == torch.float16 and layout.language_on_cpu else kept


def _json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text())
    except FileNotFoundError as problem:
        raise CheckpointError(f"{path.parent} has no {path.name}: is it a checkpoint folder?") from problem
    except ValueError as problem:
        raise CheckpointError(f"{path} is not JSON: {problem}") from problem
    if not isinstance(values, dict):
        raise CheckpointError(f"{path} holds a {type(values).__name__}, an object was expected")
    return values
