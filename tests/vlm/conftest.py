"""Every test of the model half draws the same random numbers, whatever ran before it."""

import pytest
import torch


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)
