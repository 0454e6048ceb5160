"""Weights that a family keeps in float32 whatever the rest is in, as transformers does when it loads it.

T5's `wo` overflows in float16, which is why transformers keeps it wide (transformers #20683).
"""

import re
from collections.abc import Iterable
from typing import Any

import torch


def keep_wide(model: Any) -> Any:
    """The same model, with what it keeps in float32 in float32."""
    dtype = torch.get_default_dtype()
    names: set[str] = set()
    if dtype in (torch.float16, torch.bfloat16):
        names |= set(_named(model, "_keep_in_fp32_modules_strict"))
    if dtype == torch.float16:
        names |= set(_named(model, "_keep_in_fp32_modules"))
    if not names:
        return model
    kept = re.compile(rf"(^|\.)({'|'.join(map(re.escape, sorted(names)))})(\.|$)")
    for name, parameter in model.named_parameters():
        if kept.search(name):
            parameter.data = parameter.data.float()
    return model


def _named(model: Any, attribute: str) -> Iterable[str]:
    for part in model.modules():
        yield from getattr(part, attribute, None) or ()
