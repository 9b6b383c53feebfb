"""Unpack many small PNG files together: the same scans as OpenCV's.

libdeflate inflates file by file, and the filters of all files' lines are undone at once. The format is ISO/IEC 15948;
filters are its clause 9.
"""

from __future__ import annotations

import re
import struct
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import compress, pairwise

import cv2
import numpy as np
from deflate import DeflateError, crc32, zlib_decompress
from numpy.typing import NDArray

from batchdigits.vision.grey import Scans
from batchdigits.vision.png_decode import IEND
from batchdigits.vision.small_images.normalise_stack import MAX_SIDE

Lines = NDArray[np.uint8]  # (N, W)

MAX_FILE_BYTES = 2_048  # a file of 39x39 pixels that did not compress has 1,600
# A file is a signature (8 bytes), IHDR (25), IDAT, and IEND (12). A chunk is a length (4), a name (4), its content, and
# a checksum (4) of name and content.
OVERHEAD_BYTES = 57  # of a file, besides the content of IDAT
SUB, UP, AVERAGE, PAETH = 1, 2, 3, 4  # filters: they subtract the pixel before, the one above, their mean, or Paeth's

_match_beginning = re.compile(
    # IHDR: width, height, 8 bits of grey, not interlaced, and a checksum; then IDAT with its length
    rb"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0[\x01-%c]\0\0\0[\x01-%c]\x08\0\0\0\0....\0\0..IDAT" % (MAX_SIDE, MAX_SIDE),
    re.DOTALL,
).match
_number = struct.Struct(">I").unpack_from


def is_small_png(data: bytes) -> bool:
    """Whether a file is an 8-bit grey PNG of at most `MAX_SIDE` pixels each way, with IDAT right after its header."""
    return len(data) <= MAX_FILE_BYTES and _match_beginning(data) is not None


def unpack_small_pngs(files: Sequence[bytes]) -> Iterator[tuple[list[int], Scans]]:
    """Unpack those files that are intact.

    Args:
        files: whole files for which `is_small_png` is true.

    Yields:
        For each shape the indices of the intact files, and their scans, uint8 (N, H, W).
    """
    alike: defaultdict[bytes, list[int]] = defaultdict(list)
    for index, data in enumerate(files):
        alike[data[12:33]].append(index)
    for header, indices in alike.items():
        width, height = header[7], header[11]
        if crc32(header[:-4]) != int.from_bytes(header[-4:], "big"):
            continue
        inflated = _inflated(files, indices, height * (width + 1))
        if inflated:
            lines = np.frombuffer(b"".join(inflated.values()), np.uint8).reshape(-1, width + 1)
            columns = np.asarray(cv2.transpose(lines), np.uint8)
            scans = _unfiltered(columns, height)
            has_filters = (columns[0].reshape(-1, height) <= PAETH).all(axis=1)  # else it has one that is unknown
            if has_filters.any():
                yield list(compress(inflated, has_filters)), scans[has_filters]


def _inflated(files: Sequence[bytes], indices: Iterable[int], size: int) -> dict[int, bytearray]:
    """The lines of each of these files that is intact, `size` bytes, by the file's index."""
    found: dict[int, bytearray] = {}
    for index in indices:
        data = files[index]
        idat = data[37:-16]  # from its name on
        if (
            _number(data, 33)[0] + OVERHEAD_BYTES != len(data)
            or _number(data, -16)[0] != crc32(idat)
            or not data.endswith(IEND)
        ):
            continue
        try:
            lines = zlib_decompress(idat[4:], size)
        except DeflateError:  # also raised if there are more bytes than that
            continue
        if len(lines) == size:
            found[index] = lines
    return found


def _unfiltered(columns: Scans, height: int) -> Scans:
    """The scans, uint8 (N, H, W), of N files whose lines are the columns of `columns`, which is changed in place.

    Each is a filter's number and then the filtered pixels. With the lines as the last axis, NumPy works along all of
    them and not along short rows.
    """
    is_sub = np.where(columns[0] == SUB, np.uint8(255), np.uint8(0))
    for before, pixels in pairwise(columns[1:]):
        pixels += before & is_sub
    scans = np.asarray(cv2.transpose(columns[1:]), np.uint8).reshape(-1, height, len(columns) - 1)
    filters = columns[0].reshape(-1, height)
    if (filters > SUB).any():
        _undo_filters_above(scans, filters)
    return scans


def _undo_filters_above(scans: Scans, filters: NDArray[np.uint8]) -> None:
    """Undo UP, AVERAGE and PAETH in place, given the filters (N, H) of all lines.

    A line of UP is the sum of its base (the next line above with another filter) and of all differences from there on.
    """
    sums = scans.transpose(1, 0, 2).copy()
    for above, line in pairwise(sums):
        line += above
    bases = np.maximum.accumulate(np.where(filters == UP, 0, np.arange(len(sums))), axis=1)
    file, y = np.nonzero(filters >= AVERAGE)
    if len(file):
        y_above = np.maximum(y - 1, 0)  # a file's first line has none above it; its own difference to itself is 0
        base = bases[file, y_above]
        is_chained = (y > 0) & (filters[file, base] >= AVERAGE)  # then its base is the line before it in the call below
        is_known = (y > 0) & ~is_chained
        above = sums[y_above, file] - sums[base, file]
        above[is_known] += scans[file[is_known], base[is_known]]
        scans[file, y] = _undo_pixelwise(scans[file, y], above, is_chained, filters[file, y] == AVERAGE)
    file, y = np.nonzero(filters == UP)
    base = bases[file, y]
    scans[file, y] = scans[file, base] + sums[y, file] - sums[base, file]


def _undo_pixelwise(lines: Lines, above: Lines, is_chained: NDArray[np.bool_], is_average: NDArray[np.bool_]) -> Lines:
    """Undo AVERAGE and PAETH in lines, uint8 (N, W), pixel by pixel, in all lines at once.

    Where a line `is_chained`, the line above it is the sum of `above` and of the line before it in `lines`, which is
    undone in the same call. So it is treated one pixel after that line.
    """
    count, width = lines.shape
    numbers = np.arange(count)
    lags = numbers - np.maximum.accumulate(np.where(is_chained, 0, numbers))
    steps = np.arange(width)[:, None] + lags, numbers
    differences = np.zeros((width + lags.max(), count), np.int16)
    aboves = np.zeros_like(differences)
    differences[steps], aboves[steps] = lines.T, above.T
    has_average = is_average.any()
    a, b = np.zeros((2, count), np.int16)
    for pixel, pixel_above in zip(differences, aboves, strict=True):
        c, b = b, pixel_above
        b[1:] += np.where(is_chained[1:], a[:-1], 0)
        b &= 255
        # Paeth: of a (before), b (above) and c (diagonal) the one nearest to a + b - c, the first of equals.
        low, high, bound = np.minimum(a, b), np.maximum(a, b), 3 * c - a - b
        added = np.where(bound <= low, high, np.where(high <= bound, low, c))
        if has_average:
            added = np.where(is_average, (a + b) >> 1, added)
        pixel += added
        pixel &= 255
        a = pixel
    return np.asarray(differences[steps].T, np.uint8)
