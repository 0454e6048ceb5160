"""Loading takes little more memory than the weights, in whatever precision they end up."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from sightline.vlm.bridges import QFormerConfig
from sightline.vlm.encoders import EvaConfig
from sightline.vlm.language import CausalConfig
from sightline.vlm.model import Blip2Config
from sightline.vlm.placement import Layout
from sightline.vlm.weights import Checkpoint, ImageFacts, Prompts, save_huggingface, save_lavis
from sightline.vlm.weights.fill import empty
from sightline.vlm.weights.shards import WINDOW, file_tensors, shards

LOAD = """
import json, re, sys, threading, time
from pathlib import Path
import torch
from transformers import DynamicCache, OPTForCausalLM
from sightline.vlm import weights
from sightline.vlm.config import Config

def resident():
    return int(re.search(r"VmRSS:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024

before, peak, done = resident(), 0, False

def watch():
    global peak
    while not done:
        peak = max(peak, resident())
        time.sleep(0.002)

thread = threading.Thread(target=watch)
thread.start()
model = weights.read(sys.argv[1], dtype=getattr(torch, sys.argv[2]), device=json.loads(sys.argv[3])).model
done = True
thread.join()
held = {id(each): each.nbytes for each in model.parameters()}
print((peak - before) / sum(held.values()))
"""


LOAD_LAVIS = LOAD.replace(
    "weights.read(sys.argv[1], dtype=getattr(torch, sys.argv[2]), device=json.loads(sys.argv[3]))",
    "weights.read_lavis(sys.argv[1], weights.Beside(language=language), dtype=getattr(torch, sys.argv[2]))",
).replace("before, peak", "language = Config.from_dict(json.loads(sys.argv[3]))\nbefore, peak", 1)


def large() -> Checkpoint:
    """A model of some 600 MB in bfloat16."""
    body = {"hidden_size": 1024, "word_embed_proj_dim": 1024, "ffn_dim": 4096, "num_attention_heads": 16}
    language = CausalConfig(
        architecture={"model_type": "opt", "vocab_size": 20000, "num_hidden_layers": 12, "eos_token_id": 3, **body}
    )
    bridge = QFormerConfig(patch_width=1408, layers=2)
    config = Blip2Config(encoder=EvaConfig(layers=4), bridge=bridge, language=language)
    model = empty(config, Layout.of(torch.bfloat16)).requires_grad_(False)
    for parameter in model.parameters():
        parameter.fill_(0.01)
    return Checkpoint(
        name="large",
        family="causal",
        config=config,
        model=model,
        image=ImageFacts(size=224),
        prompts=Prompts(),
        tokenizer=None,
        text_tokenizer=None,
    )


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from Linux' /proc")
@pytest.mark.parametrize("device", ["cpu", "auto", {"language": {"": "cpu", "model.decoder.layers.7": "cpu"}}])
@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_loading_peaks_at_little_more_than_the_weights(dtype: str, device: object, tmp_path: Path) -> None:
    save_huggingface(large(), tmp_path)
    command = [sys.executable, "-c", LOAD, tmp_path, dtype, json.dumps(device)]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    assert float(told.stdout) <= 1.15


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="as above")
@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_a_lavis_file_peaks_at_little_more_than_the_weights_too(dtype: str, tmp_path: Path) -> None:
    checkpoint = large()
    save_lavis(checkpoint, tmp_path / "large.pth")
    language = json.dumps(checkpoint.config.language.to_dict())  # type: ignore[union-attr]
    command = [sys.executable, "-c", LOAD_LAVIS, tmp_path / "large.pth", dtype, language]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    assert float(told.stdout) <= 1.15


def test_every_tensor_of_a_file_comes_once_however_often_it_is_opened(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    whole = {f"part.{at}": torch.full((WINDOW // 12 + at,), float(at)) for at in range(7)}
    save_file(whole, tmp_path / "model.safetensors")
    read = dict(file_tensors(shards(tmp_path)[0]))
    assert read.keys() == whole.keys()
    assert all(torch.equal(tensor, whole[name]) for name, tensor in read.items())
