"""Decode an .npy file of one image, as an image of an array is read."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from batchdigits.files.source_error import SourceError
from batchdigits.quiet import no_warnings
from batchdigits.vision.grey import Scan, to_grey
from batchdigits.vision.headers import check_size

NPY_SIGNATURE = b"\x93NUMPY"
_HEADER_START = 10  # bytes of signature, version, and the length of the header
_BGRA = (2, 1, 0, 3)  # the order of channels of `to_grey`, from RGBA


class _Header(NamedTuple):
    shape: tuple[int, ...]
    order: Any  # "C" or "F"
    dtype: np.dtype[Any]


def scan_of_npy(data: bytes, max_pixels: int) -> Scan:
    """The scan, uint8 (H, W), of an .npy file: grey (H, W), RGB (H, W, 3) or RGBA (H, W, 4), numbers of any type.

    Args:
        data: the whole file, of version 1.0.
        max_pixels: an array with more is refused.

    Raises:
        SourceError: it is no such array, or damaged.
    """
    end = _HEADER_START + int.from_bytes(data[8:_HEADER_START], "little")
    shape, order, dtype = _read_header(data[:end])
    if not (len(shape) == 2 or (len(shape) == 3 and shape[2] in (3, 4))) or dtype.kind not in "buif":
        raise SourceError(f"not an image: an array of {dtype} {shape}")
    check_size(shape[1], shape[0], max_pixels)
    try:
        pixels = np.frombuffer(data, dtype, offset=end).reshape(shape, order=order)
    except ValueError:
        raise SourceError("truncated or corrupt array") from None
    return np.ascontiguousarray(to_grey(_as_bgr(pixels)))


def _as_bgr(pixels: NDArray[Any]) -> NDArray[Any]:
    return pixels if pixels.ndim == 2 else np.ascontiguousarray(pixels[:, :, _BGRA[: pixels.shape[2]]])


@lru_cache(maxsize=64)  # the images of an array have the same header
def _read_header(header: bytes) -> _Header:
    try:
        stream = BytesIO(header)
        npy.read_magic(stream)
        with no_warnings():  # about headers by Python 2, and about literals
            shape, is_fortran, dtype = npy.read_array_header_1_0(stream)
    except Exception:  # NumPy evaluates the header as Python's literals, which raises many types
        raise SourceError("truncated or corrupt array") from None
    return _Header(shape, "F" if is_fortran else "C", dtype)
