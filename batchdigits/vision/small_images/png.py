"""Small plain PNG files, unpacked many together: the same scans as OpenCV's, in half of the time.

On a picture of 28x28 libpng is all start and no work. So libdeflate inflates file by file, and what the lines were
filtered with is undone for all files at once. The format is ISO/IEC 15948; filters are its clause 9.
"""

from __future__ import annotations

import re
import struct
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import cv2
import numpy as np
from deflate import DeflateError, crc32, zlib_decompress
from numpy.typing import NDArray

from batchdigits.vision.grey import Scans

Lines = NDArray[np.uint8]  # (N, W)

LONGEST = 39  # pixels each way: what `normalise_stack` takes
MOST_BYTES = 2_048  # of a file: one of 39x39 that did not compress has 1,600
# A file is a signature (8 bytes), IHDR (25), IDAT, and IEND (12). A chunk is a length (4), a name (4), what it holds,
# and a checksum (4) of that and the name.
OTHER_BYTES = 57  # of a file: what IDAT does not hold
IEND = b"\0\0\0\0IEND\xae\x42\x60\x82"
SUB, UP, AVERAGE, PAETH = 1, 2, 3, 4  # filters: a pixel less the one before it, the one above, half of both, or either
FILTERS = bytes(range(5))

_begins_plainly = re.compile(
    # IHDR: width, height, 8 bits of grey, not interlaced, and a checksum; then IDAT with its length
    rb"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0[\x01-%c]\0\0\0[\x01-%c]\x08\0\0\0\0....\0\0..IDAT" % (LONGEST, LONGEST),
    re.DOTALL,
).match
_number = struct.Struct(">I").unpack_from


def is_small_png(data: bytes) -> bool:
    """Whether a file begins like one of ours: 8 bits of grey, at most `LONGEST` pixels each way, and at once."""
    return len(data) <= MOST_BYTES and _begins_plainly(data) is not None


def unpack_small_pngs(files: Sequence[bytes]) -> Iterator[tuple[list[int], Scans]]:
    """Unpack those files that are as they should be.

    Args:
        files: whole files for which `is_small_png` is true.

    Yields:
        The places among `files` of some whose scans are of one shape, and these scans, uint8 (N, H, W).
    """
    alike: defaultdict[bytes, list[int]] = defaultdict(list)
    for place, data in enumerate(files):
        alike[data[12:33]].append(place)
    for header, places in alike.items():
        width, height = header[7], header[11]
        if crc32(header[:-4]) != int.from_bytes(header[-4:], "big"):
            continue
        inflated = _inflated([files[place] for place in places], height, width + 1)
        if inflated:
            yield [places[index] for index in inflated], _unfiltered(inflated.values(), height, width + 1)


def _inflated(files: Sequence[bytes], height: int, row: int) -> dict[int, bytearray]:
    """The lines, each of `row` bytes, of those files that are as they should be, by place."""
    found: dict[int, bytearray] = {}
    for place, data in enumerate(files):
        idat = data[37:-16]  # from its name on
        (length,), (checksum,) = _number(data, 33), _number(data, -16)
        if length + OTHER_BYTES != len(data) or checksum != crc32(idat) or not data.endswith(IEND):
            continue
        try:
            lines = zlib_decompress(idat[4:], height * row)
        except DeflateError:  # more than that, too
            continue
        if len(lines) == height * row and not lines[::row].strip(FILTERS):
            found[place] = lines
    return found


def _unfiltered(files: Iterable[bytearray], height: int, row: int) -> Scans:
    """Scans, uint8 (N, H, W), from the lines of N files: `height` times a filter's number and the pixels behind it."""
    # Line beside line, so that NumPy works along all of them and not along short rows.
    columns = cv2.transpose(np.frombuffer(b"".join(files), np.uint8).reshape(-1, row))
    less_before = np.where(columns[0] == SUB, np.uint8(255), np.uint8(0))
    for before, pixels in pairwise(columns[1:]):
        pixels += before & less_before
    scans = np.asarray(cv2.transpose(columns[1:]), np.uint8).reshape(-1, height, row - 1)
    filters = columns[0].reshape(-1, height)
    if (filters > SUB).any():
        _add_what_is_above(scans, filters)
    return scans


def _add_what_is_above(scans: Scans, filters: NDArray[np.uint8]) -> None:
    """Undo UP, AVERAGE and PAETH in place, by the filters (N, H) of all lines.

    A line of UP is its base, the next line above it that is not of UP, and all differences from there on.
    """
    sums = scans.transpose(1, 0, 2).copy()
    for above, line in pairwise(sums):
        line += above
    bases = np.maximum.accumulate(np.where(filters == UP, 0, np.arange(len(sums))), axis=1)
    file, y = np.nonzero(filters >= AVERAGE)
    if len(file):
        over = np.maximum(y - 1, 0)  # over the first line is nothing, and from that line to itself no difference
        base = bases[file, over]
        follows = (y > 0) & (filters[file, base] >= AVERAGE)  # then its base is the line before it here
        known = (y > 0) & ~follows
        above = sums[over, file] - sums[base, file]
        above[known] += scans[file[known], base[known]]
        scans[file, y] = _add_what_is_around(scans[file, y], above, follows, filters[file, y] == AVERAGE)
    file, y = np.nonzero(filters == UP)
    base = bases[file, y]
    scans[file, y] = scans[file, base] + sums[y, file] - sums[base, file]


def _add_what_is_around(lines: Lines, above: Lines, follows: NDArray[np.bool_], average: NDArray[np.bool_]) -> Lines:
    """Undo AVERAGE and PAETH in lines, uint8 (N, W), pixel after pixel, in all lines at once.

    Where a line `follows` the one before it, that has to be added to what is `above`. It lags behind that by a pixel,
    which is then known.
    """
    count, width = lines.shape
    numbers = np.arange(count)
    lags = numbers - np.maximum.accumulate(np.where(follows, 0, numbers))
    steps = np.arange(width)[:, None] + lags, numbers
    differences = np.zeros((width + lags.max(), count), np.int16)
    overs = np.zeros_like(differences)
    differences[steps], overs[steps] = lines.T, above.T
    halves = average.any()
    a, b = np.zeros((2, count), np.int16)
    for pixel, over in zip(differences, overs, strict=True):
        c, b = b, over
        b[1:] += np.where(follows[1:], a[:-1], 0)
        b &= 255
        # Of a before, b above and c between, what is next to a + b - c, and of equals the first.
        low, high, bound = np.minimum(a, b), np.maximum(a, b), 3 * c - a - b
        added = np.where(bound <= low, high, np.where(high <= bound, low, c))
        if halves:
            added = np.where(average, (a + b) >> 1, added)
        pixel += added
        pixel &= 255
        a = pixel
    return np.asarray(differences[steps].T, np.uint8)
