"""Config trees: stored as JSON, read back, rewritten, and refused with the nearest name."""

import json
from dataclasses import dataclass, replace

import pytest

from sightline.vlm.bridges import QFormerConfig
from sightline.vlm.config import Config, ConfigError, closest
from sightline.vlm.encoders import ConvViTConfig, EvaConfig
from sightline.vlm.language import CausalConfig
from sightline.vlm.model import Blip2Config


@dataclass(frozen=True, kw_only=True)
class Leaf(Config):
    size: int = 1

    def build(self) -> int:
        return self.size


@dataclass(frozen=True, kw_only=True)
class Branch(Config):
    leaves: tuple[Leaf, ...] = ()
    first: Config = Leaf()


def tree() -> Blip2Config:
    language = CausalConfig(architecture={"model_type": "opt", "rope": {"type": "linear"}, "ids": [1, 2]}, eos_ids=(3,))
    return Blip2Config(encoder=ConvViTConfig(stem=(8, 16)), bridge=QFormerConfig(patch_width=16), language=language)


def test_a_tree_survives_json() -> None:
    stored = json.loads(json.dumps(tree().to_dict()))
    assert Blip2Config.from_dict(stored) == tree()
    assert stored["encoder"]["type"] == "ConvViTConfig"


def test_a_foreign_config_inside_keeps_its_own_lists_and_types() -> None:
    language = Blip2Config.from_dict(json.loads(json.dumps(tree().to_dict()))).language
    assert isinstance(language, CausalConfig)
    assert language.architecture == {"model_type": "opt", "rope": {"type": "linear"}, "ids": [1, 2]}


def test_a_rewrite_changes_every_config_of_a_kind_and_nothing_else() -> None:
    branch = Branch(leaves=(Leaf(size=2), Leaf(size=3)), first=Branch(first=Leaf(size=4)))
    doubled = branch.rewrite(Leaf, lambda leaf: replace(leaf, size=2 * leaf.size))
    assert doubled == Branch(leaves=(Leaf(size=4), Leaf(size=6)), first=Branch(first=Leaf(size=8)))
    assert branch.leaves[0].size == 2


def test_a_rewrite_may_swap_one_kind_for_another() -> None:
    swapped = tree().rewrite(ConvViTConfig, lambda c: EvaConfig(width=c.width, heads=4))
    assert swapped.encoder == EvaConfig(width=16, heads=4)


def test_an_unknown_type_is_refused_with_the_nearest_name() -> None:
    stored = tree().to_dict() | {"type": "Blip3Config"}
    with pytest.raises(ConfigError, match=r"unknown config type 'Blip3Config': did you mean Blip2Config"):
        Config.from_dict(stored)


def test_an_unknown_field_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match=r"Leaf has no field 'sizes': did you mean size\?"):
        Config.from_dict({"type": "Leaf", "sizes": 3})


def test_a_missing_field_is_named() -> None:
    with pytest.raises(ConfigError, match="patch_width"):
        Config.from_dict({"type": "QFormerConfig", "width": 8})


def test_a_tree_of_another_kind_is_refused() -> None:
    with pytest.raises(ConfigError, match="this is a Leaf, a Blip2Config was expected"):
        Blip2Config.from_dict(Leaf().to_dict())


def test_the_nearest_names_are_offered_and_else_all() -> None:
    assert closest("sightline-tin", ["sightline-tiny", "other"]) == "did you mean sightline-tiny?"
    assert closest("zzz", ["b", "a"]) == "known are: a, b"
