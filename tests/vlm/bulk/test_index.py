"""A search index finds what the model itself would find, survives any interruption, and grows."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from random_models import checkpoint, opt

from sightline.vlm.bulk import IndexProblem, create_index, gather, open_index
from sightline.vlm.bulk import index as index_module
from sightline.vlm.loaded import InputError, Loaded

IMAGES = 9


@pytest.fixture(scope="module")
def model() -> Loaded:
    """Weights large enough that images differ by more than half precision hides."""
    large = checkpoint(None, seed=3)
    for name, parameter in large.model.named_parameters():
        if parameter.dim() > 1 and "norm" not in name:
            torch.nn.init.normal_(parameter, std=0.3)
    return Loaded(large)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    for seed in range(IMAGES):
        pixels = np.random.default_rng(seed).integers(0, 255, (2, 2, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((32, 32), Image.Resampling.NEAREST).save(folder / f"{seed}.png")
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_text_finds_the_images_by_the_cosine_of_the_model(model: Loaded, folder: Path, tmp_path: Path) -> None:
    index = create_index(model, tmp_path / "index")
    index.add(gather(folder), batch=4)
    paths = [str(folder / f"{at}.png") for at in range(IMAGES)]
    itc_N = model.match(paths, "a red one").itc[:, 0]
    hits = open_index(tmp_path / "index", model).search("a red one", top=4)
    assert [hit.name for hit in hits] == [paths[at] for at in itc_N.topk(4).indices]
    assert [hit.score for hit in hits] == pytest.approx(itc_N.topk(4).values.tolist(), abs=1e-3)


def test_an_image_finds_itself_first(model: Loaded, folder: Path, tmp_path: Path) -> None:
    index = create_index(model, tmp_path / "index")
    index.add(gather(folder))
    hits = index.similar(folder / "5.png", top=IMAGES + 5)
    assert len(hits) == IMAGES
    assert hits[0].name == str(folder / "5.png")
    assert hits[0].score == pytest.approx(1, abs=1e-3)
    assert hits[1].score < hits[0].score


def test_the_best_can_be_ordered_by_the_probability_of_a_match(model: Loaded, folder: Path, tmp_path: Path) -> None:
    index = create_index(model, tmp_path / "index")
    index.add(gather(folder))
    hits = index.search("a red one", top=3, rerank=5)
    five = [hit.name for hit in index.search("a red one", top=5)]
    itm_N = model.match(five, "a red one").itm[:, 0]
    assert [hit.name for hit in hits] == [five[at] for at in itm_N.topk(3).indices]
    assert [hit.itm for hit in hits] == pytest.approx(itm_N.topk(3).values.tolist(), abs=1e-4)


@pytest.mark.parametrize("crash", ["none", "between vectors and lines", "in a line", "in a vector"])
def test_an_interrupted_indexing_goes_on_and_ends_as_if_nothing_had_happened(
    model: Loaded, folder: Path, tmp_path: Path, crash: str
) -> None:
    whole = create_index(model, tmp_path / "whole")
    whole.add(gather(folder), batch=4)

    def interrupt(_what: str, done: int, _total: int) -> None:
        if done == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        create_index(model, tmp_path / "cut").add(gather(folder), batch=4, progress=interrupt)
    vectors, items = tmp_path / "cut" / "vectors.f16", tmp_path / "cut" / "items.jsonl"
    if crash == "between vectors and lines":
        items.write_bytes(b"".join(items.read_bytes().splitlines(keepends=True)[:4]))
    elif crash == "in a line":
        items.write_bytes(items.read_bytes()[:-5])
    elif crash == "in a vector":
        vectors.write_bytes(vectors.read_bytes()[:-3])
    cut = create_index(model, tmp_path / "cut")
    before = {"none": 8, "between vectors and lines": 4, "in a line": 7, "in a vector": 7}[crash]
    assert cut.add(gather(folder), batch=4).resumed == before
    assert files(tmp_path / "cut")["items.jsonl"] == files(tmp_path / "whole")["items.jsonl"]
    stored = [np.frombuffer(files(tmp_path / name)["vectors.f16"], np.float16) for name in ("cut", "whole")]
    np.testing.assert_allclose(*stored, atol=1e-3)


def test_an_index_grows_by_what_is_new_and_names_what_is_broken(model: Loaded, folder: Path, tmp_path: Path) -> None:
    index = create_index(model, tmp_path / "index")
    index.add(gather(folder / "0.png", folder / "1.png"))
    (tmp_path / "broken.png").write_bytes(b"half a pic")
    done = create_index(model, tmp_path / "index").add(gather(folder, tmp_path / "broken.png"))
    assert (done.total, done.resumed, list(done.failures)) == (IMAGES + 1, 2, [str(tmp_path / "broken.png")])
    assert len(open_index(tmp_path / "index", model)) == IMAGES
    assert create_index(model, tmp_path / "empty").search("a red one") == []


def test_an_index_of_other_weights_is_refused(model: Loaded, folder: Path, tmp_path: Path) -> None:
    create_index(model, tmp_path / "index").add(gather(folder))
    other = Loaded(checkpoint(None, seed=4))
    with pytest.raises(IndexProblem, match="whose weights are not those of"):
        open_index(tmp_path / "index", other)
    with pytest.raises(IndexProblem, match="holds no index: make one with"):
        open_index(tmp_path, model)


def test_a_model_without_a_shared_space_cannot_make_an_index(tmp_path: Path) -> None:
    plain = checkpoint(opt())
    plain.text_tokenizer = None
    with pytest.raises(InputError, match="load a retrieval checkpoint"):
        create_index(Loaded(plain), tmp_path / "index")
    assert not (tmp_path / "index").exists()


def test_half_precision_keeps_the_order_of_clear_differences(model: Loaded, folder: Path, tmp_path: Path) -> None:
    index = create_index(model, tmp_path / "index")
    index.add(gather(folder))
    projected = model.embed([folder / f"{at}.png" for at in range(IMAGES)]).projected
    assert projected is not None
    words = model.embed(texts="a blue two", mode="text").projected
    assert words is not None
    exact = torch.einsum("nqk,k->nq", projected, words[0]).amax(1)
    scores = {hit.name: hit.score for hit in index.search("a blue two", top=IMAGES)}
    for at in range(IMAGES):
        assert scores[str(folder / f"{at}.png")] == pytest.approx(float(exact[at]), abs=1e-3)


def test_a_large_index_is_searched_block_by_block_with_the_same_result(
    model: Loaded, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = create_index(model, tmp_path / "index")
    index.add(gather(folder))
    kept = [hit.name for hit in index.search("a red one", top=IMAGES)]
    assert index.kept is not None
    monkeypatch.setattr(index_module, "VALUES_KEPT", 0)
    monkeypatch.setattr(index_module, "VALUES_AT_ONCE", 2 * 4 * 16)  # two images at a time
    large = open_index(tmp_path / "index", model)
    assert [hit.name for hit in large.search("a red one", top=IMAGES)] == kept
    assert large.kept is None
