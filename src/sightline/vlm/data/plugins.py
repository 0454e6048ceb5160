"""Formats that another package decodes: HEIC by pillow-heif, DICOM by pydicom; a sentence where it is not installed."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

HEIC = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")
"""Brands of HEIF files, as phones write them."""


class PluginMissingError(Exception):
    """A format whose package is not installed; the message says which to install."""


def is_heic(body: bytes) -> bool:
    """Whether these are the bytes of a HEIC (not an AVIF, which Pillow reads)."""
    return body[4:8] == b"ftyp" and body[8:12] in HEIC and b"avif" not in body[8:40]


def is_dicom(body: bytes) -> bool:
    """Whether these are the bytes of a DICOM file."""
    return body[128:132] == b"DICM"


def open_heic(body: bytes) -> Image.Image:
    """A HEIC's picture, its pixels unread."""
    try:
        import pillow_heif  # late: an optional package
    except ModuleNotFoundError as error:
        raise PluginMissingError("HEIC needs pillow-heif: pip install 'sightline[heic]'") from error
    pillow_heif.register_heif_opener()
    return Image.open(io.BytesIO(body), formats=["HEIF"])


def open_dicom(body: bytes, most_pixels: int) -> NDArray[Any]:
    """A DICOM's first frame as grey or RGB values, windowed as the file says; raises `ValueError` when too large."""
    try:
        import pydicom  # late: an optional package
        from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut
        from pydicom.pixels.utils import pixel_array
    except ModuleNotFoundError as error:
        raise PluginMissingError("DICOM needs pydicom: pip install 'sightline[dicom]'") from error
    data = pydicom.dcmread(io.BytesIO(body))
    if int(data.Rows) * int(data.Columns) > most_pixels:
        raise ValueError(f"it has {data.Columns} × {data.Rows} pixels")
    values: NDArray[Any] = pixel_array(data, index=0)
    if values.ndim == 3:
        return values.astype(np.uint8)
    windowed = "WindowCenter" in data or "VOILUTSequence" in data
    told = apply_modality_lut(values, data)
    grey = (apply_voi_lut(told, data) if windowed else told).astype(np.float64)
    grey -= grey.min()
    grey /= max(float(grey.max()), 1e-9)
    shown: NDArray[Any] = 1.0 - grey if data.PhotometricInterpretation == "MONOCHROME1" else grey
    return shown
