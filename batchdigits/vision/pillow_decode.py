"""Decode with Pillow, page by page, the files that OpenCV refuses or misreads, and describe their faults."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PpmImagePlugin,
    WebPImagePlugin,
)

from batchdigits.files.source_error import SourceError
from batchdigits.quiet import no_warnings
from batchdigits.vision.grey import Scan, to_grey
from batchdigits.vision.headers import check_size
from batchdigits.vision.png_file import PngFile
from batchdigits.vision.reduction import times_to_reduce
from batchdigits.vision.tiff import WHITE_IS_ZERO, TiffFile, scan_with_opencv

MAX_PAGES = 10_000  # of one TIFF, as a hostile file can claim millions

# Classes rather than Image.open, which would ask every plug-in: that for EPS starts Ghostscript.
_READERS: dict[str, type[ImageFile.ImageFile]] = {
    "AVIF": AvifImagePlugin.AvifImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "JPEG": JpegImagePlugin.JpegImageFile,
    "JPEG 2000": Jpeg2KImagePlugin.Jpeg2KImageFile,
    "PNG": PngFile,
    "PNM": PpmImagePlugin.PpmImageFile,
    "TIFF": TiffFile,
    "WebP": WebPImagePlugin.WebPImageFile,
}

logging.getLogger("PIL").addHandler(logging.NullHandler())  # else its errors reach stderr where logging is not set up


class NumberedScan(NamedTuple):
    """A page: its number, from 1, or 0 for a file's only page; its scan, uint8 (H, W), or its fault."""

    number: int
    scan: Scan | None
    fault: str = ""


def read_pages(name: str, file: IO[bytes], max_pixels: int) -> Iterator[NumberedScan]:
    """The pages of an image file, each decoded when it is asked for; only TIFF has more than one.

    Args:
        name: the format, from `image_formats.sniff`.
        file: the open file, at its start.
        max_pixels: a page with more is refused from its header.
    """
    try:
        image = _open(name, file)
    except SourceError as fault:
        yield NumberedScan(0, None, str(fault))
        return
    if name != "TIFF" or not _has_second_page(image):
        yield _read(name, image, max_pixels, number=0)
        return
    for number in range(1, MAX_PAGES + 1):
        try:
            if not _seek(name, image, number - 1):
                return
        except SourceError as fault:
            yield NumberedScan(number, None, str(fault))
            return  # the later pages can only be reached through this one
        yield _read(name, image, max_pixels, number)
    yield NumberedScan(MAX_PAGES + 1, None, f"more than {MAX_PAGES:,} pages: the rest is skipped")


def read_reduced(name: str, file: IO[bytes], max_pixels: int) -> tuple[Scan | None, int]:
    """The scan of a large JPEG or JPEG 2000, reduced, and how many times; None for one that cannot be decoded so."""
    try:
        image = _open(name, file)
        check_size(image.width, image.height, max_pixels)
        times = times_to_reduce(image.width, image.height)
        if times == 1 or min(image.size) < times:
            return None, 1
        if isinstance(image, Jpeg2KImagePlugin.Jpeg2KImageFile):
            image.reduce = times.bit_length() - 1
        else:
            image.draft(None, (image.width // times, image.height // times))
        with _faults_of(name):
            return scan_of(image), times
    except SourceError:  # whoever decodes all of it names the fault
        return None, 1


def _open(name: str, file: IO[bytes]) -> ImageFile.ImageFile:
    reader = _heif_reader() if name == "HEIF" else _READERS[name]
    with _faults_of(name):
        return reader(file)


def _has_second_page(image: ImageFile.ImageFile) -> bool:
    try:
        return _seek("TIFF", image, 1)
    except SourceError:
        return True  # there is one, but it is broken: it gets its own row, as the first may be intact


def _seek(name: str, image: ImageFile.ImageFile, index: int) -> bool:
    """Seek to a page of a TIFF; False where there is no such page."""
    with _faults_of(name):
        try:
            image.seek(index)
        except EOFError:
            return False
    return True


def _read(name: str, image: ImageFile.ImageFile, max_pixels: int, number: int) -> NumberedScan:
    try:
        check_size(image.width, image.height, max_pixels)
        with _faults_of(name):
            scan = scan_with_opencv(image) if isinstance(image, TiffFile) else None
            return NumberedScan(number, scan_of(image) if scan is None else scan)
    except SourceError as fault:
        return NumberedScan(number, None, str(fault))


def scan_of(image: Image.Image) -> Scan:
    """The scan of a Pillow image, uint8 (H, W), its EXIF orientation undone."""
    image.load()
    scan = _upright(to_grey(_pixels(image)), image)
    is_deep = image.mode == "F" or image.mode.startswith("I;16")
    is_inverted = is_deep and getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == WHITE_IS_ZERO
    return 255 - scan if is_inverted else scan  # Pillow inverts up to 8 bits, and not more


_PHOTOMETRIC = 262


def _pixels(image: Image.Image) -> NDArray[Any]:
    """The decoded picture as `to_grey` takes it."""
    if image.has_transparency_data and image.mode != "I;16":
        return cv2.cvtColor(np.asarray(image.convert("RGBA")), cv2.COLOR_RGBA2BGRA)
    if image.mode == "1":
        return np.asarray(image.convert("L"))
    if image.mode in ("L", "I", "F") or image.mode.startswith("I;16"):
        return np.asarray(image)
    if image.mode == "LAB":
        return np.asarray(image.getchannel("L"))
    return cv2.cvtColor(np.asarray(image.convert("RGB")), cv2.COLOR_RGB2BGR)


def _upright(scan: Scan, image: Image.Image) -> Scan:
    """Undo the rotation of EXIF orientation (1-8); one that cannot be read counts as 1."""
    try:
        orientation = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # a hostile tag may raise anything, and the picture is intact
        orientation = 1
    if orientation in (5, 6, 7, 8):
        scan = scan.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        scan = scan[::-1]
    if orientation in (2, 3, 6, 7):
        scan = scan[:, ::-1]
    return np.ascontiguousarray(scan)


_ORIENTATION = 274


def _heif_reader() -> type[ImageFile.ImageFile]:
    try:
        from pillow_heif import HeifImageFile  # an extra, as it brings its own decoder under another licence
    except ImportError:
        raise SourceError("HEIC needs an optional package: pip install 'batchdigits[heif]'") from None
    return HeifImageFile  # type: ignore[no-any-return]


@contextmanager
def _faults_of(name: str) -> Iterator[None]:
    """Turn any exception of a plug-in into a `SourceError`, and drop its warnings."""
    try:
        with no_warnings():
            yield
    except SourceError:
        raise
    except (MemoryError, Image.DecompressionBombError):  # the latter where max_pixels is above Pillow's own limit
        raise SourceError("too large to decode") from None
    except Exception as error:
        raise SourceError(_describe(name, str(error))) from error


def _describe(name: str, reason: str) -> str:
    """Our sentence for a fault that Pillow gives a reason for."""
    if _UNSUPPORTED.search(reason):
        return f"unsupported kind of {name}"
    return f"truncated or corrupt {name}{': the data ends too early' if _ENDS_EARLY.search(reason) else ''}"


# Pillow's words
_UNSUPPORTED = re.compile("unknown pixel mode|unknown raw mode|unsupported|not (yet )?supported", re.IGNORECASE)
_ENDS_EARLY = re.compile("truncated|not enough|not processed|end of file|reached EOF|unexpected EOF", re.IGNORECASE)
