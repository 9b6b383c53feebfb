"""From a source to its scans. OpenCV reads the plain files, Pillow the rest and whatever OpenCV refuses."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import IO, Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from batchdigits.files.image_formats import Header, hint, read_header, sniff
from batchdigits.files.remote import is_url, read_url
from batchdigits.files.source_error import SourceError, check_size, describe_os_error, one_line
from batchdigits.vision.grey import Scan, is_flat, to_grey
from batchdigits.vision.small_images.png import is_small_png

MAX_PIXELS = 100_000_000  # A4 at 600 dpi has 35 million; decoding 100 million takes 0.25 GB (JPEG) to 1.5 GB (alpha)
MAX_FILE_BYTES = 1 << 30  # more than MAX_PIXELS of 16-bit RGB; a TIFF may be larger, as only one page is ever read
AT_ONCE = 1 << 18  # bytes read before the format is known: nearly every scan, whole

# OpenCV logs what it refuses; the row's detail says it.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


class Page(NamedTuple):
    """One source decoded: its scan, uint8 (H, W), any polarity; or None and the fault that prevented it.

    What `decode` has left packed is the whole file, for `unpack_small_pngs` or `decode_packed`.
    """

    source: str
    scan: Scan | None
    fault: str = ""
    packed: bytes = b""


def look(path: str) -> os.stat_result | None:
    """What the system knows of a file, for `decode`; None where it knows nothing."""
    try:
        return os.stat(path)  # noqa: PTH116 - a Path costs more than the rest
    except (OSError, ValueError):
        return None


def decode(
    path: str, max_pixels: int = MAX_PIXELS, status: os.stat_result | None = None, *, pack: bool = False
) -> Iterable[Page]:
    """Decode one file into its pages, by its content and not its name; at least one page, whatever is wrong.

    Args:
        path: the file, or its URL, as the user typed it.
        max_pixels: a picture with more is refused from its header.
        status: what `look` said of it, where that is known.
        pack: leave a file that is unpacked faster together with others of its kind as it is.

    Returns:
        One page, or for a TIFF of several pages each of them, with `#1`, `#2`... after the path, read one at a time.
    """
    try:
        if is_url(path):
            data = read_url(path)
            return _decode_whole(path, _name_of(data), data, max_pixels)
        return _decode_file(path, max_pixels, status, pack)
    except Exception as error:
        return (Page(path, None, _fault_of(path, error)),)


def decode_packed(page: Page) -> Page:
    """The page that `decode` has left packed, as it would have been without."""
    try:
        (decoded,) = _decode_whole(page.source, "PNG", page.packed, MAX_PIXELS)
    except Exception as error:
        return Page(page.source, None, _fault_of(page.source, error))
    return decoded


def _fault_of(path: str, error: Exception) -> str:
    """What is wrong with a file, of which reading it raised `error`."""
    if isinstance(error, SourceError):
        return str(error)
    if isinstance(error, OSError):
        return describe_os_error(path, error)
    if isinstance(error, MemoryError):
        return "too large to decode"
    # The last net: a row, not a crash, for what nobody thought of.
    return one_line(f"cannot be decoded: {str(error) or type(error).__name__}")


def _size_of(path: str, status: os.stat_result | None) -> int:
    """Size in bytes of a regular file; opening a fifo would wait for its writer, and a device may act on it."""
    try:
        status = status or os.stat(path)  # noqa: PTH116 - as for open
    except ValueError:  # a NUL in the name
        raise SourceError("no such file") from None
    if stat.S_ISREG(status.st_mode):
        if status.st_size == 0:
            raise SourceError("empty file")
        return status.st_size
    if stat.S_ISDIR(status.st_mode):
        raise SourceError("is a directory" if os.access(path, os.R_OK | os.X_OK) else "permission denied")
    raise SourceError("not a regular file")


def _decode_file(path: str, max_pixels: int, status: os.stat_result | None, pack: bool) -> Iterable[Page]:
    size = _size_of(path, status)
    data = _begin(path, size)
    if pack and is_small_png(data):
        return (Page(path, None, "", data),)
    name = _name_of(data)
    if name == "TIFF":
        return _decode_with_pillow(path, name, Path(path).open("rb"), max_pixels)
    if size > MAX_FILE_BYTES:
        raise SourceError(f"too large: {size / 1e9:.1f} GB, and the limit is {MAX_FILE_BYTES / 1e9:.1f} GB")
    if size > len(data):
        with Path(path).open("rb") as file:
            data = file.read(size)
    return _decode_whole(path, name, data, max_pixels)


def _begin(path: str, size: int) -> bytes:
    """The first AT_ONCE bytes of a file. The system's own calls take 4 us, of about 20 for a small file; `open`, 6."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, min(size, AT_ONCE))
    finally:
        os.close(descriptor)


def _name_of(data: bytes) -> str:
    name = sniff(data)
    if name is None:
        raise SourceError(f"not an image{hint(data)}")
    return name


def _decode_whole(path: str, name: str, data: bytes, max_pixels: int) -> Iterable[Page]:
    header = read_header(name, data)
    if header is not None:
        check_size(header.width, header.height, max_pixels)
        scan = _read_with_opencv(name, data, header)
        if scan is not None:
            return (Page(path, scan),)
    return _decode_with_pillow(path, name, BytesIO(data), max_pixels)


def _decode_with_pillow(path: str, name: str, file: IO[bytes], max_pixels: int) -> Iterator[Page]:
    try:
        from batchdigits.vision.pillow_decode import read_pages  # 45 ms, of the 250 that classifying one image takes

        with file:
            for number, scan, fault in read_pages(name, file, max_pixels):
                yield Page(f"{path}#{number}" if number else path, scan, fault)
    except Exception as error:
        yield Page(path, None, _fault_of(path, error))


def _read_with_opencv(name: str, data: bytes, header: Header) -> Scan | None:
    """The scan of a plain file, or None where OpenCV is not the one to ask, or has refused."""
    if header.pixels is None:
        return None
    if header.pixels == "grey" or name == "JPEG":
        scan = _imdecode(data, cv2.IMREAD_GRAYSCALE)
        if header.pixels == "grey" or scan is None or not is_flat(scan):
            return scan  # a JPEG stores luma as it is: without its colours it is read in 60 % of the time
    pixels = _imdecode(data, cv2.IMREAD_COLOR if header.pixels == "colour" else cv2.IMREAD_UNCHANGED)
    return None if pixels is None else to_grey(pixels)


def _imdecode(data: bytes, flag: int) -> NDArray[Any] | None:
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    except cv2.error:
        return None
