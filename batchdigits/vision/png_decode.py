"""Decode PNG files as OpenCV writes them: the same pixels as OpenCV's in less time.

Such a file has no chunks but pixels, and every line of it has the filter SUB. The format is ISO/IEC 15948; filters are
its clause 9. A checksum that is wrong, and whatever else is unusual, is left to OpenCV.
"""

from __future__ import annotations

import re
import struct
import zlib

import cv2
import numpy as np
from deflate import DeflateError, crc32, zlib_decompress
from numpy.typing import NDArray

MAX_SUMMED_PIXELS = 1 << 20  # the sum of so many fits into 32 bits
SUB = b"\1"  # the filter that subtracts from each sample that of the pixel before
PROBED_LINES = 4  # which are inflated first, since nearly all other files have another filter in them
FIRST_CHUNK = 33  # behind the signature and IHDR
IEND = b"\0\0\0\0IEND\xae\x42\x60\x82"

# 8 bits, grey or RGB, not interlaced
_match_header = re.compile(rb"\x89PNG\r\n\x1a\n\0\0\0\rIHDR.{8}\x08[\0\2]\0\0\0", re.DOTALL).match
_number = struct.Struct(">I").unpack_from


def pixels_of_png(data: bytes, width: int, height: int) -> NDArray[np.uint8] | None:
    """The pixels of a file as OpenCV writes it, uint8 (H, W) in grey or (H, W, 3) in BGR; None for any other file.

    Args:
        data: the whole file.
        width: from its header.
        height: from its header.
    """
    if width * height > MAX_SUMMED_PIXELS or not _match_header(data):
        return None
    channels = 1 if data[25] == 0 else 3
    row = 1 + width * channels  # bytes of a line: its filter's number, and its samples
    packed = _packed(data)
    if packed is None or _filters(packed, row).strip(SUB):
        return None
    try:
        lines = zlib_decompress(packed, height * row)
    except DeflateError:  # also raised if there are more bytes than that
        return None
    if len(lines) != height * row or lines[::row].strip(SUB):
        return None
    differences = np.frombuffer(lines, np.uint8).reshape(height, row)[:, 1:].reshape(height, width, channels)
    # A sample is the sum of its line up to it, modulo 256: a difference between two lines of the integral image.
    sums = cv2.integral(differences).astype(np.uint8)
    pixels = sums[1:, 1:] - sums[:-1, 1:]
    return pixels if channels == 1 else np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), np.uint8)


def _packed(data: bytes) -> bytes | None:
    """The content of all IDAT chunks of a file; None if it has others, or a wrong checksum."""
    if not data.endswith(IEND) or _number(data, FIRST_CHUNK - 4)[0] != crc32(data[12 : FIRST_CHUNK - 4]):
        return None
    parts = []
    at, end = FIRST_CHUNK, len(data) - len(IEND)
    while at < end:
        (length,) = _number(data, at)
        chunk = data[at + 4 : at + 8 + length]  # from its name on
        at += 12 + length
        if at > end or not chunk.startswith(b"IDAT") or _number(data, at - 4)[0] != crc32(chunk):
            return None
        parts.append(chunk[4:])
    return b"".join(parts)


def _filters(packed: bytes, row: int) -> bytes:
    """The filters of the first lines; empty if these cannot be inflated."""
    size = PROBED_LINES * row
    try:
        return zlib.decompressobj().decompress(packed[:size], size)[::row]
    except zlib.error:
        return b""
