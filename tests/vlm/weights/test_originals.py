"""Models from LAVIS' own files: found by name, fetched with what they need, the same as when converted."""

import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch
from lavis_weights import SIDE, bert_tokenizer, llama, made
from numbered_cpus import NumberedCpus
from random_models import WORDS, opt, t5, word_tokenizer
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from sightline.vlm.bridges import QFormerConfig
from sightline.vlm.config import ConfigError
from sightline.vlm.encoders import EvaConfig
from sightline.vlm.lavis import load_model
from sightline.vlm.loaded import Loaded
from sightline.vlm.model import Blip2Config
from sightline.vlm.weights import CheckpointError, UnknownModelError, read, save_lavis
from sightline.vlm.weights.catalog import CATALOG, Original, find

BASE = "https://storage.googleapis.com/sfr-vision-language-research/LAVIS/models"


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("blip2_opt:pretrain_opt2.7b", ("BLIP2/eva_vit_g.pth", "BLIP2/blip2_pretrained_opt2.7b.pth")),
        ("blip2_opt:caption_coco_opt6.7b", ("BLIP2/eva_vit_g.pth", "BLIP2/blip2_caption_opt6.7b.pth")),
        ("blip2_t5:pretrain_flant5xl_vitL", ("BLIP2/clip_vit_L.pth", "BLIP2/blip2_pretrained_flant5xl_vitL.pth")),
        ("blip2_feature_extractor:pretrain", ("BLIP2/eva_vit_g.pth", "BLIP2/blip2_pretrained.pth")),
        ("blip2:coco", ("BLIP2/eva_vit_g.pth", "BLIP2/blip2_finetune_coco.pth")),
        (
            "blip2_vicuna_instruct:vicuna7b",
            ("BLIP2/eva_vit_g.pth", "InstructBLIP/instruct_blip_vicuna7b_trimmed.pth"),
        ),
    ],
)
def test_a_model_of_lavis_resolves_to_its_published_files(name: str, files: tuple[str, str]) -> None:
    known = find(name)
    assert known is not None
    assert known.lavis is not None
    assert known.lavis.urls == tuple(f"{BASE}/{file}" for file in files)


def test_every_model_of_lavis_has_its_files_and_those_that_write_their_language_model() -> None:
    for known in CATALOG.values():
        assert (known.lavis is None) == bool(known.shipped)
        if known.lavis is not None:
            assert bool(known.lavis.language) == bool(known.language)


def wide(language: Any, *, text: bool) -> Any:
    """A checkpoint with as many heads as the published models have: 16 and 12."""
    small = made(language, text=text)
    encoder = EvaConfig(image_size=SIDE, patch_size=14, width=32, layers=2, heads=16, mlp_width=32)
    bridge = replace(small.config.bridge, heads=12, width=24)
    assert isinstance(bridge, QFormerConfig)
    config = Blip2Config(encoder=encoder, bridge=bridge, language=language, norm_eps=1e-5)
    small.model = config.build().eval().requires_grad_(False)
    torch.nn.init.normal_(small.model.bridge.query_tokens)
    for name, bias in small.model.named_parameters():
        if name.endswith("qkv.bias"):
            bias.normal_().chunk(3)[1].zero_()
    small.config = config
    return small


