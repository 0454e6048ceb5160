"""A user may type our name for a model, LAVIS' name, or its hub id."""

import pytest

from sightline.vlm.loaded import Loaded
from sightline.vlm.weights.catalog import CATALOG, FAMILIES, find


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
    for known in CATALOG.values():
        assert bool(known.shipped) != bool(known.hub_id or known.lavis)
    names = [name for known in CATALOG.values() for name in known.also] + list(CATALOG)
    assert len(names) == len(set(names))


LAVIS_TYPES = """
blip2:pretrain blip2:pretrain_vitL blip2:coco blip2_feature_extractor:pretrain blip2_feature_extractor:pretrain_vitL
blip2_feature_extractor:coco blip2_image_text_matching:pretrain blip2_image_text_matching:pretrain_vitL
blip2_image_text_matching:coco blip2_opt:pretrain_opt2.7b blip2_opt:pretrain_opt6.7b blip2_opt:caption_coco_opt2.7b
blip2_opt:caption_coco_opt6.7b blip2_t5:pretrain_flant5xl blip2_t5:pretrain_flant5xl_vitL blip2_t5:pretrain_flant5xxl
blip2_t5:caption_coco_flant5xl blip2_t5_instruct:flant5xl blip2_t5_instruct:flant5xxl blip2_vicuna_instruct:vicuna7b
blip2_vicuna_instruct:vicuna13b
""".split()


@pytest.mark.parametrize("name", LAVIS_TYPES)
def test_every_type_of_every_blip2_model_of_lavis_is_known(name: str) -> None:
    known = find(name)
    assert known is not None
    assert name.startswith(known.family) or known.family == "blip2"


def test_every_model_says_its_family_its_parts_and_what_it_can_do() -> None:
    for name, known in CATALOG.items():
        told = known.described(name)
        assert told["family"] in FAMILIES
        assert set(told["parts"]) == {"encoder", "bridge", "language"}
        methods = [ability for ability in told["can"] if ability != "looked"]
        assert all(callable(getattr(Loaded, method)) for method in methods)
        assert (told["parts"]["language"] is None) == (known.family == "blip2")
