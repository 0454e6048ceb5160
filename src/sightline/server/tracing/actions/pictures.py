"""Thumbnails of uploaded pictures. Decompression bombs are refused by their header, before decoding."""

import asyncio
import io
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from sightline.server.runtime.errors import TooLarge, Unprocessable

if TYPE_CHECKING:
    from PIL import Image

MAX_PIXELS = 40_000_000
"""Width times height; the limit against decompression bombs."""
MAX_FRAMES = 200
"""Frames of an animation."""
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
"""Decoders that Pillow may use."""
CONTENT_TYPES = ("image/png", "image/jpeg", "image/jpg", "image/webp", "image/gif")
"""MIME types that get a thumbnail."""
_WORKERS = ThreadPoolExecutor(2, thread_name_prefix="pictures")
"""A bounded pool: decoding is CPU-bound."""


async def thumbnail(body: bytes, side: int) -> bytes:
    """A WebP of at most `side` pixels each way, upright. TooLarge for a bomb, Unprocessable for a broken file."""
    return await asyncio.get_running_loop().run_in_executor(_WORKERS, _thumbnail, body, side)


async def check_bounds(body: bytes) -> None:
    """TooLarge when the file says it is a picture beyond the bounds; other files pass, whatever they are."""
    try:
        await asyncio.get_running_loop().run_in_executor(_WORKERS, _check_bounds, body)
    except Unprocessable:
        return  # Stored as it came: nothing decodes it but the thumbnail, which refuses it.


def _thumbnail(body: bytes, side: int) -> bytes:
    from PIL import ImageOps

    with _opened(body) as picture:
        try:
            picture.draft("RGB", (side * 2, side * 2))
            upright = ImageOps.exif_transpose(picture).convert("RGBA" if _transparent(picture) else "RGB")
            upright.thumbnail((side, side))
        except (OSError, SyntaxError, ValueError) as failure:
            raise Unprocessable(f"the picture is broken ({failure}): upload it again") from failure
        small = io.BytesIO()
        upright.save(small, "WEBP", quality=80)
        return small.getvalue()


def _check_bounds(body: bytes) -> None:
    with _opened(body):
        pass


def _opened(body: bytes) -> "Image.Image":
    """The picture with its header read and its bounds checked, nothing decoded yet."""
    # Pillow takes 30 ms to import, and a start needs no pictures.
    from PIL import Image, UnidentifiedImageError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # Our own bound, below, is the lower one.
        try:
            picture = Image.open(io.BytesIO(body), formats=FORMATS)
        except Image.DecompressionBombError as failure:
            raise TooLarge(f"the picture has more than {MAX_PIXELS:,} pixels: make it smaller") from failure
        except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as failure:
            raise Unprocessable(
                f"this is not a picture of a known format: use one of {', '.join(FORMATS)}"
            ) from failure
    pixels = picture.width * picture.height
    if pixels > MAX_PIXELS:
        raise TooLarge(f"the picture has {pixels:,} pixels, the limit is {MAX_PIXELS:,}: make it smaller")
    frames = getattr(picture, "n_frames", 1)
    if frames > MAX_FRAMES:
        raise TooLarge(f"the picture has {frames} frames, the limit is {MAX_FRAMES}: cut it shorter")
    return picture


def _transparent(picture: "Image.Image") -> bool:
    return picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info
