"""A user may type our name for a model, LAVIS' name, or its hub id."""

import pytest

from sightline.vlm.weights.catalog import CATALOG, find


@pytest.mark.parametrize(
    "name", ["blip2-opt-2.7b-coco", "blip2_opt:caption_coco_opt2.7b", "Salesforce/blip2-opt-2.7b-coco"]
)
def test_a_model_is_found_under_each_of_its_names(name: str) -> None:
    known = find(name)
    assert known is CATALOG["blip2-opt-2.7b-coco"]
    assert known.caption_prompt == "a photo of"


def test_an_unknown_name_is_not_found() -> None:
    assert find("blip3") is None


def test_every_model_comes_from_exactly_one_place_under_names_of_its_own() -> None:
    assert all((known.hub_id is None) != (known.shipped is None) for known in CATALOG.values())
    names = [name for known in CATALOG.values() for name in known.also] + list(CATALOG)
    assert len(names) == len(set(names))
