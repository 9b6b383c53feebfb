"""Decode a file to the scans of its pages, with OpenCV if it is plain, else, or if OpenCV refuses it, with Pillow."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from functools import cache, partial
from io import BytesIO
from typing import IO, Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from batchdigits.files.archives import archive_fault
from batchdigits.files.content import Content, read_content
from batchdigits.files.image_formats import describe_unknown, sniff
from batchdigits.files.page_names import page_name
from batchdigits.files.preview_mark import is_preview
from batchdigits.files.source_error import SourceError, describe_error
from batchdigits.vision.grey import Scan, is_flat, to_grey
from batchdigits.vision.headers import Header, check_size, read_header
from batchdigits.vision.npy_decode import NPY_SIGNATURE, scan_of_npy
from batchdigits.vision.png_decode import pixels_of_png
from batchdigits.vision.reduction import Reduction, times_to_reduce

MAX_PIXELS = 100_000_000  # A4 at 600 dpi has 35 million; decoding 100 million takes 0.25 GB (JPEG) to 1.5 GB (alpha)
MAX_FILE_BYTES = 1 << 30  # MAX_PIXELS of 16-bit RGB take less; a TIFF may be larger, as it is read page by page

# OpenCV logs each file that it refuses; the row's detail says so instead.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

# OpenCV's flags for grey and for colour, by how many times a JPEG is reduced.
_FLAGS = {
    1: (cv2.IMREAD_GRAYSCALE, cv2.IMREAD_COLOR),
    2: (cv2.IMREAD_REDUCED_GRAYSCALE_2, cv2.IMREAD_REDUCED_COLOR_2),
    4: (cv2.IMREAD_REDUCED_GRAYSCALE_4, cv2.IMREAD_REDUCED_COLOR_4),
    8: (cv2.IMREAD_REDUCED_GRAYSCALE_8, cv2.IMREAD_REDUCED_COLOR_8),
}


class Page(NamedTuple):
    """One decoded source.

    Attributes:
        source: the path as typed, with `#N` for a page of a multi-page file.
        scan: uint8 (H, W), of either polarity; None if the source could not be decoded.
        fault: why it could not; else empty.
        reduction: how the scan was reduced; None if it was not.
    """

    source: str
    scan: Scan | None
    fault: str = ""
    reduction: Reduction | None = None


def decode(
    path: str, max_pixels: int = MAX_PIXELS, status: os.stat_result | None = None, *, reduced: bool = False
) -> Iterable[Page]:
    """Decode a file, by its content and not by its name.

    Args:
        path: the file, or its URL, as the user typed it.
        max_pixels: an image with more is refused by its header.
        status: the file's status from `file_status`; None if it is not known yet.
        reduced: whether a large JPEG or JPEG 2000 is decoded in a half, a quarter or an eighth of its size.

    Returns:
        One page; for a TIFF or PDF of several pages each of them, with `#1`, `#2`... after the path, decoded one at a
        time. A file that cannot be read or decoded gives one page with its fault.
    """
    try:
        content = read_content(path, status)
    except Exception as error:
        return (Page(path, None, describe_error(path, error)),)
    return decode_content(content, max_pixels, reduced=reduced)


def decode_content(content: Content, max_pixels: int = MAX_PIXELS, *, reduced: bool = False) -> Iterable[Page]:
    """Do what `decode` does, for a file whose first bytes have been read."""
    try:
        return _decode(content, max_pixels, reduced)
    except Exception as error:
        return (Page(content.source, None, describe_error(content.source, error)),)


def _decode(content: Content, max_pixels: int, reduced: bool) -> Iterable[Page]:
    name = sniff(content.data)
    if name is None:
        if fault := archive_fault(content.source):
            raise SourceError(fault)
        if content.data.startswith(NPY_SIGNATURE):
            return (Page(content.source, scan_of_npy(_whole(content), max_pixels)),)
        raise SourceError(f"not an image{describe_unknown(content.data)}")
    if name == "PDF":
        return _decode_pdf(content.source, _whole(content), max_pixels)
    if is_preview(content.data):
        raise SourceError("a preview that batchdigits drew, not a scan")
    if name == "TIFF" and not content.is_whole:  # its pages are read one by one
        return _decode_with_pillow(content.source, name, content.open(), max_pixels)
    data = _whole(content)
    header = read_header(name, data)
    if header is not None:
        check_size(header.width, header.height, max_pixels)
        times = times_to_reduce(header.width, header.height) if reduced and name == "JPEG" else 1
        scan = _decode_with_opencv(name, data, header, times)
        if scan is not None and (times == 1 or scan.size == header.width * header.height):  # lossless JPEG stays whole
            return (Page(content.source, scan),)
        if scan is not None:
            enlarge = cache(partial(_decode_with_opencv, name, data, header))
            return (Page(content.source, scan, reduction=Reduction(times, enlarge)),)
    if reduced and name in ("JPEG", "JPEG 2000"):
        page = _decode_reduced_with_pillow(content.source, name, data, max_pixels)
        if page is not None:
            return (page,)
    return _decode_with_pillow(content.source, name, BytesIO(data), max_pixels)


def _whole(content: Content) -> bytes:
    if content.size > MAX_FILE_BYTES:
        raise SourceError(f"too large: {content.size / 1e9:.1f} GB, and the limit is {MAX_FILE_BYTES / 1e9:.1f} GB")
    if content.is_whole:
        return content.data
    with content.open() as file:
        return file.read(content.size)


def _decode_with_opencv(name: str, data: bytes, header: Header, times: int = 1) -> Scan | None:
    """The scan of a plain file, reduced so many times; None where OpenCV would misread it, or refuses it."""
    if header.pixels is None:
        return None
    if name == "PNG" and (unpacked := pixels_of_png(data, header.width, header.height)) is not None:
        return to_grey(unpacked)
    grey, colour = _FLAGS[times]
    if header.pixels == "grey" or (name == "JPEG" and times == 1):
        scan = _imdecode(data, grey)
        if header.pixels == "grey" or scan is None or not is_flat(scan):
            return scan  # a JPEG stores luma as it is, and decoding it without its colours is faster
    pixels = _imdecode(data, colour if header.pixels == "colour" else cv2.IMREAD_UNCHANGED)
    return None if pixels is None else to_grey(pixels)


def _imdecode(data: bytes, flag: int) -> NDArray[Any] | None:
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    except cv2.error:
        return None


def _decode_pdf(source: str, data: bytes, max_pixels: int) -> Iterator[Page]:
    try:
        from batchdigits.vision.pdf_decode import read_pdf_pages

        for number, scan, fault in read_pdf_pages(data, max_pixels):
            yield Page(page_name(source, number) if number else source, scan, fault)
    except Exception as error:
        yield Page(source, None, describe_error(source, error))


def _decode_reduced_with_pillow(source: str, name: str, data: bytes, max_pixels: int) -> Page | None:
    """The page of a large image; None for a small one, and for one that cannot be decoded so."""
    from batchdigits.vision.pillow_decode import read_reduced

    scan, times = read_reduced(name, BytesIO(data), max_pixels)
    if scan is None:
        return None
    enlarge = cache(lambda: next(_decode_with_pillow(source, name, BytesIO(data), max_pixels)).scan)
    return Page(source, scan, reduction=Reduction(times, enlarge))


def _decode_with_pillow(source: str, name: str, file: IO[bytes], max_pixels: int) -> Iterator[Page]:
    try:
        from batchdigits.vision.pillow_decode import read_pages  # Pillow takes long to import, and few files need it

        with file:
            for number, scan, fault in read_pages(name, file, max_pixels):
                yield Page(page_name(source, number) if number else source, scan, fault)
    except Exception as error:
        yield Page(source, None, describe_error(source, error))
