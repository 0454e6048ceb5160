"""Reading one image from wherever it is, or saying in one sentence why not.

Whatever the source, the result is an upright 8-bit RGB picture: EXIF rotation applied, palettes and CMYK resolved,
transparency laid over white, 16 bits scaled to 8, the first frame of an animation. Sizes are checked before any pixel
is decoded, so a decompression bomb, a small file that unpacks to gigabytes, costs nothing.
"""

import base64
import binascii
import io
import re
import sys
import threading
import warnings
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union
from urllib.parse import unquote_to_bytes

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from sightline.vlm import fetch
from sightline.vlm.config import SightlineVlmError

if TYPE_CHECKING:
    from torch import Tensor

ImageSource = Union[str, PathLike[str], bytes, Image.Image, NDArray[np.generic], "Tensor"]
"""A path, an http(s) URL, a data URI, the bytes of a file, a Pillow image, an array, or ready pixels."""

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
"""Pillow's decoders that may be tried: formats of the web, none that runs programs (EPS) or reads other files."""
MAX_PIXELS = 40_000_000
"""Limit against decompression bombs, checked by the header before any pixel is decoded."""
MAX_BYTES = 64 * 2**20
"""Largest encoded image, whether it comes from a file, a data URI or a URL."""
_DATA_URI = re.compile(r"data:(?P<kind>[^;,]*)(?P<options>(?:;[^;,]*)*),", re.IGNORECASE)
"""The head of a data URI (RFC 2397), up to the comma before its payload."""
_OPENING = threading.Lock()
"""Held while warning filters, which all threads share, are changed."""


class ImageError(SightlineVlmError):
    """An image that cannot be used; the message names it and says why."""


class ImageTooLargeError(ImageError):
    """More pixels or bytes than we are ready to decode."""


def read(source: ImageSource) -> Image.Image:
    """The image as 8-bit RGB. Raises `ImageError` naming the source; ready pixel tensors are not for here."""
    if isinstance(source, Image.Image):
        return _prepare(source, _name(source))
    if isinstance(source, np.ndarray):
        return from_array(source)
    if isinstance(source, bytes):
        return from_bytes(source)
    if _is_tensor(source):
        raise ImageError(
            "a tensor is taken as ready pixels [B, 3, H, W]; give a Pillow image or an array to have it read"
        )
    try:
        where = fspath(source)
    except TypeError as error:
        raise ImageError(
            f"{_a(type(source).__name__)} is not an image: expected a path, an http(s) URL, a data URI, the bytes of a "
            "file, a Pillow image or an array"
        ) from error
    if where[:5].lower() == "data:":
        return from_data_uri(where)
    if where.lower().startswith(("http://", "https://")):
        return from_url(where)
    return from_path(Path(where))


def from_path(path: Path) -> Image.Image:
    """The image in a file."""
    try:
        with path.expanduser().open("rb") as file:
            body = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ImageError(f"cannot read image {path}: {error.strerror or error}") from error
    return from_bytes(body, str(path))


def from_data_uri(uri: str) -> Image.Image:
    """The image in a `data:` URI, base64 or percent-encoded."""
    found = _DATA_URI.match(uri)
    if found is None:
        raise ImageError("a data URI has the form data:image/png;base64,…")
    payload = uri[found.end() :]
    if len(payload) > MAX_BYTES * 4 // 3 + 4:
        raise ImageTooLargeError(f"the image in the data URI is over the limit of {MAX_BYTES:,} bytes")
    try:
        coded = found["options"].lower().endswith(";base64")
        body = base64.b64decode(payload, validate=True) if coded else unquote_to_bytes(payload)
    except (binascii.Error, ValueError) as error:
        raise ImageError(f"the data URI is not valid base64: {error}") from error
    return from_bytes(body, "in the data URI")


def from_url(url: str) -> Image.Image:
    """The image behind an http(s) URL: at most `MAX_BYTES`, and a minute."""
    try:
        return from_bytes(fetch.body(url, MAX_BYTES), url)
    except fetch.TooLargeError as error:
        raise ImageTooLargeError(f"cannot fetch image {url}: {error}") from error
    except fetch.FetchError as error:
        raise ImageError(f"cannot fetch image {url}: {error}") from error


