"""Odd pictures, made from nothing: what people have on their disks, and what must become of each.

A picture is red on its left half and blue on its right, or one grey; it must be read as that, or be refused in words.
`either` is for damage of which a decoder may keep enough: read or refused, and nothing else.
"""

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageCms, PngImagePlugin

RIGHT, REFUSED, EITHER = "right", "refused", "either"
WIDE, HIGH = 32, 20
"""Of the usual picture."""


@dataclass(frozen=True)
class Picture:
    """An odd picture."""

    name: str
    make: Callable[[], bytes]
    becomes: str = RIGHT
    left: tuple[int, int, int] = (255, 0, 0)
    right: tuple[int, int, int] = (0, 0, 255)
    large: bool = False
    """Tens of megapixels: slow, and of interest for its memory."""


def halves(width: int = WIDE, height: int = HIGH, mode: str = "RGB") -> Image.Image:
    """Red and blue."""
    image = Image.new("RGB", (width, height), (0, 0, 255))
    image.paste((255, 0, 0), (0, 0, width // 2, height))
    return image.convert(mode)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The bytes of a file."""
    body = io.BytesIO()
    image.save(body, kind, **options)
    return body.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_with(*chunks: bytes, before: bytes = b"IDAT") -> bytes:
    """A PNG with more chunks."""
    body = saved(halves(), "PNG")
    at = body.index(before) - 4
    return body[:at] + b"".join(chunks) + body[at:]


def jpeg_with(marker: int, segment: bytes) -> bytes:
    """A JPEG with one more segment behind its first marker."""
    body = saved(halves(), "JPEG", quality=95, subsampling=0)
    return body[:2] + bytes([0xFF, marker]) + struct.pack(">H", len(segment) + 2) + segment + body[2:]


def turned(kind: str, orientation: int) -> bytes:
    """A picture stored as its EXIF orientation asks, so that it is upright once that is applied."""
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    image = halves()
    if orientation in undo:
        image = image.transpose(Image.Transpose(undo[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"JPEG": {"quality": 95, "subsampling": 0}, "WEBP": {"lossless": True}}.get(kind, {})
    return saved(image, kind, exif=exif, **options)


def grey_16(values: Any, kind: str = "PNG") -> bytes:
    """A 16-bit grey picture, its left half of one value and its right of another."""
    low, high = values
    array = np.full((HIGH, WIDE), high, np.uint16)
    array[:, : WIDE // 2] = low
    return saved(Image.fromarray(array), kind)


def grey_float(values: Any) -> bytes:
    """A float TIFF."""
    low, high = values
    array = np.full((HIGH, WIDE), high, np.float32)
    array[:, : WIDE // 2] = low
    return saved(Image.fromarray(array), "TIFF")


def dicom(**changes: Any) -> bytes:
    """A DICOM of one frame, black and white."""
    import pydicom  # late: an optional package
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    data = pydicom.Dataset()
    data.file_meta = meta
    data.Rows, data.Columns, data.SamplesPerPixel = HIGH, WIDE, 1
    data.PhotometricInterpretation = "MONOCHROME2"
    data.BitsAllocated = data.BitsStored = 16
    data.HighBit, data.PixelRepresentation = 15, 0
    array = np.full((HIGH, WIDE), 3000, np.uint16)
    array[:, : WIDE // 2] = 1000
    data.PixelData = array.tobytes()
    for name, value in changes.items():
        setattr(data, name, value)
    body = io.BytesIO()
    pydicom.dcmwrite(body, data, enforce_file_format=True)
    return body.getvalue()


def heic() -> bytes:
    """A photo as phones write it."""
    import pillow_heif  # late: an optional package

    body = io.BytesIO()
    pillow_heif.from_pillow(halves(64, 64)).save(body, quality=100)
    return body.getvalue()


BLACK, WHITE = (0, 0, 0), (255, 255, 255)
KINDS: dict[str, dict[str, Any]] = {
    "PNG": {},
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"lossless": True},
    "GIF": {},
    "BMP": {},
    "TIFF": {},
    "AVIF": {"quality": 100, "subsampling": "4:4:4"},
    "JPEG2000": {},
    "PPM": {},
}
"""Formats, and how to save them without loss, or nearly."""
ENDINGS = {"JPEG": "jpg", "JPEG2000": "jp2", "TIFF": "tif"}


def pictures() -> Iterator[Picture]:
    """All of them."""
    yield from _formats()
    yield from _orientations()
    yield from _metadata()
    yield from _depths()
    yield from _shapes()
    yield from _not_pictures()
    yield from _plugins()
    yield from _damaged()


def _formats() -> Iterator[Picture]:
    for kind, options in KINDS.items():
        ending = ENDINGS.get(kind, kind.lower())
        yield Picture(f"plain.{ending}", lambda k=kind, o=options: saved(halves(), k, **o))
        yield Picture(f"wrong-ending-{kind}.gif", lambda k=kind, o=options: saved(halves(), k, **o))
        yield Picture(f"tall-{kind}.{ending}", lambda k=kind, o=options: saved(halves(12, 200), k, **o))
    for kind in ("PNG", "WEBP", "TIFF", "GIF"):
        extra = KINDS[kind]
        clear = halves(mode="RGBA")
        clear.putalpha(0)
        ending = ENDINGS.get(kind, kind.lower())
        yield Picture(f"clear-{kind}.{ending}", lambda i=clear, k=kind, o=extra: saved(i, k, **o), RIGHT, WHITE, WHITE)
        several = [halves(), Image.new("RGB", (WIDE, HIGH), "green")]
        yield Picture(
            f"moving-{kind}.{ending}",
            lambda s=several, k=kind, o=extra: saved(s[0], k, save_all=True, append_images=s[1:], **o),
        )
    for mode, kinds in {"P": ("PNG", "GIF", "BMP", "TIFF"), "RGBA": ("PNG", "WEBP", "TIFF", "JPEG2000")}.items():
        for kind in kinds:
            yield Picture(
                f"{mode}-{kind}.{ENDINGS.get(kind, kind.lower())}", lambda m=mode, k=kind: saved(halves(mode=m), k)
            )
    yield Picture("cmyk.jpg", lambda: saved(halves(mode="CMYK"), "JPEG", quality=95), EITHER)
    yield Picture("cmyk.tif", lambda: saved(halves(mode="CMYK"), "TIFF"))
    yield Picture("progressive.jpg", lambda: saved(halves(), "JPEG", quality=95, subsampling=0, progressive=True))
    yield Picture("named.jfif", lambda: saved(halves(), "JPEG", quality=95, subsampling=0))
    yield Picture("named.JPE", lambda: saved(halves(), "JPEG", quality=95, subsampling=0))
    two = lambda: saved(halves(), "MPO", save_all=True, append_images=[halves()], quality=95, subsampling=0)
    yield Picture("stereo.mpo", two)
    for name, compression in (("lzw", "tiff_lzw"), ("deflate", "tiff_adobe_deflate"), ("packbits", "packbits")):
        yield Picture(f"{name}.tif", lambda c=compression: saved(halves(), "TIFF", compression=c))


def _orientations() -> Iterator[Picture]:
    for kind in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF"):
        for orientation in range(1, 9):
            ending = ENDINGS.get(kind, kind.lower())
            loss = EITHER if kind == "AVIF" else RIGHT
            yield Picture(f"turned-{orientation}.{ending}", lambda k=kind, o=orientation: turned(k, o), loss)


def _metadata() -> Iterator[Picture]:
    bomb = zlib.compress(b"x" * 3_000_000)
    yield Picture("text-3mb.png", lambda: png_with(chunk(b"zTXt", b"Comment\0\0" + bomb)))
    yield Picture("text-late.png", lambda: png_with(chunk(b"zTXt", b"Comment\0\0" + bomb), before=b"IEND"))
    yield Picture("itxt-3mb.png", lambda: png_with(chunk(b"iTXt", b"XML\0\1\0\0\0" + bomb)))
    yield Picture("icc-3mb.png", lambda: png_with(chunk(b"iCCP", b"icc\0\0" + bomb)))
    yield Picture("icc-broken.png", lambda: png_with(chunk(b"iCCP", b"icc\0\0broken")))
    yield Picture("exif-broken.png", lambda: png_with(chunk(b"eXIf", b"MM\0*\0\0\0\x08\xff\xff" + b"\xff" * 24)))
    yield Picture("text-crc.png", lambda: png_with(chunk(b"tEXt", b"Comment\0hello")[:-4] + b"\0\0\0\0"))
    yield Picture("text-crc-late.png", lambda: png_with(chunk(b"tEXt", b"a\0b")[:-4] + b"\0\0\0\0", before=b"IEND"))
    yield Picture("gamma-zero.png", lambda: png_with(chunk(b"gAMA", b"\0\0\0\0")))
    yield Picture("phys-short.png", lambda: png_with(chunk(b"pHYs", b"\0")))
    yield Picture("time-short.png", lambda: png_with(chunk(b"tIME", b"")))
    yield Picture("actl-broken.png", lambda: png_with(chunk(b"acTL", b"\0")))
    yield Picture("unknown-chunk.png", lambda: png_with(chunk(b"quIZ", b"?" * 100)))
    yield Picture("after-end.png", lambda: saved(halves(), "PNG") + b"and more" * 100)
    many = PngImagePlugin.PngInfo()
    for at in range(400):
        many.add_text(f"k{at}", "v" * 200_000, zip=True)
    yield Picture("texts-64mb.png", lambda: saved(halves(), "PNG", pnginfo=many))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for kind in ("PNG", "JPEG", "WEBP", "TIFF"):
        ending = ENDINGS.get(kind, kind.lower())
        yield Picture(f"srgb.{ending}", lambda k=kind: saved(halves(), k, icc_profile=profile, **KINDS[k]))
    yield Picture("exif-broken.jpg", lambda: jpeg_with(0xE1, b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\xff" * 30))
    yield Picture("exif-short.jpg", lambda: jpeg_with(0xE1, b"Exif\0\0MM"))
    yield Picture("exif-empty.jpg", lambda: jpeg_with(0xE1, b"Exif\0\0"))
    yield Picture("comment-64k.jpg", lambda: jpeg_with(0xFE, b"c" * 65_000))
    yield Picture("icc-broken.jpg", lambda: jpeg_with(0xE2, b"ICC_PROFILE\0\1\2broken"))
    yield Picture("mpf-broken.jpg", lambda: jpeg_with(0xE2, b"MPF\0MM\0*\0\0\0\x08\xff\xff\xff"))
    yield Picture("photoshop.jpg", lambda: jpeg_with(0xED, b"Photoshop 3.0\x008BIM\xff\xff\xff\xff\xff\xff"))
    yield Picture("xmp.jpg", lambda: jpeg_with(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta><broken"))


def _depths() -> Iterator[Picture]:
    yield Picture("1-bit.png", lambda: saved(halves(mode="1"), "PNG"), EITHER)
    yield Picture("grey.jpg", lambda: saved(Image.new("L", (WIDE, HIGH), 90), "JPEG"), RIGHT, (90,) * 3, (90,) * 3)
    yield Picture("16-bit.png", lambda: grey_16((0, 65535)), RIGHT, BLACK, WHITE)
    yield Picture("16-bit.tif", lambda: grey_16((0, 65535), "TIFF"), RIGHT, BLACK, WHITE)
    for bits in (9, 10, 12, 14):
        top = 2**bits - 1
        for kind in ("PNG", "TIFF"):
            name = f"{bits}-in-16.{ENDINGS.get(kind, 'png')}"
            yield Picture(name, lambda t=top, k=kind: grey_16((0, t), k), RIGHT, BLACK, WHITE)
    yield Picture("8-in-16.png", lambda: grey_16((0, 255)), RIGHT, BLACK, WHITE)
    yield Picture("float-unit.tif", lambda: grey_float((0.0, 1.0)), RIGHT, BLACK, WHITE)
    yield Picture("float-255.tif", lambda: grey_float((0.0, 255.0)), RIGHT, BLACK, WHITE)
    yield Picture("float-thousands.tif", lambda: grey_float((200.0, 9000.0)), RIGHT, BLACK, WHITE)
    yield Picture("float-hounsfield.tif", lambda: grey_float((-1000.0, 1500.0)), RIGHT, BLACK, WHITE)
    yield Picture("float-nan.tif", lambda: grey_float((float("nan"), 1.0)), RIGHT, BLACK, WHITE)
    yield Picture("float-inf.tif", lambda: grey_float((0.0, float("inf"))), EITHER)
    ints = np.full((HIGH, WIDE), 90_000, np.int32)
    ints[:, : WIDE // 2] = -5_000
    yield Picture("int-32.tif", lambda: saved(Image.fromarray(ints), "TIFF"), RIGHT, BLACK, WHITE)
    yield Picture("grey-alpha.png", lambda: saved(Image.new("LA", (WIDE, HIGH), (0, 0)), "PNG"), RIGHT, WHITE, WHITE)
    yield Picture("palette-clear.png", lambda: saved(halves(mode="P"), "PNG", transparency=0), EITHER)
    yield Picture("16-bit-clear.png", _transparent_16, RIGHT, WHITE, BLACK)
    yield Picture("pgm-16.pgm", lambda: b"P5 4 1 65535\n" + struct.pack(">4H", 0, 0, 65535, 65535), RIGHT, BLACK, WHITE)
    yield Picture("ascii.ppm", lambda: b"P3 2 1 255 255 0 0 0 0 255\n")
    yield Picture("bits.pbm", lambda: b"P1 2 1 1 0\n", RIGHT, BLACK, WHITE)


def _transparent_16() -> bytes:
    """A 16-bit grey PNG whose left half has the transparent value."""
    body = grey_16((700, 0))
    at = body.index(b"IDAT") - 4
    return body[:at] + chunk(b"tRNS", struct.pack(">H", 700)) + body[at:]


def _shapes() -> Iterator[Picture]:
    yield Picture("one-pixel.png", lambda: saved(Image.new("RGB", (1, 1), "red"), "PNG"), EITHER)
    yield Picture("line.png", lambda: saved(halves(20_000, 1), "PNG"))
    yield Picture("column.png", lambda: saved(halves(2, 20_000), "PNG"))
    yield Picture("39mp.png", lambda: saved(halves(7_800, 5_000), "PNG", compress_level=1), large=True)
    yield Picture(
        "39mp-clear.png", lambda: saved(_half_clear(7_800, 5_000), "PNG", compress_level=1), RIGHT, WHITE, large=True
    )
    yield Picture(
        "39mp-16.png", lambda: saved(_deep(7_800, 5_000), "PNG", compress_level=1), RIGHT, BLACK, WHITE, large=True
    )
    yield Picture("48mp.jpg", lambda: saved(halves(8_064, 6_048), "JPEG", quality=80), large=True)
    yield Picture("61mp.jpg", lambda: saved(halves(9_504, 6_336), "JPEG", quality=80), large=True)
    yield Picture("61mp-progressive.jpg", lambda: saved(halves(9_504, 6_336), "JPEG", progressive=True), large=True)
    yield Picture("108mp.jpg", lambda: saved(halves(12_000, 9_000), "JPEG", quality=80), large=True)
    yield Picture("48mp.png", lambda: _bomb(8_064, 6_048), REFUSED)
    for name, side in (("bomb-400mp", 20_000), ("bomb-10gp", 100_000), ("bomb-4gp", 65_535)):
        yield Picture(f"{name}.png", lambda s=side: _bomb(s, s), REFUSED)
    yield Picture("bomb.gif", lambda: b"GIF89a" + struct.pack("<HHBBB", 65_535, 65_535, 0, 0, 0) + b";", REFUSED)
    yield Picture("bomb.bmp", lambda: _bmp(60_000, 60_000), REFUSED)
    yield Picture("zero.bmp", lambda: _bmp(0, 10), REFUSED)
    yield Picture("zero.png", lambda: _bomb(0, 5), REFUSED)


def _half_clear(width: int, height: int) -> Image.Image:
    image = halves(width, height, "RGBA")
    image.paste((0, 0, 0, 0), (0, 0, width // 2, height))
    return image


def _deep(width: int, height: int) -> Image.Image:
    array = np.full((height, width), 4095, np.uint16)
    array[:, : width // 2] = 0
    return Image.fromarray(array)


def _bomb(width: int, height: int) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def _bmp(width: int, height: int) -> bytes:
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + info


def _not_pictures() -> Iterator[Picture]:
    bodies = {
        "empty.png": b"",
        "text.png": b"just words, no picture\n",
        "page.jpg": b"<!DOCTYPE html><html><body>404 Not Found</body></html>",
        "drawing.png": b'<svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9"/></svg>',
        "paper.jpg": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
        "script.png": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n",
        "sound.webp": b"RIFF\x24\0\0\0WAVEfmt " + b"\0" * 30,
        "archive.png": b"PK\3\4" + b"\0" * 30,
        "film.jpg": b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\0" * 100,
        "zeros.png": b"\0" * 5_000,
        "lfs.jpg": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n",
        "head.png": b"\x89PNG\r\n\x1a\n",
        "head.jpg": b"\xff\xd8\xff\xe0",
        "psd.png": b"8BPS\0\1" + b"\0" * 40,
        "icon.png": b"\0\0\1\0\1\0",
    }
    for name, body in bodies.items():
        yield Picture(f"no-{name}", lambda b=body: b, REFUSED)


def _plugins() -> Iterator[Picture]:
    yield Picture("phone.heic", heic, EITHER)
    yield Picture("plain.dcm", dicom, RIGHT, BLACK, WHITE)
    yield Picture("inverted.dcm", lambda: dicom(PhotometricInterpretation="MONOCHROME1"), RIGHT, WHITE, BLACK)
    window = {"WindowCenter": 500, "WindowWidth": 200, "RescaleSlope": 1, "RescaleIntercept": 0}
    yield Picture("windowed.dcm", lambda: dicom(**window), EITHER)
    yield Picture("cut.dcm", lambda: dicom()[:400], REFUSED)
    yield Picture("large.dcm", lambda: dicom(Rows=60_000, Columns=60_000), REFUSED)


def _damaged() -> Iterator[Picture]:
    for kind, options in KINDS.items():
        ending = ENDINGS.get(kind, kind.lower())
        for tenth in range(1, 10):
            yield Picture(f"cut-{tenth}-{kind}.{ending}", lambda k=kind, o=options, t=tenth: _cut(k, o, t), EITHER)
        for seed in range(4):
            yield Picture(
                f"flipped-{seed}-{kind}.{ending}", lambda k=kind, o=options, s=seed: _flipped(k, o, s), EITHER
            )


def _cut(kind: str, options: dict[str, Any], tenth: int) -> bytes:
    body = saved(halves(), kind, **options)
    return body[: len(body) * tenth // 10]


def _flipped(kind: str, options: dict[str, Any], seed: int) -> bytes:
    body = bytearray(saved(halves(), kind, **options))
    rng = np.random.default_rng(seed)
    for at in rng.integers(4, len(body), 6):
        body[at] ^= 1 << int(rng.integers(8))
    return bytes(body)
