"""LAVIS' files: read whole, written back bit for bit, and refused with everything that is wrong.

LAVIS cannot be installed beside a current torch, so its layout is made here from Hugging Face's random models and the
table of names; parity with those models checks every entry of the table.
"""

from pathlib import Path
from typing import Any

import foreign_models as foreign
import pytest
import torch
from foreign_models import SHAPES, WORDS, Shape
from torch import Tensor
from transformers import CLIPVisionConfig, CLIPVisionModel

from sightline.vlm.bridges import QFormerConfig, Text
from sightline.vlm.language import CausalConfig, LanguageConfig, Seq2SeqConfig
from sightline.vlm.weights import Beside, CheckpointError, read, read_lavis, save_huggingface, save_lavis
from sightline.vlm.weights import update_from_lavis as update

PREFIXES = {"opt": "opt", "t5": "t5", "flan-t5": "t5", "llama": "llm"}
RENAMED = (
    ("vision_model.embeddings.class_embedding", "visual_encoder.cls_token"),
    ("vision_model.embeddings.position_embedding", "visual_encoder.pos_embed"),
    ("vision_model.embeddings.patch_embedding", "visual_encoder.patch_embed.proj"),
    ("vision_model.encoder.layers", "visual_encoder.blocks"),
    ("vision_model.post_layernorm", "ln_vision"),
    ("layer_norm", "norm"),
    ("self_attn.qkv", "attn.qkv"),
    ("self_attn.projection", "attn.proj"),
    ("qformer.layernorm", "Qformer.bert.embeddings.LayerNorm"),
    ("qformer.encoder", "Qformer.bert.encoder"),
    ("attention.attention.", "attention.self."),
    ("vision_projection", "vision_proj"),
    ("text_projection", "text_proj"),
)


def as_lavis(theirs: Any, language: str | None = None) -> dict[str, Tensor]:
    """Hugging Face's tensors under LAVIS' names."""
    prefix = PREFIXES.get(language or "", "")
    state: dict[str, Tensor] = {}
    for name, tensor in theirs.state_dict().items():
        if name.startswith("language_"):
            key = name.replace("language_projection", f"{prefix}_proj").replace("language_model", f"{prefix}_model", 1)
        else:
            key = name
            for old, new in RENAMED:
                key = key.replace(old, new)
            key = f"Qformer.bert.{key}" if key.startswith("embeddings.") else key
        if key.endswith("attn.qkv.bias"):
            start = key.removesuffix("qkv.bias")
            state[start + "q_bias"], _, state[start + "v_bias"] = (part.clone() for part in tensor.chunk(3))
        else:
            state[key] = tensor.clone()
    return state


def first_stage(shape: Shape) -> tuple[Any, dict[str, Tensor]]:
    """A retrieval model, and its LAVIS state with what Hugging Face drops."""
    theirs = foreign.retrieval(shape)
    state = as_lavis(theirs)
    state["temp"] = torch.tensor(0.03)
    state["Qformer.bert.embeddings.position_ids"] = torch.arange(30)[None]
    head = "Qformer.cls.predictions."
    state[head + "bias"] = torch.randn(WORDS)
    state[head + "transform.dense.weight"] = torch.randn(shape.width, shape.width)
    for name in ("dense.bias", "LayerNorm.weight", "LayerNorm.bias"):
        state[f"{head}transform.{name}"] = torch.randn(shape.width)
    state[head + "decoder.weight"] = state["Qformer.bert.embeddings.word_embeddings.weight"]
    state[head + "decoder.bias"] = state[head + "bias"]
    return theirs, state


def beside(shape: Shape, language: str | None = None) -> Beside:
    config: LanguageConfig | None = None
    if language is not None:
        kind = Seq2SeqConfig if "t5" in language else CausalConfig
        config = kind(architecture=foreign.LANGUAGES[language](shape).to_dict())
    return Beside(vision_heads=shape.vision_heads, bridge_heads=shape.heads, language=config)


def stored(state: Any, folder: Path, name: str = "model.pth") -> Path:
    torch.save(state, folder / name)
    return folder / name


def assert_equal_files(one: Path, other: Path) -> None:
    ours, theirs = (torch.load(path, weights_only=True)["model"] for path in (one, other))
    assert theirs.keys() <= ours.keys()
    beyond = ours.keys() - theirs.keys()  # buffers of LAVIS' modules, which Hugging Face's tensors have no part in
    assert all(name.endswith(("embeddings.position_ids", "rotary_emb.inv_freq")) for name in beyond)
    assert all(ours[key].dtype == theirs[key].dtype and torch.equal(ours[key], theirs[key]) for key in theirs)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