def published(checkpoint: Any, folder: Path, trained: str) -> None:
    """LAVIS' two files: the encoder, with the last block that BLIP-2 leaves out, and all but it."""
    for name in ("BLIP2", "InstructBLIP"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    save_lavis(checkpoint, folder / "whole.pth")
    state: dict[str, Tensor] = torch.load(folder / "whole.pth")["model"]
    vision = {key.removeprefix("visual_encoder."): each for key, each in state.items() if key.startswith("visual_")}
    last = {key.replace("blocks.1.", "blocks.2."): each for key, each in vision.items() if "blocks.1." in key}
    torch.save({**vision, **last, "fc_norm.weight": torch.ones(32)}, folder / "BLIP2" / "eva_vit_g.pth")
    rest = {
        key: each
        for key, each in state.items()
        if not key.startswith(("visual_", "opt_model.", "t5_model.", "llm_model."))
    }
    torch.save({"model": rest}, folder / trained)


def in_hub(cache: Path, hub_id: str) -> Path:
    """A folder where the hub's client looks for a published model."""
    model = cache / f"models--{hub_id.replace('/', '--')}"
    (model / "refs").mkdir(parents=True)
    (model / "refs" / "main").write_text("0" * 40)
    return model / "snapshots" / ("0" * 40)


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, list[str]]]:
    """A mirror of LAVIS' files, what it was asked for, and a hub's cache beside it."""
    folder, asked = tmp_path / "web", []
    folder.mkdir()

    class Handler(SimpleHTTPRequestHandler):
        def log_request(self, *_: object) -> None:
            asked.append(self.path)

    http = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("SIGHTLINE_LAVIS_URL", f"http://127.0.0.1:{http.server_port}/")
    monkeypatch.setenv("SIGHTLINE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    yield folder, asked
    http.shutdown()
    thread.join()
    http.server_close()


@pytest.fixture
def first_stage(web: tuple[Path, list[str]], tmp_path: Path) -> Any:
    """`blip2:pretrain` as LAVIS has it, small; its texts are read with BERT's words."""
    checkpoint = wide(None, text=True)
    published(checkpoint, web[0], "BLIP2/blip2_pretrained.pth")
    save_bert(tmp_path)
    return checkpoint


def save_bert(place: Path) -> None:
    bert = PreTrainedTokenizerFast(tokenizer_object=bert_tokenizer().backend, pad_token="[PAD]", unk_token="[UNK]")
    bert.save_pretrained(in_hub(place / "hub", "google-bert/bert-base-uncased"))


def test_a_first_stage_comes_from_two_files_and_scores_the_same(first_stage: Any, web: tuple[Path, list[str]]) -> None:
    model = Loaded(read("lavis:blip2:pretrain"))
    pixels = torch.randn(2, 3, SIDE, SIDE)
    texts = ["a red one", "how many"]
    torch.testing.assert_close(model.match(pixels, texts).itm, Loaded(first_stage).match(pixels, texts).itm)
    assert model.caption(pixels)[0].text == Loaded(first_stage).caption(pixels)[0].text
    assert model.name == "lavis:blip2:pretrain"
    assert web[1] == ["/BLIP2/blip2_pretrained.pth", "/BLIP2/eva_vit_g.pth"]
    door = load_model("blip2_image_text_matching", "lavis:pretrain", is_eval=True)
    torch.testing.assert_close(door.loaded.match(pixels, texts).itm, model.match(pixels, texts).itm)
    assert len(web[1]) == 2


def test_a_second_stage_joins_its_frozen_language_model(web: tuple[Path, list[str]], tmp_path: Path) -> None:
    checkpoint = wide(opt(len(WORDS) + 4), text=False)
    published(checkpoint, web[0], "BLIP2/blip2_caption_opt2.7b.pth")
    language = in_hub(tmp_path / "hub", "facebook/opt-2.7b")
    checkpoint.model.language.model.save_pretrained(language)
    PreTrainedTokenizerFast(tokenizer_object=word_tokenizer().backend).save_pretrained(language)
    model = Loaded(read("lavis:blip2_opt:caption_coco_opt2.7b"))
    pixels = torch.randn(1, 3, SIDE, SIDE)
    ours = Loaded(checkpoint).caption(pixels, "a photo of", num_beams=3, max_new_tokens=6, length_penalty=0.0)
    assert model.caption(pixels, num_beams=3, max_new_tokens=6)[0].tokens == ours[0].tokens
    where = {"language": {"": "cpu:0", "model.decoder.layers.0": "cpu:1"}}
    with NumberedCpus() as cpus:
        split = Loaded(read("lavis:blip2_opt:caption_coco_opt2.7b", {"language": torch.bfloat16}, where))
        weights = dict(split.model.language.named_parameters())  # type: ignore[union-attr]
        assert {cpus.of[each] for name, each in weights.items() if "layers.0." in name} == {1}
        assert {each.dtype for each in weights.values()} == {torch.bfloat16}
        assert split.caption(pixels, num_beams=3, max_new_tokens=6)
    with pytest.raises(ConfigError, match=r"leaves out model\.decoder\.embed_tokens"):
        read("lavis:blip2_opt:caption_coco_opt2.7b", device={"language": {"lm_head": "cpu"}})


def test_a_language_model_of_before_safetensors_is_fetched_and_read_too(
    web: tuple[Path, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = wide(opt(len(WORDS) + 4), text=False)
    published(checkpoint, web[0], "BLIP2/blip2_pretrained_opt2.7b.pth")
    inner = checkpoint.model.language.model
    inner.config.save_pretrained(tmp_path / "there")
    torch.save(inner.state_dict(), tmp_path / "there" / "pytorch_model.bin")
    asked: list[list[str]] = []

    def snapshot_download(hub_id: str, *, allow_patterns: list[str], **_: Any) -> str:
        """The hub's client: brings what was asked for, and nothing else."""
        asked.append(allow_patterns)
        here = tmp_path / "here"
        here.mkdir(exist_ok=True)
        for path in (tmp_path / "there").iterdir():
            if any(path.match(pattern) for pattern in allow_patterns):
                shutil.copy(path, here)
        return str(here)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    model = read("lavis:blip2_opt:pretrain_opt2.7b").model
    ours, theirs = model.language.state_dict(), checkpoint.model.language.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert not any("bin" in pattern for pattern in asked[0])
    assert any("pytorch_model*.bin" in patterns for patterns in asked)


def test_flan_t5_runs_with_the_exact_gelu_as_in_lavis(web: tuple[Path, list[str]], tmp_path: Path) -> None:
    tanh = {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False}
    checkpoint = wide(t5(len(WORDS) + 4, **tanh), text=False)
    assert checkpoint.model.language.model.config.dense_act_fn == "gelu_new"
    published(checkpoint, web[0], "BLIP2/blip2_pretrained_flant5xl.pth")
    language = in_hub(tmp_path / "hub", "google/flan-t5-xl")
    checkpoint.model.language.model.save_pretrained(language)
    again = read("lavis:blip2_t5:pretrain_flant5xl")
    assert again.config.language.architecture["dense_act_fn"] == "gelu"  # type: ignore[union-attr]
    dense = again.model.language.model.encoder.block[0].layer[1].DenseReluDense
    assert torch.equal(dense.act(torch.tensor(1.0)), torch.nn.functional.gelu(torch.tensor(1.0)))
    assert again.prompts.question == "Question: {} Short answer:"


def test_an_instruction_aware_model_reads_its_text_by_berts_words(web: tuple[Path, list[str]], tmp_path: Path) -> None:
    checkpoint = wide(llama(), text=True)
    published(checkpoint, web[0], "InstructBLIP/instruct_blip_vicuna7b_trimmed.pth")
    checkpoint.model.language.model.save_pretrained(in_hub(tmp_path / "hub", "lmsys/vicuna-7b-v1.1"))
    save_bert(tmp_path)
    again = read("lavis:blip2_vicuna_instruct:vicuna7b")
    assert again.prompts.template_to_bridge
    theirs = checkpoint.model.state_dict()
    assert all(torch.equal(each, theirs[name]) for name, each in again.model.state_dict().items())
    assert again.text_tokenizer.encode("red [DEC]")[-2] == again.text_tokenizer.id("[DEC]")  # type: ignore[union-attr]


def test_a_checkpoint_behind_a_url_goes_into_a_model(first_stage: Any, web: tuple[Path, list[str]]) -> None:
    model = load_model("blip2", str(saved(first_stage, web[0])), is_eval=True)
    changed: dict[str, Tensor] = {"query_tokens": torch.full((1, 4, 24), 0.5)}
    torch.save({"model": changed}, web[0] / "tuned.pth")
    url = Original(trained="tuned.pth").urls[1]
    model.load_checkpoint(url)
    assert torch.equal(model.query_tokens, changed["query_tokens"])
    with pytest.raises(UnknownModelError, match=r"its SHA-256 is .* was expected"):
        model.load_checkpoint(f"{url}#sha256={'0' * 64}")


def saved(checkpoint: Any, folder: Path) -> Path:
    Loaded(checkpoint).save(folder / "ours")
    return folder / "ours"


def test_a_file_that_is_not_published_is_named_with_the_way_out(web: tuple[Path, list[str]]) -> None:
    with pytest.raises(UnknownModelError, match=r"the server answered 404 .* put it at .*blip2_pretrained_vitL\.pth"):
        read("blip2:pretrain_vitL")


def test_offline_the_missing_file_is_named(web: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_OFFLINE", "1")
    with pytest.raises(UnknownModelError, match=r"blip2_pretrained_vitL\.pth is not in the cache, and the network is"):
        read("blip2:pretrain_vitL")
    with pytest.raises(UnknownModelError, match=r"neither in the local cache.*SIGHTLINE_OFFLINE is set"):
        read("Salesforce/blip2-opt-2.7b")
    assert web[1] == []


@pytest.mark.parametrize("name", ["lavis:blip2_opt:pretrain_opt2.8b", "lavis:sightline-tiny"])
def test_a_model_lavis_has_not_is_refused_with_the_nearest(name: str) -> None:
    with pytest.raises(CheckpointError, match="LAVIS has no model"):
        read(name)


@pytest.mark.parametrize("name", ["https://weights.test/model.pth", "models/tuned.pth", "model.safetensors"])
def test_a_file_alone_is_no_model(name: str) -> None:
    with pytest.raises(UnknownModelError, match=r"names a file of weights.* call weights\.read_lavis"):
        read(name)
