"""The self-check of vision encoders: what a twin's shortened adapter gives beside the twin itself, whole.

Found out: which parts come after the layers (a final norm, heads) and are cut off, how many features stand in front of
the patches, whether a feature is where its patch is, and whether other sizes than its own can be seen.

Shapes: B images of C channels, P features of width D.
"""

import copy
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from sightline.vlm.config import SightlineVlmError, closest
from sightline.vlm.families import FamilyRefusedError, NotShrunkError, plain, proved, shrunk, twin

CLOSE = 1e-4
"""Largest difference between features that are the same, as a share of their standard deviation."""
SIDE, OTHER = 32, 48
"""Pixels on a side of a twin's pictures: its own size, and another one."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is true of a kind of vision model."""

    leading: int
    """Features in front of the patches."""
    cut: tuple[str, ...]
    """Children that come after the layers: norm, pooler, heads."""
    resizes: bool
    """Whether it sees pictures of another size than its own."""


class MisfitError(SightlineVlmError):
    """A check that does not pass; the message is the reason to refuse."""


def found(adapter: Any, config: Any, known: Iterable[str]) -> Facts:
    """The facts of a kind of vision model; raises `FamilyRefusedError` for one that gives no feature a patch."""
    small = shrunk(config.known().to_dict())
    values = proved("vision", small, lambda: _kept(adapter, config, small))
    if values.get("refused"):
        kind = config.architecture.get("model_type")
        why = values["refused"]
        raise FamilyRefusedError(
            why, f"no adapter for the vision model type {kind!r} ({why}): {closest(str(kind), known)}"
        )
    return Facts(leading=values["leading"], cut=tuple(values["cut"]), resizes=values["resizes"])


