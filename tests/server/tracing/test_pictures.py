"""Pictures are decoded elsewhere: the same picture in strips, and a process that is bounded and gone afterwards."""

import asyncio
import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest
from PIL import Image, ImageChops

from server.tracing.making import HERE
from server.tracing.test_media_files import announced, picture
from sightline.server.runtime.errors import TooLarge, Unprocessable
from sightline.server.tracing.actions import Tracing
from sightline.server.tracing.pictures import process
from sightline.server.tracing.pictures.process import Worker
from sightline.server.tracing.pictures.strips import reduced_png


def gradient(width: int, height: int, mode: str = "RGB") -> Image.Image:
    grey = Image.linear_gradient("L").resize((width, height))
    turned = grey.transpose(Image.Transpose.FLIP_LEFT_RIGHT).rotate(180)
    if mode == "P":
        return gradient(width, height).quantize(64)
    bands = {"L": (grey,), "LA": (grey, turned), "RGB": (grey, turned, grey), "RGBA": (grey, turned, grey, turned)}
    return Image.merge(mode, bands[mode])


@contextmanager
def png(image: Image.Image, **more: object) -> Iterator[IO[bytes]]:
    with tempfile.TemporaryFile() as file:
        image.save(file, "PNG", **more)
        file.flush()
        yield file


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGB", "RGBA"])
@pytest.mark.parametrize("size", [(2_111, 1_003), (1_003, 2_111), (90_000, 23)])
def test_a_png_in_strips_is_the_png_decoded_whole(mode: str, size: tuple[int, int]):
    image = gradient(*size, mode)
    with png(image) as file:
        strips = reduced_png(file, 96, "RGBA")
    whole = image.convert("RGBA").reduce(max(1, max(size) // 384))
    assert strips.size == whole.size
    assert ImageChops.difference(strips, whole).getbbox() is None


def test_what_cannot_be_cut_is_left_to_be_decoded_whole():
    for image in (gradient(300, 200), gradient(2_111, 1_003).convert("1")):
        with png(image) as file:
            assert reduced_png(file, 96, "RGB") is None
    assert reduced_png(io.BytesIO(b"no picture"), 96, "RGB") is None


def peak_mb(pid: int) -> int:
    """Of a process; 0 of one that has ended."""
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) // 1024 for line in status if line.startswith("VmHWM")), 0)


async def test_a_picture_of_39_megapixels_takes_little_memory_and_its_process_is_gone():
    worker = Worker()
    with png(Image.new("RGB", (200, 100))) as small:
        await worker.asked(small, 96)
    pid = worker._running.pid
    with png(gradient(7_000, 5_571)) as large:
        asked = asyncio.create_task(worker.asked(large, 96))
        peak = 0
        while not asked.done():
            peak = max(peak, peak_mb(pid))
            await asyncio.sleep(0.02)
        assert Image.open(io.BytesIO(await asked)).width == 96
    assert 0 < peak < 120
    async with asyncio.timeout(10):
        while peak_mb(pid):  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.02)
    worker.close()


async def test_what_takes_too_long_or_too_much_is_no_preview_and_the_next_one_is():
    slow = Worker(longest_s=0.001)
    with png(gradient(3_000, 2_000)) as file, pytest.raises(Unprocessable, match="no preview: decoding takes over"):
        await slow.asked(file, 96)
    worker = Worker()
    with tempfile.TemporaryFile() as file:
        gradient(7_000, 5_571).save(file, "WEBP", quality=1, method=0)
        file.flush()
        with pytest.raises(TooLarge, match="too much memory"):
            await worker.asked(file, 96)
    with png(gradient(300, 200)) as file:
        assert Image.open(io.BytesIO(await worker.asked(file, 96))).size == (96, 64)
    os.kill(worker._running.pid, 9)
    with png(gradient(300, 200)) as file:
        assert await worker.asked(file, 96)
    worker.close()


async def test_a_large_picture_lies_as_its_exif_says():
    exif = Image.Exif()
    exif[0x0112] = 6
    worker = Worker()
    with png(gradient(3_000, 1_000), exif=exif) as file:
        assert Image.open(io.BytesIO(await worker.asked(file, 96))).size == (32, 96)
    worker.close()


async def test_a_thumbnail_that_many_ask_for_is_made_once_and_so_is_none(
    tracing: Tracing, monkeypatch: pytest.MonkeyPatch
):
    asked: list[int] = []
    ask = process._WORKER.asked

    async def counted(file: IO[bytes], side: int) -> bytes:
        asked.append(side)
        return await ask(file, side)

    monkeypatch.setattr(process._WORKER, "asked", counted)
    for body, made in ((picture(400, 200), True), (b"no picture at all", False)):
        media, _ = await tracing.register_media(HERE, announced(body))
        await tracing.upload_media(HERE, media.id, body)
        asked.clear()
        answers = await asyncio.gather(
            *(tracing.thumbnail(HERE, media.id, side=96) for _ in range(20)), return_exceptions=True
        )
        again = await asyncio.gather(tracing.thumbnail(HERE, media.id, side=96), return_exceptions=True)
        assert asked == [96]
        assert {type(each) for each in (*answers, *again)} == {bytes if made else Unprocessable}