@torch.no_grad()
def test_a_first_stage_file_gives_the_scores_of_the_same_weights_elsewhere(shape: Shape, tmp_path: Path) -> None:
    theirs, state = first_stage(shape)
    checkpoint = read_lavis(stored({"model": state}, tmp_path), beside(shape))
    ours = checkpoint.model
    theirs.vision_model.post_layernorm.eps = 1e-5
    tokens_BL = foreign.prompt(shape, 7)
    text = Text(tokens_BL, torch.ones_like(tokens_BL))
    pixels_BCHW = foreign.pixels(shape)
    asked = {"pixel_values": pixels_BCHW, "input_ids": tokens_BL, "attention_mask": text.mask_BL}
    if ours.encoder.config.eps == theirs.config.vision_config.layer_norm_eps:
        scores = theirs(**asked, use_image_text_matching_head=True).logits_per_image
        assert torch.allclose(ours.bridge.match(ours.see(pixels_BCHW), text), scores, atol=1e-5)
    assert ours.bridge.temperature.item() == pytest.approx(0.03)
    assert ours.bridge.caption_logits(ours.see(pixels_BCHW), text).isfinite().all()
    assert checkpoint.image.size == shape.image


@pytest.mark.parametrize("language", PREFIXES)
@torch.no_grad()
def test_a_second_stage_file_gives_the_logits_of_the_same_weights_elsewhere(language: str, tmp_path: Path) -> None:
    shape = Shape(vision_eps=1e-6)
    theirs = foreign.writing(shape, language)
    path = stored(as_lavis(theirs, language), tmp_path)
    ours = read_lavis(path, beside(shape, language)).model
    same = read(foreign.saved(theirs, tmp_path / "theirs")).model
    same.norm.eps = ours.norm.eps
    pixels_BCHW, targets_BT = foreign.pixels(shape), foreign.prompt(shape, 5)
    assert torch.equal(ours(pixels_BCHW, targets_BT), same(pixels_BCHW, targets_BT))


@pytest.mark.parametrize("language", [None, *PREFIXES])
def test_a_file_comes_back_bit_for_bit(language: str | None, tmp_path: Path) -> None:
    shape = Shape()
    state = first_stage(shape)[1] if language is None else as_lavis(foreign.writing(shape, language), language)
    path = stored({"model": state}, tmp_path)
    save_lavis(read_lavis(path, beside(shape, language)), tmp_path / "back.pth")
    assert_equal_files(tmp_path / "back.pth", path)


def test_a_file_of_mixed_precision_comes_back_bit_for_bit(tmp_path: Path) -> None:
    state = as_lavis(foreign.writing(Shape(), "t5"), "t5")
    half = {key: value.half() if "attn.qkv" in key or "mlp" in key else value for key, value in state.items()}
    mixed = {key: value.bfloat16() if key.startswith("t5_model") else value for key, value in half.items()}
    path = stored({"model": mixed}, tmp_path)
    save_lavis(read_lavis(path, beside(Shape(), "t5")), tmp_path / "back.pth", like=path)
    assert_equal_files(tmp_path / "back.pth", path)


def test_a_hugging_face_model_returns_equal_after_the_way_through_a_lavis_file(tmp_path: Path) -> None:
    theirs = foreign.writing(Shape(), "opt")
    first = read(foreign.saved(theirs, tmp_path / "theirs"))
    save_lavis(first, tmp_path / "model.pth")
    again = read_lavis(tmp_path / "model.pth", beside(Shape(), "opt"))
    first.model.load_state_dict(again.model.state_dict())
    save_huggingface(first, tmp_path / "ours")
    back = type(theirs).from_pretrained(tmp_path / "ours").state_dict()
    assert all(torch.equal(tensor, back[name]) for name, tensor in theirs.state_dict().items())