def from_bytes(body: bytes, name: str = "given as bytes") -> Image.Image:
    """The image in the bytes of a PNG, JPEG, WebP, GIF, BMP or TIFF file."""
    if len(body) > MAX_BYTES:
        raise ImageTooLargeError(f"image {name} is over the limit of {MAX_BYTES:,} bytes")
    try:
        # Pillow warns between its two own bounds; ours is stricter and speaks below. Filters are global: hence a lock.
        with _OPENING, warnings.catch_warnings(action="ignore", category=Image.DecompressionBombWarning):
            image = Image.open(io.BytesIO(body), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise ImageTooLargeError(f"image {name} is too large: {error}") from error
    except UnidentifiedImageError as error:
        raise ImageError(
            f"image {name} is not a {', '.join(FORMATS[:-1])} or {FORMATS[-1]} file, or is broken"
        ) from error
    except Exception as error:  # a broken header can make a decoder raise anything
        raise ImageError(f"image {name} is broken: {error}") from error
    return _prepare(image, name)


def from_array(array: NDArray[np.generic]) -> Image.Image:
    """The image in an array `[H, W]` or `[H, W, 1|3|4]`: 8 or 16-bit integers, booleans, or floats in 0…1."""
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.ndim not in (2, 3) or channels not in (1, 3, 4) or 0 in array.shape:
        raise ImageError(f"an array of shape {list(array.shape)} is not an image: expected [H, W] or [H, W, 1, 3 or 4]")
    if array.shape[0] * array.shape[1] > MAX_PIXELS:
        raise _too_large("given as an array", array.shape[1], array.shape[0])
    pixels = _to_8_bit(array)
    return _prepare(Image.fromarray(pixels[:, :, 0] if pixels.ndim == 3 and channels == 1 else pixels), "array")


def _to_8_bit(array: NDArray[np.generic]) -> NDArray[np.uint8]:
    if array.dtype == np.uint8:
        return array.astype(np.uint8)
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype == np.uint16:
        return (array.astype(np.uint32) // 257).astype(np.uint8)
    values = array.astype(np.float64)
    low, high = float(np.min(values)), float(np.max(values))
    top = 1.0 if np.issubdtype(array.dtype, np.floating) else 255.0
    if not (low >= 0 and high <= top):
        raise ImageError(
            f"an array of {array.dtype} from {low:g} to {high:g} is not an image: "
            "expected integers in 0…255 or floats in 0…1"
        )
    return np.round(values * (255.0 / top)).astype(np.uint8)


def _prepare(image: Image.Image, name: str) -> Image.Image:
    if image.width * image.height > MAX_PIXELS:
        raise _too_large(name, image.width, image.height)
    try:
        image.load()
        return _to_rgb(ImageOps.exif_transpose(image))
    except Exception as error:  # decoders raise OSError, SyntaxError, struct.error, … for broken data
        raise ImageError(f"image {name} is broken: {error}") from error


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _deep_to_rgb(image)
    if image.has_transparency_data:
        coloured = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, coloured).convert("RGB")
    return image.convert("RGB")


def _deep_to_rgb(image: Image.Image) -> Image.Image:
    """Grey images of more than 8 bits: integers by their 16-bit range, floats by 0…1 or else 0…255."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float64))
    brightest = 1.0 if values.max(initial=0.0) <= 1.0 else 255.0
    top = brightest if image.mode == "F" else 65535.0
    return Image.fromarray(np.round(values.clip(0, top) * (255.0 / top)).astype(np.uint8)).convert("RGB")


def _too_large(name: str, width: int, height: int) -> ImageTooLargeError:
    return ImageTooLargeError(
        f"image {name} has {width} × {height} = {width * height / 1e6:.0f} megapixels, "
        f"the limit is {MAX_PIXELS / 1e6:.0f}: scale it down first"
    )


def _is_tensor(source: Any) -> bool:
    """Whether this is a torch tensor; there is none before torch was imported, which takes a second."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(source, torch.Tensor)


def _a(kind: str) -> str:
    return f"{'an' if kind[0].lower() in 'aeiou' else 'a'} {kind}"


def _name(image: Image.Image) -> str:
    return str(getattr(image, "filename", "")) or "given as a Pillow image"
