"""Images as programs have them: paths, bytes, file objects, Pillow images and NumPy arrays become scans."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from itertools import islice
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from batchdigits.files.content import Content
from batchdigits.files.source_error import SourceError, describe_error, one_line
from batchdigits.vision.decode import MAX_FILE_BYTES, Page, decode, decode_content
from batchdigits.vision.grey import Scan, to_grey

Image = Any  # what `page_of` accepts
READ_BYTES = 1 << 24  # of a file object at a time
ACCEPTED = "a path, bytes, a binary file object, a Pillow image, or a NumPy array"
ACCEPTED_ARRAYS = "(H, W), (H, W, 3) or (H, W, 4) of uint8, uint16, bool, or floats from 0 to 1"


def page_of(image: Image, *, reduced: bool = False) -> Page:
    """The scan of an image, or the fault because of which it has none, such as several pages.

    Args:
        image: a path or URL; the bytes of an image file; a binary file object with them; a Pillow image; or a NumPy
            array, grey (H, W), RGB (H, W, 3) or RGBA (H, W, 4), of uint8, uint16, bool, or floats from 0 to 1.
        reduced: as for `decode`, if the image is a file, or its bytes.

    Raises:
        TypeError: the image has none of these types.
    """
    source, pages = _decoded(image, reduced)
    first, *others = islice(pages, 2)
    if others:
        return Page(source, None, "several pages: batchdigits.classify has a prediction for each")
    return first._replace(source=source)


def pages_of(image: Image) -> Iterable[Page]:
    """The pages of an image, one or more; see `page_of`."""
    return _decoded(image, reduced=False)[1]


def is_single(images: object) -> bool:
    """Whether this is one image, and neither an array nor several images: an iterator would give parts of it."""
    is_file = isinstance(images, str | bytes | bytearray | memoryview | os.PathLike) or hasattr(images, "read")
    return is_file or _is_pillow_image(images)


def _decoded(image: Image, reduced: bool) -> tuple[str, Iterable[Page]]:
    """The name of an image, and its pages."""
    if isinstance(image, str | os.PathLike):
        path = os.fsdecode(image)
        return path, decode(path, reduced=reduced)
    if isinstance(image, np.ndarray):
        _check_array(image)
        return "", _page("", lambda: _scan_of_array(image))
    if isinstance(image, bytes | bytearray | memoryview):
        return "", _pages_of_bytes("", bytes(image), reduced)
    if _is_pillow_image(image):
        name = _name(image, "filename")
        return name, _page(name, lambda: _scan_of_pillow_image(image))
    if hasattr(image, "read"):
        name = _name(image, "name")
        return name, _pages_of_file(name, image, reduced)
    raise TypeError(f"an image is {ACCEPTED}, not {type(image).__name__}")


def _page(source: str, make_scan: Callable[[], Scan]) -> tuple[Page]:
    try:
        return (Page(source, make_scan()),)
    except Exception as error:
        return (Page(source, None, describe_error(source, error)),)


def _pages_of_bytes(source: str, data: bytes, reduced: bool) -> Iterable[Page]:
    if not data:
        return (Page(source, None, "empty file"),)
    return decode_content(Content(source, data, len(data)), reduced=reduced)


def _pages_of_file(source: str, file: IO[bytes], reduced: bool) -> Iterable[Page]:
    if getattr(file, "closed", False):
        return (Page(source, None, "a closed file"),)
    pieces, size = [], 0
    while size <= MAX_FILE_BYTES:
        try:
            piece = file.read(READ_BYTES)  # an unbuffered file gives less than that before its end
        except Exception as error:
            return (Page(source, None, describe_error(source, error)),)
        if not isinstance(piece, bytes):
            raise TypeError(f"a file object is opened in binary mode; this one gives {type(piece).__name__}")
        if not piece:
            break
        pieces.append(piece)
        size += len(piece)
    return _pages_of_bytes(source, b"".join(pieces), reduced)


def _name(image: object, attribute: str) -> str:
    """The name of the file that an object was made from; empty if it has none."""
    name = getattr(image, attribute, "")
    return name if isinstance(name, str) else ""


def _is_pillow_image(image: object) -> bool:
    pillow = sys.modules.get("PIL.Image")  # a caller who has a Pillow image has loaded Pillow
    return pillow is not None and isinstance(image, pillow.Image)


def _scan_of_pillow_image(image: Any) -> Scan:
    from batchdigits.vision.pillow_decode import scan_of

    if not image.width or not image.height:
        raise SourceError("an image without pixels")
    try:
        return scan_of(image)
    except (OSError, ValueError) as error:  # it is truncated, closed, or of a mode that Pillow does not convert
        raise SourceError(one_line(f"cannot be decoded: {error}")) from None


def _check_array(array: NDArray[Any]) -> None:
    has_shape = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))
    kind = array.dtype.newbyteorder("=")
    if not has_shape or not (kind in (np.uint8, np.uint16, np.bool_) or kind.kind == "f"):
        raise TypeError(f"an array is {ACCEPTED_ARRAYS}, not {array.dtype} {array.shape}")


def _scan_of_array(array: NDArray[Any]) -> Scan:
    if not array.size:
        raise SourceError("an image without pixels")
    if array.dtype.kind == "f" and not (np.isfinite(array).all() and array.min() >= 0 and array.max() <= 1):
        raise SourceError("floats that are not from 0 to 1")
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if array.ndim == 3:
        array = np.ascontiguousarray(array[:, :, (2, 1, 0, 3)[: array.shape[2]]])
    return np.ascontiguousarray(to_grey(array))
