#!/usr/bin/env bash
# transformers 5.23.0: a CTRL model changes the embeddings that its caller passes. `forward(inputs_embeds=...)` scales
# the tensor in place, so a second call with the same tensor answers something else, and the caller's prefix is spoilt.
# Expected: as in other families, the tensor is as it was and both calls agree.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 transformers==5.23.0 2>/dev/null
cat >"$folder/program.py" <<'PROGRAM'
import sys

import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM

print("transformers", transformers.__version__, "torch", torch.__version__)
SIZES = {
    "ctrl": {"vocab_size": 64, "n_embd": 32, "n_layer": 2, "n_head": 2, "dff": 64, "n_positions": 32},
    "gpt2": {"vocab_size": 64, "n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 32},
}
changed = {}
for kind, sizes in SIZES.items():
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **sizes)).eval()
    given = torch.randn(1, 5, 32)
    before = given.clone()
    with torch.no_grad():
        first = model(inputs_embeds=given).logits
        second = model(inputs_embeds=given).logits
    changed[kind] = not torch.equal(given, before)
    largest = (first - second).abs().max().item()
    print(f"{kind}: caller's tensor {'changed' if changed[kind] else 'kept'}, two calls differ by {largest:.4f}")
sys.exit(0 if changed == {"ctrl": True, "gpt2": False} else 1)
PROGRAM
HF_HUB_OFFLINE=1 "$folder/env/bin/python" "$folder/program.py"