def test_a_file_of_trained_tensors_updates_the_model_it_was_trained_from(tmp_path: Path) -> None:
    base = read(foreign.saved(foreign.writing(Shape(), "opt"), tmp_path / "base"))
    before = base.model.encoder.cls.clone()
    state = as_lavis(foreign.writing(Shape(), "opt"), "opt")
    trained = {key: value for key, value in state.items() if key.startswith(("Qformer", "query", "opt_proj"))}
    path = stored({"model": trained}, tmp_path)
    update(base, path)
    assert torch.equal(base.model.project.weight, state["opt_proj.weight"])
    assert torch.equal(base.model.encoder.cls, before)
    save_lavis(base, tmp_path / "back.pth", like=path)
    assert_equal_files(tmp_path / "back.pth", path)
    with pytest.raises(CheckpointError, match="does not hold a whole model"):
        read_lavis(path, beside(Shape(), "opt"))


def test_everything_that_does_not_fit_is_listed_at_once(tmp_path: Path) -> None:
    _, state = first_stage(Shape())
    del state["visual_encoder.blocks.1.attn.v_bias"]
    state["stray"] = torch.zeros(2)
    state["itm_head.bias"] = torch.zeros(3)
    state["Qformer.cls.predictions.decoder.weight"] = torch.zeros(WORDS, 48)
    with pytest.raises(CheckpointError) as caught:
        read_lavis(stored(state, tmp_path), beside(Shape()))
    message = str(caught.value)
    assert "missing (1): visual_encoder.blocks.1.attn.v_bias" in message
    assert "unexpected (2): " in message
    assert "stray" in message
    assert "decoder.weight (LAVIS ties it to Qformer.bert.embeddings.word_embeddings.weight" in message
    assert "misshapen (1): itm_head.bias is 3, the config asks for 2" in message


@pytest.mark.parametrize(
    ("state", "problem"),
    [
        ([1, 2], "holds no state dict"),
        ({"model": {"epoch": 3}}, "holds no state dict"),
        ({"visual_encoder.conv1.weight": torch.zeros(4, 3, 7, 7)}, "lacks visual_encoder.positional_embedding"),
        ({"opt_proj.weight": torch.zeros(1)}, "give Beside"),
    ],
)
def test_other_files_are_refused(state: Any, problem: str, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=problem):
        read_lavis(stored(state, tmp_path))


@pytest.mark.parametrize("body", [b"hello", b"", b"torn", b"\x80\x02K\x01.", b"<html>", bytes(64), b"PK\x03\x04"])
def test_a_damaged_file_is_named(body: bytes, tmp_path: Path) -> None:
    (tmp_path / "model.pth").write_bytes(body)
    with pytest.raises(CheckpointError, match=r"model\.pth (cannot be read as tensors|holds no state dict)"):
        read_lavis(tmp_path / "model.pth")


def test_shapes_say_how_the_q_former_is_built(tmp_path: Path) -> None:
    shape = SHAPES["cross-attention every third, odd image"]
    _, state = first_stage(shape)
    bridge = read_lavis(stored(state, tmp_path), beside(shape)).config.bridge
    assert isinstance(bridge, QFormerConfig)
    assert (bridge.cross_every, bridge.layers, bridge.queries, bridge.captioning) == (3, 5, 12, True)


def with_clip(state: dict[str, Tensor], layers: int = 3, width: int = 48) -> tuple[dict[str, Tensor], CLIPVisionModel]:
    """The same first stage on CLIP's encoder, with transformers' CLIP of the same weights."""
    clip = CLIPVisionModel(
        CLIPVisionConfig(
            hidden_size=width,
            intermediate_size=96,
            num_hidden_layers=layers,
            num_attention_heads=4,
            image_size=56,
            patch_size=14,
        )
    )
    foreign.randomised(clip)
    theirs = clip.state_dict()
    ours = {key: value for key, value in state.items() if not key.startswith("visual_encoder.")}
    at = "visual_encoder."
    ours[at + "class_embedding"] = theirs["embeddings.class_embedding"]
    ours[at + "positional_embedding"] = theirs["embeddings.position_embedding.weight"]
    ours[at + "conv1.weight"] = theirs["embeddings.patch_embedding.weight"]
    for name in ("weight", "bias"):
        ours[f"{at}ln_pre.{name}"] = theirs[f"pre_layrnorm.{name}"]
        for layer in range(layers):
            block, source = f"{at}transformer.resblocks.{layer}.", f"encoder.layers.{layer}."
            fused = [theirs[f"{source}self_attn.{part}_proj.{name}"] for part in "qkv"]
            ours[f"{block}attn.in_proj_{name}"] = torch.cat(fused)
            ours[f"{block}attn.out_proj.{name}"] = theirs[f"{source}self_attn.out_proj.{name}"]
            ours[f"{block}ln_1.{name}"] = theirs[f"{source}layer_norm1.{name}"]
            ours[f"{block}ln_2.{name}"] = theirs[f"{source}layer_norm2.{name}"]
            ours[f"{block}mlp.c_fc.{name}"] = theirs[f"{source}mlp.fc1.{name}"]
            ours[f"{block}mlp.c_proj.{name}"] = theirs[f"{source}mlp.fc2.{name}"]
    return ours, clip


