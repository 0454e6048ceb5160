"""The loop: schedules in steps, decay where it belongs, and a run that goes on where it was cut."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from sightline.vlm.config import ConfigError
from sightline.vlm.training import AdamWConfig, Run, WarmCosine, fit


class Line(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fit = nn.Linear(3, 1)
        self.frozen = nn.Linear(3, 1).requires_grad_(False)


class LineStage:
    """Learns y = x·(1, 2, 3) from batches drawn by step."""

    def __init__(self, stop_at: int | None = None) -> None:
        torch.manual_seed(4)
        self.line = Line()
        self.stop_at = stop_at

    @property
    def trained(self) -> nn.Module:
        return self.line

    def losses(self, step: int) -> dict[str, Tensor]:
        if step == self.stop_at:
            raise KeyboardInterrupt
        x = torch.randn(16, 3, generator=torch.Generator().manual_seed(step))
        return {"square": (self.line.fit(x)[:, 0] - x @ torch.tensor([1.0, 2.0, 3.0])).square().mean()}


@pytest.fixture
def run() -> Run:
    schedule = WarmCosine(peak=0.1, steps=60, warmup_steps=10)
    return Run(name="line", schedule=schedule, watch_every=20, save_every=20)


def test_the_rate_rises_then_falls_to_the_floor():
    schedule = WarmCosine(peak=1.0, steps=100, warmup_steps=10, floor=0.1)
    rates = [schedule.rate(step) for step in range(100)]
    assert rates[:10] == pytest.approx([0.1 * (step + 1) for step in range(10)])
    assert rates[10] == pytest.approx(1.0)
    assert all(one > other for one, other in pairwise(rates[10:]))
    assert rates[-1] == pytest.approx(0.1, abs=1e-3)


def test_a_warm_up_longer_than_the_run_is_refused():
    with pytest.raises(ConfigError, match="warm-up of 10 steps in a run of 5"):
        WarmCosine(peak=1.0, steps=5, warmup_steps=10)


def test_only_matrices_decay_and_frozen_parts_are_left_out():
    line = Line()
    decayed, plain = AdamWConfig(weight_decay=0.3).build_for(line).param_groups
    assert [id(each) for each in decayed["params"]] == [id(line.fit.weight)]
    assert [id(each) for each in plain["params"]] == [id(line.fit.bias)]
    assert (decayed["weight_decay"], plain["weight_decay"]) == (0.3, 0.0)


def test_nothing_to_train_is_an_error():
    with pytest.raises(ConfigError, match="every parameter is frozen"):
        AdamWConfig().build_for(nn.Linear(2, 2).requires_grad_(False))


def test_training_lowers_the_loss_and_logs_what_was_watched(run):
    stage = LineStage()
    frozen = stage.line.frozen.weight.clone()
    log = fit(stage, run, watch=lambda done: {"watched": float(done)})
    assert [row["step"] for row in log] == [20, 40, 60]
    assert [row["watched"] for row in log] == [20.0, 40.0, 60.0]
    assert log[-1]["square"] < 0.5 * log[0]["square"]
    assert torch.equal(stage.line.frozen.weight, frozen)


def test_a_run_that_was_cut_ends_as_if_it_was_not(run, tmp_path):
    whole, cut, resumed = LineStage(), LineStage(stop_at=45), LineStage()
    fit(whole, run)
    with pytest.raises(KeyboardInterrupt):
        fit(cut, run, tmp_path)
    log = fit(resumed, run, tmp_path)
    assert [row["step"] for row in log] == [60]
    assert torch.equal(whole.line.fit.weight, resumed.line.fit.weight)


def test_a_finished_run_is_not_run_again(run, tmp_path):
    fit(LineStage(), run, tmp_path)
    again = LineStage(stop_at=0)
    assert fit(again, run, tmp_path) == []


def test_snapshots_hold_no_frozen_weights(run, tmp_path):
    fit(LineStage(), run, tmp_path)
    kept = load_file(tmp_path / "line.state.safetensors")
    assert {name for name in kept if name.startswith("weight.")} == {"weight.fit.weight", "weight.fit.bias"}


def test_long_gradients_are_clipped(run):
    stage = LineStage()
    before = stage.line.fit.weight.clone()
    short = replace(run, schedule=replace(run.schedule, steps=1, warmup_steps=0))
    fit(stage, replace(short, optimiser=AdamWConfig(clip_norm=1e-12)))
    assert (stage.line.fit.weight - before).abs().max() < 0.05  # an unclipped first step moves by the whole rate
