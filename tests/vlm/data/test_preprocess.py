"""Pixels are those of transformers' Pillow processors, whatever the image is like; training sees parts of it."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from transformers import BitImageProcessorPil, BlipImageProcessorPil, CLIPImageProcessorPil, SiglipImageProcessorPil
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

from sightline.vlm.data import preprocess
from sightline.vlm.data.augment import Augment
from sightline.vlm.data.images import ImageError, read
from sightline.vlm.data.preprocess import Preprocess

ONE_STEP = 1 / 255

PROCESSORS: dict[str, Any] = {
    "blip": BlipImageProcessorPil(size={"height": 48, "width": 48}),
    "clip": CLIPImageProcessorPil(size={"shortest_edge": 48}, crop_size={"height": 48, "width": 48}),
    "clip, odd crop": CLIPImageProcessorPil(size={"shortest_edge": 50}, crop_size={"height": 43, "width": 43}),
    "clip, crop beyond the image": CLIPImageProcessorPil(size={"shortest_edge": 30}, crop_size=45),
    "siglip": SiglipImageProcessorPil(size={"height": 40, "width": 40}),
    "vit": ViTImageProcessorPil(size={"height": 48, "width": 48}, do_convert_rgb=True),
    "dinov2": BitImageProcessorPil(size={"shortest_edge": 64}, crop_size={"height": 56, "width": 56}),
    "not normalised": BlipImageProcessorPil(size={"height": 20, "width": 20}, do_normalize=False, resample=1),
    "neither scaled": BlipImageProcessorPil(size={"height": 20, "width": 20}, do_rescale=False, do_normalize=False),
}


def noise(*shape: int, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).integers(0, 255, shape, dtype=np.uint8)


def palette() -> Image.Image:
    return Image.fromarray(noise(40, 60, 3)).quantize(16)


def turned() -> Image.Exif:
    tags = Image.Exif()
    tags[0x0112] = 6
    return tags


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def animation() -> bytes:
    frames = [Image.fromarray(noise(30, 40, 3, seed=seed)).quantize(32) for seed in range(3)]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])


ODD = {
    "plain": encoded(Image.fromarray(noise(70, 50, 3))),
    "gray": encoded(Image.fromarray(noise(33, 47))),
    "gray with alpha": encoded(Image.fromarray(noise(33, 47, 2))),
    "alpha": encoded(Image.fromarray(noise(60, 41, 4))),
    "cmyk": encoded(Image.frombytes("CMYK", (64, 45), noise(45, 64, 4).tobytes()), "JPEG"),
    "turned by exif": encoded(Image.fromarray(noise(36, 80, 3)), "JPEG", exif=turned()),
    "palette": encoded(palette()),
    "palette with a transparent colour": encoded(palette(), transparency=3),
    "black and white": encoded(Image.fromarray(noise(20, 70)).convert("1")),
    "one pixel high": encoded(Image.fromarray(noise(1, 90, 3))),
    "one pixel wide": encoded(Image.fromarray(noise(90, 1, 3))),
    "one pixel": encoded(Image.fromarray(noise(1, 1, 3))),
    "huge": encoded(Image.fromarray(np.kron(noise(40, 50, 3), np.ones((60, 60, 1), np.uint8)))),
    "animated": animation(),
}


def theirs(processor: Any, body: bytes) -> torch.Tensor:
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(body)))
    return processor(upright, return_tensors="pt")["pixel_values"].float()


@pytest.mark.parametrize("body", ODD.values(), ids=ODD.keys())
@pytest.mark.parametrize("processor", PROCESSORS.values(), ids=PROCESSORS.keys())
def test_the_pixels_of_an_odd_image_are_those_of_the_reference(processor: Any, body: bytes) -> None:
    ours = Preprocess.from_processor(processor.to_dict())([read(body)])
    expected = theirs(processor, body)
    assert ours.shape == expected.shape
    unit = max(processor.image_std) if processor.do_normalize else 1.0
    assert float((ours - expected).abs().max()) * unit <= ONE_STEP * (1 if processor.do_rescale else 255)
    torch.testing.assert_close(ours, expected, atol=1e-5, rtol=0)


def test_a_very_long_image_costs_no_more_than_its_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    prepare = Preprocess.from_processor(PROCESSORS["clip, odd crop"].to_dict())
    upright = Image.fromarray(noise(7, 400, 3))
    images = [upright, upright.transpose(Image.Transpose.ROTATE_90)]
    whole = prepare(images)
    monkeypatch.setattr(preprocess, "LONGEST_PX", 0)
    off_BCHW = (prepare(images) - whole).abs() * max(prepare.std)
    assert float(off_BCHW[0].max()) <= ONE_STEP
    assert float(off_BCHW[1].max()) <= 12 * ONE_STEP  # Pillow takes the axes of a tall picture in the other order
    assert prepare([Image.fromarray(np.zeros((1, 5_000_000, 3), np.uint8))]).shape == (1, 3, 43, 43)


def test_sixteen_bits_are_scaled_where_the_reference_clips_them() -> None:
    deep = Image.fromarray(noise(20, 20).astype(np.uint16) * 257)
    shallow = Image.fromarray(noise(20, 20))
    prepare = Preprocess.from_processor(PROCESSORS["blip"].to_dict())
    torch.testing.assert_close(prepare([read(encoded(deep))]), prepare([read(encoded(shallow))]), atol=1e-6, rtol=0)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "GIF"])
def test_a_truncated_file_of_any_format_is_an_error_that_names_it(tmp_path: Path, kind: str) -> None:
    body = encoded(Image.fromarray(noise(64, 64, 3)), kind)
    path = tmp_path / f"cut.{kind.lower()}"
    path.write_bytes(body[: len(body) * 2 // 3])
    with pytest.raises(ImageError, match=r"cut\.\w+ is"):
        read(path)


PLAIN = Preprocess(size=16, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))


def test_training_sees_boxes_of_the_allowed_areas_and_aspects() -> None:
    augment, rng = Augment(preprocess=PLAIN), np.random.default_rng(0)
    shares, aspects = [], []
    for _ in range(500):
        left, top, right, bottom = augment.box((80, 60), rng)
        assert 0 <= left < right <= 80
        assert 0 <= top < bottom <= 60
        shares.append((right - left) * (bottom - top) / 4800)
        aspects.append((right - left) / (bottom - top))
    assert 0.48 < min(shares) < 0.55
    assert 0.95 < max(shares) <= 1
    assert 0.74 < min(aspects) < 0.8
    assert 1.28 < max(aspects) < 1.36


def test_a_sliver_is_taken_from_its_middle() -> None:
    assert Augment(preprocess=PLAIN).box((300, 3), np.random.default_rng(0)) == (148, 0, 152, 3)


def test_half_of_the_pictures_are_mirrored_unless_words_forbid_it() -> None:
    ramp = Image.fromarray(np.tile(np.arange(64, dtype=np.uint8)[None, :, None] * 4, (64, 1, 3)))

    def rising(augment: Augment) -> float:
        pixels_BCHW = augment([ramp] * 200, np.random.default_rng(0))
        return float((pixels_BCHW[..., -1].mean((1, 2)) > pixels_BCHW[..., 0].mean((1, 2))).float().mean())

    assert 0.4 < rising(Augment(preprocess=PLAIN)) < 0.6
    assert rising(Augment(preprocess=PLAIN, mirror=False)) == 1


def test_the_same_seed_gives_the_same_pixels() -> None:
    image = Image.fromarray(noise(50, 70, 3))
    first, second = (Augment(preprocess=PLAIN)([image, image], np.random.default_rng(4)) for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(first[0], first[1])
