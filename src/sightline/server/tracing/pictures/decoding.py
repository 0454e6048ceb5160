"""Decoding in the worker process: nothing here is imported by the server, which never decodes a picture itself."""

import io
import warnings
from typing import IO

from PIL import Image, ImageOps, UnidentifiedImageError

from sightline.server.tracing.pictures.strips import reduced_png

MAX_PIXELS = 40_000_000
"""Width times height; the limit against decompression bombs."""
MAX_FRAMES = 200
"""Frames of an animation."""
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
"""Decoders that Pillow may use."""


class TooLargePictureError(Exception):
    """Beyond the bounds above."""


class BrokenPictureError(Exception):
    """Not a picture, or one that cannot be decoded."""


def thumbnail(picture: Image.Image, file: IO[bytes], side: int) -> bytes:
    """A WebP of at most `side` pixels each way, upright."""
    upright = _upright(picture, file, side)
    upright.thumbnail((side, side))
    small = io.BytesIO()
    upright.save(small, "WEBP", quality=80)
    return small.getvalue()


def _upright(picture: Image.Image, file: IO[bytes], side: int) -> Image.Image:
    """Decoded no larger than needed: JPEG by its draft mode, PNG a strip at a time."""
    mode = "RGBA" if _transparent(picture) else "RGB"
    small = reduced_png(file, side, mode) if picture.format == "PNG" else None
    if small is not None:
        # Not `getexif`, which decodes a PNG whole: what says how it lies may come behind its pixels.
        small.info["exif"] = picture.info.get("exif", b"")
        return ImageOps.exif_transpose(small)
    picture.draft("RGB", (side * 2, side * 2))
    return ImageOps.exif_transpose(picture).convert(mode)


def opened(file: IO[bytes]) -> Image.Image:
    """The picture with its header read and its bounds checked, nothing decoded yet."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # Our own bound, below, is the lower one.
        try:
            picture = Image.open(file, formats=FORMATS)
        except Image.DecompressionBombError as failure:
            raise TooLargePictureError(f"the picture has more than {MAX_PIXELS:,} pixels: make it smaller") from failure
        except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as failure:
            raise BrokenPictureError(
                f"this is not a picture of a known format: use one of {', '.join(FORMATS)}"
            ) from failure
    pixels = picture.width * picture.height
    if pixels > MAX_PIXELS:
        raise TooLargePictureError(f"the picture has {pixels:,} pixels, the limit is {MAX_PIXELS:,}: make it smaller")
    frames = getattr(picture, "n_frames", 1)
    if frames > MAX_FRAMES:
        raise TooLargePictureError(f"the picture has {frames} frames, the limit is {MAX_FRAMES}: cut it shorter")
    return picture


def _transparent(picture: Image.Image) -> bool:
    return picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info
