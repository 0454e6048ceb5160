"""An image is read from anywhere, or refused in one sentence that names it."""

import base64
import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from sightline.vlm.data import ranges
from sightline.vlm.data.images import ImageError, ImageTooLargeError, read
from sightline.vlm.data.preprocess import Preprocess

RED = Image.new("RGB", (8, 6), (255, 0, 0))


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A valid PNG of one colour that declares width × height pixels, in a few kilobytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def mean(image: Image.Image) -> list[float]:
    return [round(float(each)) for each in np.asarray(image).mean((0, 1))]


@contextmanager
def served(body: bytes, status: int = 200) -> Iterator[str]:
    """A URL on loopback that answers with `body`."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/image"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_same_picture_comes_from_every_kind_of_source(tmp_path: Path) -> None:
    RED.save(tmp_path / "red.png")
    body = encoded(RED)
    sources = [
        tmp_path / "red.png",
        str(tmp_path / "red.png"),
        body,
        f"data:image/png;base64,{base64.b64encode(body).decode()}",
        RED,
        np.asarray(RED),
        np.asarray(RED) / 255,
        np.asarray(RED).astype(np.uint16) * 257,
        np.asarray(RED).astype(np.int64),
    ]
    with served(body) as url:
        pictures = [read(source) for source in [*sources, url]]
    for picture in pictures:
        assert (picture.mode, picture.size, mean(picture)) == ("RGB", (8, 6), [255, 0, 0])


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_every_format_is_read(kind: str) -> None:
    assert read(encoded(Image.new("RGB", (9, 9), (0, 0, 255)), kind)).size == (9, 9)


def test_a_rotated_photograph_stands_upright() -> None:
    tags = Image.Exif()
    tags[0x0112] = 6  # turned by 90 degrees
    assert read(encoded(RED, "JPEG", exif=tags)).size == (6, 8)


def test_transparency_is_laid_over_white() -> None:
    assert mean(read(encoded(Image.new("RGBA", (4, 4), (255, 0, 0, 0))))) == [255, 255, 255]
    assert mean(read(encoded(Image.new("LA", (4, 4), (0, 128))))) == [127, 127, 127]
    palette = Image.new("P", (4, 4), 0)
    palette.putpalette([10, 20, 30])
    assert mean(read(encoded(palette))) == [10, 20, 30]
    assert mean(read(encoded(palette, transparency=0))) == [255, 255, 255]


def test_cmyk_and_deep_images_become_eight_bit_rgb() -> None:
    assert mean(read(encoded(Image.new("CMYK", (4, 4), (0, 0, 0, 255)), "JPEG"))) == [0, 0, 0]
    deep = Image.fromarray(np.full((4, 4), 32896, dtype=np.uint16))
    assert mean(read(encoded(deep))) == [128, 128, 128]
    assert mean(read(Image.fromarray(np.full((4, 4), 0.5, dtype=np.float32)))) == [128, 128, 128]


def test_an_animation_gives_its_first_frame() -> None:
    frames = [Image.new("RGB", (5, 5), colour) for colour in ((0, 255, 0), (0, 0, 255))]
    body = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert mean(read(body)) == [0, 255, 0]


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(bomb(10_000, 10_000))
    assert path.stat().st_size < 1_000
    with pytest.raises(ImageTooLargeError, match=r"bomb\.png has 10000 × 10000 = 100 megapixels, the limit is 40"):
        read(path)
    with pytest.raises(ImageTooLargeError, match="too large"):
        read(bomb(60_000, 60_000))
    with pytest.raises(ImageTooLargeError, match="49 megapixels"):
        read(np.zeros((7000, 7000), dtype=np.uint8))


def test_a_truncated_file_is_refused_by_name(tmp_path: Path) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8))
    for kind in ("PNG", "JPEG", "WEBP"):
        path = tmp_path / f"half.{kind.lower()}"
        body = encoded(noise, kind)
        path.write_bytes(body[: len(body) // 2])
        with pytest.raises(ImageError, match=f"half.{kind.lower()} is"):
            read(path)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (b"not an image", "is not a PNG, JPEG"),
        (b"", "is not a PNG, JPEG"),
        ("/no/such/file.png", r"cannot read image /no/such/file\.png: No such file"),
        ("/", "cannot read image /"),
        ("data:image/png;base64,@@@", "not valid base64"),
        ("data:image/png", "has the form"),
        (np.zeros((2, 3, 5)), r"shape \[2, 3, 5\] is not an image"),
        (np.full((4, 4, 3), 300), "from 300 to 300 is not an image"),
        (np.full((4, 4, 3), np.nan), "from nan to nan is not an image"),
        (torch.zeros(3, 4, 4), "a tensor is taken as ready pixels"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_what_is_no_image_is_refused_in_words(source: Any, words: str) -> None:
    with pytest.raises(ImageError, match=words):
        read(source)


def test_a_url_that_fails_says_so() -> None:
    with served(b"gone", status=404) as url, pytest.raises(ImageError, match=f"cannot fetch image {url}"):
        read(url)
    with served(b"<html>") as url, pytest.raises(ImageError, match=f"{url} is not a PNG"):
        read(url)


def test_pixels_are_squashed_scaled_and_normalised() -> None:
    prepare = Preprocess(size=4, mean=(0.5, 0.5, 0.5), std=(0.5, 0.25, 1.0))
    pixels = prepare([RED, Image.new("RGB", (3, 9), (0, 255, 0))])
    assert pixels.shape == (2, 3, 4, 4)
    torch.testing.assert_close(pixels[0].mean((1, 2)), torch.tensor([1.0, -2.0, -0.5]))
    torch.testing.assert_close(pixels[1].mean((1, 2)), torch.tensor([-1.0, 2.0, -0.5]))


def test_pixels_agree_with_the_image_processor_of_transformers() -> None:
    from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil

    image = Image.fromarray(np.random.default_rng(1).integers(0, 255, (50, 70, 3), dtype=np.uint8))
    theirs = BlipImageProcessorPil(size={"height": 24, "width": 24})(image, return_tensors="pt")["pixel_values"]
    from sightline.vlm.encoders.pixels import CLIP_MEAN, CLIP_STD

    ours = Preprocess(size=24, mean=CLIP_MEAN, std=CLIP_STD)([image])
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    "source", [None, 5, ["a.png"], (each for each in "ab")], ids=["none", "int", "list", "generator"]
)
def test_what_is_no_image_is_refused_with_what_is(source: Any) -> None:
    with pytest.raises(ImageError, match=r"is not an image: expected a path, an http\(s\) URL, a data URI, the bytes"):
        read(source)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_picture_without_a_finite_number_is_refused(value: float) -> None:
    with pytest.raises(ImageError, match="holds no number that is finite"):
        read(Image.fromarray(np.full((4, 4), value, dtype=np.float32)))


def test_an_unusual_range_is_said_once_however_many_pictures_have_it(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(ranges, "_SAID", set())
    for name in ("a.png", "b.png", "c.png"):
        Image.fromarray(np.full((4, 4), 4095, dtype=np.uint16)).save(tmp_path / name)
        assert mean(read(tmp_path / name)) == [255, 255, 255]
    assert [record.getMessage().partition(" needs ")[2] for record in caplog.records] == [
        "12 of its 16 bits: only these are scaled to 8"
    ]
