"""Read the headers of image files, before any decoding."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from functools import lru_cache
from typing import Literal, NamedTuple

from batchdigits.files.image_formats import HEAD_BYTES
from batchdigits.files.source_error import SourceError

Pixels = Literal["grey", "colour", "alpha", "deep"]


class Header(NamedTuple):
    """The size in pixels, and how OpenCV decodes the file correctly.

    `pixels` is `grey` or `colour` (8 bits, and no other part of the file changes the picture), `alpha` (8 or 16 bits),
    `deep` (16 bits, no alpha), or None where OpenCV misreads such files and Pillow has to decode them.
    """

    width: int
    height: int
    pixels: Pixels | None


def check_size(width: int, height: int, max_pixels: int) -> None:
    """Refuse an image by the size that its header states.

    Raises:
        SourceError: it has more than `max_pixels` pixels, or none.
    """
    if width < 1 or height < 1:
        raise SourceError("corrupt: an image without pixels")
    if width * height > max_pixels:
        raise SourceError(f"too large: {width} x {height} pixels, and the limit is {max_pixels / 1e6:g} million")


def read_header(name: str, data: bytes) -> Header | None:
    """The header of a file that OpenCV may decode; None for a format that is left to Pillow, and for a broken header.

    Args:
        name: the format, from `sniff`.
        data: the whole file.
    """
    reader = _READERS.get(name)
    try:
        return reader(data) if reader else None
    except (struct.error, IndexError):
        return None


def _read_png(data: bytes) -> Header | None:
    if data[12:16] != b"IHDR":
        return None
    header = _read_ihdr(data[:26])
    first = data.find(b"IDAT", 33)
    if (first != 37 and _png_is_for_pillow(data, 33, first)) or not _holds_its_chunks(data):
        return header._replace(pixels=None)
    return header


@lru_cache(maxsize=64)  # most files of a folder have the same header
def _read_ihdr(head: bytes) -> Header:
    width, height, depth, colour_type = struct.unpack_from(">IIBB", head, 16)
    if colour_type in (4, 6):
        return Header(width, height, "alpha")
    if depth == 16:
        return Header(width, height, "deep")
    return Header(width, height, "grey" if colour_type == 0 else "colour")


# Palette transparency, animation, and the three ways to give an orientation: OpenCV honours only some of them.
_png_is_for_pillow = re.compile(rb"tRNS|acTL|eXIf|Raw profile type|XML:com\.adobe\.xmp").search


def _holds_its_chunks(data: bytes) -> bool:
    """Whether every chunk ends within the file: OpenCV 5 allocates and clears the 4 GB that a broken length claims."""
    at = 8
    end = len(data)
    while at + 4 <= end:
        at += 12 + _length_of(data, at)[0]
    return at == end


_length_of = struct.Struct(">I").unpack_from


def _read_jpeg(data: bytes) -> Header | None:
    at = 2
    xmp = False
    while data[at] == 0xFF:
        marker = data[at + 1]
        if marker in _JPEG_FRAMES:
            depth, height, width, channels = struct.unpack_from(">BHHB", data, at + 4)
            plain = depth == 8 and channels in (1, 3) and not xmp
            return Header(width, height, ("grey" if channels == 1 else "colour") if plain else None)
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        xmp = xmp or (marker == 0xE1 and b"tiff:Orientation" in data[at : at + length])  # Pillow honours it
        at += 2 + length
    return None


_JPEG_FRAMES = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}


def _read_webp(data: bytes) -> Header | None:
    chunk = data[12:16]
    if chunk == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", data, 26)
        return Header(width & 0x3FFF, height & 0x3FFF, "colour")
    if chunk == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")  # 14 bits of width - 1, 14 of height - 1, 1 of alpha
        return Header((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, None if bits >> 28 & 1 else "colour")
    if chunk == b"VP8X":  # alpha, animation or metadata
        return Header(int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1, None)
    return None


def _read_bmp(data: bytes) -> Header | None:
    if data[14:18] == b"\x0c\0\0\0":  # the oldest header, with 16-bit sizes
        width, height = struct.unpack_from("<HH", data, 18)
        return Header(width, height, None)
    width, height, _, depth, compression = struct.unpack_from("<iiHHI", data, 18)
    return Header(abs(width), abs(height), "colour" if compression == 0 and depth in (1, 4, 8, 24) else None)


def _read_pnm(data: bytes) -> Header | None:
    plain = re.match(rb"P([56])\s(\d{1,9})\s(\d{1,9})\s255\s", data[:HEAD_BYTES])
    if plain is None:
        return None
    return Header(int(plain[2]), int(plain[3]), "grey" if plain[1] == b"5" else "colour")


_READERS: dict[str, Callable[[bytes], Header | None]] = {
    "PNG": _read_png,
    "JPEG": _read_jpeg,
    "WebP": _read_webp,
    "BMP": _read_bmp,
    "PNM": _read_pnm,
}
