"""Reading one image from wherever it is, or saying in one sentence why not.

Whatever the source, the result is an upright 8-bit RGB picture: EXIF rotation applied, palettes and CMYK resolved,
transparency laid over white, more bits scaled to 8 (`ranges`), the first frame of an animation. Sizes are checked
before any pixel is decoded, so a decompression bomb, a small file that unpacks to gigabytes, costs nothing; a JPEG that
is too large is decoded at a half, quarter or eighth (draft mode). Damaged metadata is left out (`bare`).
"""

import base64
import binascii
import io
import os
import re
import sys
import threading
import warnings
from collections.abc import Callable
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union
from urllib.parse import unquote_to_bytes

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from sightline.vlm import fetch
from sightline.vlm.config import SightlineVlmError
from sightline.vlm.data import plugins
from sightline.vlm.data.bare import bare
from sightline.vlm.data.packed import Packed
from sightline.vlm.data.ranges import to_8_bit

if TYPE_CHECKING:
    from torch import Tensor

ImageSource = Union[str, PathLike[str], bytes, Image.Image, NDArray[np.generic], Packed, "Tensor"]
"""A path, an http(s) URL, a data URI, the bytes of a file, a Pillow image, an array, a member of an archive, or ready
pixels."""

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000", "PPM")
"""Pillow's decoders that may be tried: formats of pictures, none that runs programs (EPS) or reads other files."""
SUFFIXES = (
    *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".webp", ".gif", ".bmp", ".dib", ".tif", ".tiff"),
    *(".avif", ".avifs", ".jp2", ".j2k", ".jpx", ".jpf", ".ppm", ".pgm", ".pbm", ".pnm", ".heic", ".heif", ".dcm"),
)
"""Files of a folder or archive that are taken for images."""
MAX_PIXELS = 40_000_000
"""Limit against decompression bombs, checked by the header before any pixel is decoded; SIGHTLINE_MAX_MEGAPIXELS sets
another."""
MAX_DRAFTED = 512_000_000
"""Pixels of a JPEG that is decoded smaller."""
MAX_PROGRESSIVE = 90_000_000
"""The same for a progressive one, all of whose coefficients are held at once."""
ROWS_AT_ONCE = 256
"""Rows laid over white at a time: bounds the memory of large transparent pictures."""
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
    for kind, way in WAYS.items():
        if isinstance(source, kind):
            return way(source)
    if _is_tensor(source):
        raise ImageError(
            "a tensor is taken as ready pixels [B, 3, H, W]; give a Pillow image or an array to have it read"
        )
    try:
        where = fspath(source)  # type: ignore[arg-type]
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


def pixels_of(source: ImageSource) -> int:
    """How many pixels an image has by its header, nothing decoded; 0 where that takes more than a look into a file."""
    try:
        if isinstance(source, Packed | bytes):
            body: Any = io.BytesIO(source.body() if isinstance(source, Packed) else source)
        elif isinstance(source, str) and not source[:8].lower().startswith(("data:", "http://", "https://")):
            body = Path(source).expanduser()
        else:
            return 0
        with _OPENING, warnings.catch_warnings(action="ignore"), Image.open(body, formats=FORMATS) as image:
            return image.width * image.height
    except Exception:  # whoever reads it says what is wrong with it
        return 0


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
    payload = "".join(uri[found.end() :].split())
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


def _from_packed(packed: Packed) -> Image.Image:
    try:
        body = packed.body()
    except OSError as error:
        raise ImageError(f"cannot read image {packed}: {error.strerror or error}") from error
    return from_bytes(body, str(packed))


def from_bytes(body: bytes, name: str = "given as bytes") -> Image.Image:
    """The image in the bytes of a file of one of `FORMATS`, of a HEIC or a DICOM."""
    if len(body) > MAX_BYTES:
        raise ImageTooLargeError(f"image {name} is over the limit of {MAX_BYTES:,} bytes")
    try:
        return _decoded(body, name)
    except ImageTooLargeError:
        raise
    except ImageError:
        without = bare(body)
        if without is None:
            raise
        return _decoded(without, name)


def _decoded(body: bytes, name: str) -> Image.Image:
    try:
        if plugins.is_dicom(body):
            return from_array(plugins.open_dicom(body, most_pixels()))
        # Pillow warns between its two own bounds; ours is stricter and speaks below. Filters are global: hence a lock.
        with _OPENING, warnings.catch_warnings(action="ignore"):
            heic = plugins.is_heic(body)
            image = plugins.open_heic(body) if heic else Image.open(io.BytesIO(body), formats=FORMATS)
    except plugins.PluginMissingError as error:
        raise ImageError(f"cannot read image {name}: {error}") from error
    except Image.DecompressionBombError as error:
        raise ImageTooLargeError(f"image {name} is too large: {error}") from error
    except UnidentifiedImageError as error:
        raise ImageError(
            f"image {name} is not a {', '.join(FORMATS[:-1])} or {FORMATS[-1]} file, or is broken"
        ) from error
    except Exception as error:  # a broken header can make a decoder raise anything
        raise ImageError(f"image {name} is broken: {error}") from error
    return _prepare(image, name)


def most_pixels() -> int:
    """The limit of pixels: `MAX_PIXELS`, or what SIGHTLINE_MAX_MEGAPIXELS says."""
    told = os.environ.get("SIGHTLINE_MAX_MEGAPIXELS")
    if not told:
        return MAX_PIXELS
    try:
        return int(float(told) * 1e6)
    except ValueError as error:
        raise ImageError(f"SIGHTLINE_MAX_MEGAPIXELS is {told!r}: set a number, 100 for 100 megapixels") from error


