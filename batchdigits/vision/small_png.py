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

from batchdigits.vision.normalise_many import SMALL, Scans

MOST_BYTES = 2_048  # of a file: SMALL x SMALL pixels that did not compress have 1,600
OTHER_BYTES = 57  # of a file: what is not in IDAT
IEND = b"\0\0\0\0IEND\xae\x42\x60\x82"
TRIES = 8  # files that tell whether the others are worth it
SUB, UP = 1, 2  # filters: a pixel less the one before it, or less the one above; 0 is none
ONE_NEIGHBOUR = bytes((0, SUB, UP))

_begins_plainly = re.compile(
    # IHDR: width, height, 8 bits of grey, not interlaced, and a checksum; then IDAT with its length
    rb"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0[\x01-%c]\0\0\0[\x01-%c]\x08\0\0\0\0....\0\0..IDAT" % (SMALL, SMALL),
    re.DOTALL,
).match
_length_and_checksum = struct.Struct(">II").unpack


def is_small_png(data: bytes) -> bool:
    """Whether a file begins like one of ours: 8 bits of grey, at most `SMALL` pixels each way, nothing before them."""
    return len(data) <= MOST_BYTES and _begins_plainly(data) is not None


def unpack_small_pngs(files: Sequence[bytes]) -> Iterator[tuple[list[int], Scans]]:
    """Unpack what can be unpacked here.

    The rest is whatever is not as it should be, or has lines filtered with three neighbours, which cannot be undone
    for many at once: OpenCV writes no such lines, Pillow some in most files.

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
    """The lines, each of `row` bytes, of the files that can be unpacked here, by place; of none more if most cannot."""
    found: dict[int, bytearray] = {}
    for place, data in enumerate(files):
        if place >= TRIES and 2 * len(found) < place:
            break
        idat = data[37:-16]  # from its name on
        length, checksum = _length_and_checksum(data[33:37] + data[-16:-12])
        if length + OTHER_BYTES != len(data) or checksum != crc32(idat) or not data.endswith(IEND):
            continue
        try:
            lines = zlib_decompress(idat[4:], height * row)
        except DeflateError:  # more than that, too
            continue
        if len(lines) == height * row and not lines[::row].strip(ONE_NEIGHBOUR):
            found[place] = lines
    return found


def _unfiltered(files: Iterable[bytearray], height: int, row: int) -> Scans:
    """Scans, uint8 (N, H, W), from the lines of N files: `height` times a filter's number and the pixels behind it."""
    # Line beside line, so that NumPy works along all of them and not along short rows.
    columns = cv2.transpose(np.frombuffer(b"".join(files), np.uint8).reshape(-1, row))
    filters, pixels = columns[0], columns[1:]
    subtracted = np.where(filters == SUB, np.uint8(255), np.uint8(0))
    for before, pixel in pairwise(pixels):
        pixel += before & subtracted
    scans = np.asarray(cv2.transpose(pixels), np.uint8).reshape(-1, height, row - 1)
    less_above = filters.reshape(-1, height) == UP
    for y in np.flatnonzero(less_above[:, 1:].any(axis=0)) + 1:
        scans[less_above[:, y], y] += scans[less_above[:, y], y - 1]
    return scans