def _kept(adapter: Any, config: Any, small: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return asdict(prove(adapter, config, small))
    except FamilyRefusedError as problem:
        return {"refused": str(problem)}


def prove(adapter: Any, config: Any, small: Mapping[str, Any]) -> Facts:
    """The facts of a twin; raises `FamilyRefusedError` with the reason where a check does not pass."""
    from transformers import AutoModel  # late: importing transformers takes a second

    if absent := [name for name in ("num_hidden_layers", "hidden_size") if not isinstance(small.get(name), int)]:
        raise FamilyRefusedError(
            f"it is no one stack of layers of one width (its config has no {' and no '.join(absent)})"
        )
    with plain():
        try:
            model = twin(AutoModel, small)
        except NotShrunkError as problem:
            raise FamilyRefusedError(f"its self-check could not be made: {problem}") from problem
        try:
            return _Check(adapter, config, model).run()
        except MisfitError as problem:
            raise FamilyRefusedError(str(problem)) from problem
        except Exception as problem:  # whatever the family's own code raises is a reason not to call it so
            said = " ".join(str(problem).split())[:200]
            raise FamilyRefusedError(
                f"it does not see pictures by themselves ({type(problem).__name__}: {said})"
            ) from problem


class _Check:
    def __init__(self, adapter: Any, config: Any, model: Any) -> None:
        self.adapter, self.config, self.model = adapter, config, model
        self.path, self.layers = layers_of(model)

    def run(self) -> Facts:
        pixels_BCHW = torch.randn(2, getattr(self.model.config, "num_channels", 3), SIDE, SIDE)
        guess = Facts(leading=0, cut=(), resizes=True)
        wanted_BPD, cut = self._whole(self._adapter(guess), pixels_BCHW)
        places = self._adapter(guess).grid(SIDE, SIDE)
        leading = wanted_BPD.shape[1] - places.rows * places.cols
        if leading < 0:
            raise MisfitError(f"it gives {wanted_BPD.shape[1]} features for {places.rows}×{places.cols} patches")
        facts = Facts(leading=leading, cut=cut, resizes=True)
        encoder = self._adapter(facts)
        self._same(encoder, pixels_BCHW, wanted_BPD)
        self._placed(encoder, pixels_BCHW)
        return Facts(leading=leading, cut=cut, resizes=self._resizes(facts))

    def _adapter(self, facts: Facts) -> Any:
        return self.adapter(self.config, copy.deepcopy(self.model), facts).eval().requires_grad_(False)

    def _whole(self, encoder: Any, pixels_BCHW: Tensor) -> tuple[Tensor, tuple[str, ...]]:
        """Features of the layer that is kept last, by the whole twin, and its children that are called after it."""
        gave: list[Tensor] = []
        after: list[str] = []
        keeps = len(self.layers) - encoder.drop
        hooks = [self.layers[keeps - 1].register_forward_hook(lambda _m, _i, out: gave.append(_first(out)))]
        for name, child in self.model.named_children():
            if not self.path.startswith(name):
                hooks.append(
                    child.register_forward_pre_hook(lambda _m, _i, name=name: after.append(name) if gave else None)
                )
        try:
            self.model(**encoder.inputs(pixels_BCHW))
        finally:
            for hook in hooks:
                hook.remove()
        if not gave:
            raise MisfitError("its layers are not called")
        if gave[0].dim() == 4:  # by rows and columns (SAM)
            gave[0] = gave[0].flatten(1, 2)
        if gave[0].dim() != 3 or gave[0].shape[0] != len(pixels_BCHW):
            raise MisfitError(f"its layers give features of shape {list(gave[0].shape)}, not one vector a patch")
        return gave[0], tuple(dict.fromkeys(after))

    def _same(self, encoder: Any, pixels_BCHW: Tensor, wanted_BPD: Tensor) -> None:
        gave_BPD = encoder(pixels_BCHW)
        if not _same(gave_BPD, wanted_BPD):
            raise MisfitError("cut after its last layers, it gives other features than whole")
        if not _same(encoder(pixels_BCHW[:1]), wanted_BPD[:1]):
            raise MisfitError("pictures that are seen together change one another")
        if not _same(encoder.train()(pixels_BCHW), wanted_BPD):
            raise MisfitError("it gives other features while the bridge is trained")

    @staticmethod
    def _placed(encoder: Any, pixels_BCHW: Tensor) -> None:
        """Whether what changes most is the feature of the patch that was changed, mostly: attention blurs."""
        grid, side = encoder.grid(*pixels_BCHW.shape[2:]), encoder.patch_size
        before_PD = encoder(pixels_BCHW[:1])[0]
        places = [(row, col) for row in range(grid.rows) for col in range(grid.cols) if row != col]
        hits = 0
        for row, col in places:
            changed = pixels_BCHW[:1].clone()
            patch = changed[..., row * side : (row + 1) * side, col * side : (col + 1) * side]
            patch += torch.randn_like(patch)
            moved_P = (encoder(changed)[0] - before_PD).norm(dim=1)
            hits += int(moved_P[grid.leading :].argmax()) == row * grid.cols + col
        if hits < len(places) // 2:
            raise MisfitError("its features do not lie row by row as its patches do")

    def _resizes(self, facts: Facts) -> bool:
        """Whether a picture of another size is seen by as many features as it has patches, each in its place."""
        pixels_BCHW = torch.randn(1, getattr(self.model.config, "num_channels", 3), OTHER, OTHER)
        encoder = self._adapter(facts)
        try:
            wanted_BPD, _ = self._whole(encoder, pixels_BCHW)
            self._same(encoder, pixels_BCHW, wanted_BPD)
            self._placed(encoder, pixels_BCHW)
        except Exception:  # whatever it raises, it sees its own size only
            return False
        return True


def layers_of(model: Any) -> tuple[str, nn.ModuleList]:
    """A vision model's layers and where they are: the one list that is as long as its config says."""
    wanted = getattr(model.config, "num_hidden_layers", None)
    lists = [(path, each) for path, each in model.named_modules() if isinstance(each, nn.ModuleList)]
    found = [(path, layers) for path, layers in lists if len(layers) == wanted]
    if len(found) != 1:
        raise MisfitError("it has no one stack of layers that each give a feature a patch")
    return found[0]


def _first(out: Any) -> Tensor:
    return out if isinstance(out, Tensor) else out[0]


def _same(gave: Tensor, wanted: Tensor) -> bool:
    if gave.shape != wanted.shape or not bool(gave.isfinite().all()):
        return False
    return float((gave - wanted).abs().max()) <= CLOSE * float(wanted.std()) + 1e-6