@torch.no_grad()
def test_clip_files_give_the_features_of_clip_and_come_back_bit_for_bit(tmp_path: Path) -> None:
    state, clip = with_clip(first_stage(Shape())[1])
    path = stored({"model": state}, tmp_path)
    checkpoint = read_lavis(path, beside(Shape()))
    pixels_BCHW = foreign.pixels(Shape())
    features_BPD = clip(pixels_BCHW, output_hidden_states=True).hidden_states[-1]
    torch.testing.assert_close(checkpoint.model.encoder(pixels_BCHW), features_BPD, atol=1e-5, rtol=1e-4)
    save_lavis(checkpoint, tmp_path / "back.pth")
    assert_equal_files(tmp_path / "back.pth", path)
    with pytest.raises(CheckpointError, match="EVA-style encoder only, this model has CLIP's"):
        save_huggingface(checkpoint, tmp_path / "huggingface")


@pytest.mark.parametrize("clip", [False, True])
@torch.no_grad()
def test_trained_tensors_join_the_files_of_the_frozen_parts(clip: bool, tmp_path: Path) -> None:
    shape = Shape()
    theirs = foreign.writing(shape, "opt")
    state = as_lavis(theirs, "opt")
    state = with_clip(state)[0] if clip else state
    whole = read_lavis(stored({"model": state}, tmp_path, "whole.pth"), beside(shape, "opt"))
    frozen = {key.removeprefix("visual_encoder."): value for key, value in state.items() if key.startswith("visual")}
    layer = "transformer.resblocks." if clip else "blocks."
    depth = whole.config.encoder.layers
    last = {
        key.replace(f"{layer}0.", f"{layer}{depth}."): value for key, value in frozen.items() if f"{layer}0." in key
    }
    encoder = stored({**frozen, **last, "head.weight": torch.zeros(2)}, tmp_path, "encoder.pth")
    theirs.language_model.save_pretrained(tmp_path / "opt")
    kept = {key: value for key, value in state.items() if not key.startswith(("visual", "opt_model"))}
    path = stored({"model": kept}, tmp_path, "trained.pth")
    joined = read_lavis(
        path,
        Beside(
            vision_heads=shape.vision_heads,
            bridge_heads=shape.heads,
            encoder=encoder,
            language_model=str(tmp_path / "opt"),
        ),
    )
    pixels_BCHW, targets_BT = foreign.pixels(shape), foreign.prompt(shape, 5)
    assert torch.equal(joined.model(pixels_BCHW, targets_BT), whole.model(pixels_BCHW, targets_BT))


def test_an_instruction_aware_file_is_known_by_its_text_side(tmp_path: Path) -> None:
    shape = Shape()
    theirs = foreign.instructed(shape, "llama")
    moved = {
        "layernorm": "LayerNorm",
        "word_embeddings": "word_embeddings",
        "position_embeddings": "position_embeddings",
    }
    state = as_lavis(theirs, "llama")
    for old, new in moved.items():
        inside = f"qformer.embeddings.{old}"
        for key in [key for key in state if key.startswith(inside)]:
            state[key.replace(inside, f"Qformer.bert.embeddings.{new}")] = state.pop(key)
    path = stored({"model": {**state, "Qformer.bert.embeddings.position_ids": torch.arange(30)[None]}}, tmp_path)
    checkpoint = read_lavis(path, beside(shape, "llama"))
    assert checkpoint.prompts.template_to_bridge
    save_lavis(checkpoint, tmp_path / "back.pth")
    assert_equal_files(tmp_path / "back.pth", path)
    same = read(foreign.saved(theirs, tmp_path / "theirs")).model
    same.norm.eps = checkpoint.model.norm.eps
    question = Text(foreign.prompt(shape), torch.ones(shape.batch, 4))
    pixels_BCHW, targets_BT = foreign.pixels(shape), foreign.prompt(shape, 5)
    ours = checkpoint.model(pixels_BCHW, targets_BT, question=question)
    assert torch.equal(ours, same(pixels_BCHW, targets_BT, question=question))