def from_array(array: NDArray[np.generic]) -> Image.Image:
    """The image in an array `[H, W]` or `[H, W, 1|3|4]`: 8 or 16-bit integers, booleans, or floats in 0…1."""
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.ndim not in (2, 3) or channels not in (1, 3, 4) or 0 in array.shape:
        raise ImageError(f"an array of shape {list(array.shape)} is not an image: expected [H, W] or [H, W, 1, 3 or 4]")
    if array.shape[0] * array.shape[1] > most_pixels():
        raise _too_large("given as an array", array.shape[1], array.shape[0])
    pixels = _to_8_bit(array)
    return _prepare(Image.fromarray(pixels[:, :, 0] if pixels.ndim == 3 and channels == 1 else pixels), "array")


def _to_8_bit(array: NDArray[np.generic]) -> NDArray[np.uint8]:
    if array.dtype == np.uint8:
        return array.astype(np.uint8)
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype == np.uint16:
        return to_8_bit(array, "given as an array")
    if not np.issubdtype(array.dtype, np.integer) and not np.issubdtype(array.dtype, np.floating):
        raise ImageError(f"an array of {array.dtype} is not an image: expected integers in 0…255 or floats in 0…1")
    low, high = float(np.min(array)), float(np.max(array))
    top = 1.0 if np.issubdtype(array.dtype, np.floating) else 255.0
    if not (low >= 0 and high <= top):
        raise ImageError(
            f"an array of {array.dtype} from {low:g} to {high:g} is not an image: "
            "expected integers in 0…255 or floats in 0…1"
        )
    return np.round(array.astype(np.float64) * (255.0 / top)).astype(np.uint8)


def _prepare(image: Image.Image, name: str) -> Image.Image:
    if image.width * image.height > most_pixels():
        _draft(image, name)
    try:
        image.load()
        return _to_rgb(_upright(image), name)
    except Exception as error:  # decoders raise OSError, SyntaxError, struct.error, … for broken data
        raise ImageError(f"image {name} is broken: {error}") from error


def _draft(image: Image.Image, name: str) -> None:
    """Has a JPEG decoded small enough; raises `ImageTooLargeError` where that cannot be."""
    width, height, most = image.width, image.height, most_pixels()
    bound = MAX_PROGRESSIVE if image.info.get("progressive") else MAX_DRAFTED
    if image.format in ("JPEG", "MPO") and width * height <= bound:
        for part in (2, 4, 8):
            if (width // part) * (height // part) <= most:
                image.draft(None, (width // part, height // part))
                break
    if image.width * image.height > most:
        raise _too_large(name, width, height)


def _upright(image: Image.Image) -> Image.Image:
    """Turned as its EXIF says, where that can be read."""
    if "exif" not in image.info and "Raw profile type exif" not in image.info and image.format != "TIFF":
        return image
    try:
        with _OPENING, warnings.catch_warnings(action="ignore"):
            return ImageOps.exif_transpose(image)
    except Exception:  # broken metadata raises anything, and its pixels are good
        return image


def _to_rgb(image: Image.Image, name: str) -> Image.Image:
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _deep_to_rgb(image, name)
    if image.has_transparency_data:
        return _over_white(image)
    return image.convert("RGB")


def _over_white(image: Image.Image) -> Image.Image:
    """Some rows at a time: every step of it would make another whole picture."""
    laid = Image.new("RGB", image.size)
    for top in range(0, image.height, ROWS_AT_ONCE):
        some = image.crop((0, top, image.width, min(top + ROWS_AT_ONCE, image.height)))
        some.info = image.info
        white = Image.new("RGBA", some.size, "white")
        laid.paste(Image.alpha_composite(white, some.convert("RGBA")).convert("RGB"), (0, top))
    return laid


def _deep_to_rgb(image: Image.Image, name: str) -> Image.Image:
    """Grey images of more than 8 bits; one of their values may be transparent."""
    values = np.asarray(image)
    if values.dtype.kind == "f" and not np.isfinite(values).any():
        raise ImageError(f"image {name} holds no number that is finite, only NaN or infinity: nothing can be seen")
    pixels = to_8_bit(values, name)
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        pixels[values == clear] = 255
    return Image.fromarray(pixels).convert("RGB")


def _too_large(name: str, width: int, height: int) -> ImageTooLargeError:
    return ImageTooLargeError(
        f"image {name} has {width} × {height} = {width * height / 1e6:.0f} megapixels, "
        f"the limit is {most_pixels() / 1e6:.0f}: scale it down first, or set SIGHTLINE_MAX_MEGAPIXELS"
    )


def _is_tensor(source: Any) -> bool:
    """Whether this is a torch tensor; there is none before torch was imported, which takes a second."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(source, torch.Tensor)


def _a(kind: str) -> str:
    return f"{'an' if kind[0].lower() in 'aeiou' else 'a'} {kind}"


def _name(image: Image.Image) -> str:
    return str(getattr(image, "filename", "")) or "given as a Pillow image"


WAYS: dict[type, Callable[[Any], Image.Image]] = {
    Image.Image: lambda image: _prepare(image, _name(image)),
    np.ndarray: from_array,
    bytes: from_bytes,
    Packed: _from_packed,
}
"""How what is no address or path is read, by its kind."""
