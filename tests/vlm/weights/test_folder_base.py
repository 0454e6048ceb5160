"""A folder of trained tensors only stands on a base from another layout."""

from pathlib import Path

import torch
from lavis_weights import made
from random_models import opt

from sightline.vlm.weights import read, save_folder, save_huggingface


def test_what_was_trained_on_a_hugging_face_base_is_read_again(tmp_path: Path) -> None:
    save_huggingface(made(opt(29), text=False), tmp_path / "base")
    checkpoint = read(tmp_path / "base")
    with torch.no_grad():
        checkpoint.model.bridge.query_tokens.add_(1.0)  # type: ignore[operator,union-attr]
    save_folder(checkpoint, tmp_path / "mine", trained=("bridge",), base=str(tmp_path / "base"))
    again = read(tmp_path / "mine")
    assert torch.equal(again.model.bridge.query_tokens, checkpoint.model.bridge.query_tokens)  # type: ignore[arg-type]
    assert torch.equal(again.model.project.weight, checkpoint.model.project.weight)  # type: ignore[union-attr]
