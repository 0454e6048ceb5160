"""A checkpoint of the shape of blip2-opt-2.7b, random bfloat16 weights in Hugging Face shards: loaded, one caption.

    python -m benchmarks.fullsize [--folder DIR] [--peer]

The checkpoint (7.5 GB) is written shard by shard, into a temporary folder unless one is named. Loading and captioning
run in a process of their own, whose peak of resident memory is read from the kernel; with `--peer` transformers loads
and captions the same files afterwards, in a process of its own too. Exit code 1 when the peak of loading exceeds 1.15
times the weights.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch import Tensor
from transformers import Blip2Config, Blip2ForConditionalGeneration

from benchmarks.machine import header, save

SHARD_BYTES = 2 * 2**30
MOST = 1.15
IMAGE_TOKEN, VOCABULARY, BOS, PAD, EOS = 50265, 50304, 2, 1, 50118
NEW_TOKENS = 10


def config() -> Blip2Config:
    """ViT-g, 32 queries, OPT-2.7b, as in Salesforce/blip2-opt-2.7b."""
    language = {
        "model_type": "opt",
        "hidden_size": 2560,
        "word_embed_proj_dim": 2560,
        "ffn_dim": 10240,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "vocab_size": VOCABULARY,
        "bos_token_id": BOS,
        "pad_token_id": PAD,
        "eos_token_id": EOS,
    }
    return Blip2Config(text_config=language, num_query_tokens=32, image_token_index=IMAGE_TOKEN)


def write(folder: Path) -> int:
    """The checkpoint's files; bytes of the weights."""
    with torch.device("meta"):
        shapes = {name: tensor.shape for name, tensor in Blip2ForConditionalGeneration(config()).state_dict().items()}
    shapes.pop("language_model.lm_head.weight")  # tied to the embeddings
    generator = torch.Generator().manual_seed(0)
    index: dict[str, str] = {}
    total = 0
    for number, names in enumerate(_groups(shapes), 1):
        shard = {name: torch.empty(shapes[name], dtype=torch.bfloat16) for name in names}
        for name, tensor in shard.items():
            _fill(name, tensor, generator)
        file = f"model-{number:05}.safetensors"
        save_file(shard, folder / file, {"format": "pt"})
        index |= dict.fromkeys(names, file)
        total += sum(tensor.nbytes for tensor in shard.values())
    body = {"metadata": {"total_size": total}, "weight_map": index}
    (folder / "model.safetensors.index.json").write_text(json.dumps(body))
    whole = config()
    whole.architectures = ["Blip2ForConditionalGeneration"]
    whole.save_pretrained(folder)
    backend = Tokenizer(models.WordLevel({f"w{at}": at for at in range(IMAGE_TOKEN)}, unk_token="w3"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.post_processor = processors.TemplateProcessing(single=f"w{BOS} $A", special_tokens=[(f"w{BOS}", BOS)])
    backend.save(str(folder / "tokenizer.json"))
    image = {"size": {"height": 224, "width": 224}, "image_mean": [0.48] * 3, "image_std": [0.27] * 3}
    (folder / "preprocessor_config.json").write_text(
        json.dumps({"image_processor_type": "BlipImageProcessor", **image})
    )
    return total


def _groups(shapes: dict[str, torch.Size]) -> Iterator[list[str]]:
    names: list[str] = []
    size = 0
    for name, shape in shapes.items():
        names.append(name)
        size += 2 * shape.numel()
        if size >= SHARD_BYTES:
            yield names
            names, size = [], 0
    if names:
        yield names


def _fill(name: str, tensor: Tensor, generator: torch.Generator) -> None:
    """Weights at which numbers stay tame through all layers."""
    if tensor.dim() > 1:
        tensor.normal_(std=0.02, generator=generator)
    else:
        tensor.fill_(1.0 if "norm" in name.lower() and name.endswith("weight") else 0.0)


def peak_bytes() -> int:
    """Most resident memory this program ever had (`ru_maxrss` would count its parent's too)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def ours(folder: Path) -> dict[str, Any]:
    """Loads and captions with Sightline; printed by the child process."""
    from sightline.vlm import load

    before = peak_bytes()
    begun = time.perf_counter()
    model = load(folder, dtype=torch.bfloat16)
    loaded_s, loaded = time.perf_counter() - begun, peak_bytes()
    begun = time.perf_counter()
    picture = torch.zeros(1, 3, 224, 224)
    answer = model.caption(picture, "", num_beams=1, min_new_tokens=NEW_TOKENS, max_new_tokens=NEW_TOKENS)[0]
    return _told(before, loaded, loaded_s, time.perf_counter() - begun, len(answer.tokens))


def theirs(folder: Path) -> dict[str, Any]:
    """The same with transformers."""
    before = peak_bytes()
    begun = time.perf_counter()
    model = Blip2ForConditionalGeneration.from_pretrained(folder, dtype=torch.bfloat16).eval()
    loaded_s, loaded = time.perf_counter() - begun, peak_bytes()
    begun = time.perf_counter()
    tokens = torch.tensor([[IMAGE_TOKEN] * 32 + [BOS]])
    with torch.no_grad():
        written = model.generate(
            pixel_values=torch.zeros(1, 3, 224, 224, dtype=torch.bfloat16),
            input_ids=tokens,
            attention_mask=torch.ones_like(tokens),
            min_new_tokens=NEW_TOKENS,
            max_new_tokens=NEW_TOKENS,
            do_sample=False,
        )
    return _told(before, loaded, loaded_s, time.perf_counter() - begun, written.shape[1] - tokens.shape[1])


def _told(before: int, loaded: int, loaded_s: float, caption_s: float, tokens: int) -> dict[str, Any]:
    return {
        "before_bytes": before,
        "peak_loading_bytes": loaded,
        "peak_bytes": peak_bytes(),
        "load_s": round(loaded_s, 1),
        "caption_s": round(caption_s, 1),
        "new_tokens": tokens,
    }


def measured(side: str, folder: Path) -> dict[str, Any]:
    """What a process of its own measured."""
    command = [sys.executable, "-m", "benchmarks.fullsize", "--folder", str(folder), "--side", side]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ})
    if done.returncode:
        raise SystemExit(f"{side}: {done.stderr[-2000:]}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--peer", action="store_true")
    parser.add_argument("--side", choices=("ours", "theirs"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.side:
        print(json.dumps((ours if given.side == "ours" else theirs)(given.folder)))
        return
    with tempfile.TemporaryDirectory(prefix="fullsize-") as temporary:
        folder = given.folder or Path(temporary)
        weights = write(folder)
        sides = {side: measured(side, folder) for side in (("ours", "theirs") if given.peer else ("ours",))}
    ratio = sides["ours"]["peak_loading_bytes"] / weights
    result = {"weights_bytes": weights, "peak_loading_over_weights": round(ratio, 3), "most": MOST, **sides}
    path = save("fullsize", {**header("torch", "transformers", dtype="bfloat16"), **result})
    print(json.dumps(result, indent=1))
    print(f"written to {path}", file=sys.stderr)
    sys.exit(ratio > MOST)


if __name__ == "__main__":
    main()
