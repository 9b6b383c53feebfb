"""Which image format a file is in, by its suffix or its first bytes, and what its header says before any decoding."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from functools import lru_cache
from typing import Literal, NamedTuple

HEAD_BYTES = 64  # enough for every signature below, the list of brands of an AVIF or HEIF file included

IMAGE_SUFFIXES = frozenset(
    (
        *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".dib", ".gif", ".tif", ".tiff"),
        *(".pnm", ".pgm", ".ppm", ".pbm", ".avif", ".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx"),
        *(".heic", ".heif", ".hif"),
    )
)

Pixels = Literal["grey", "colour", "alpha", "deep"]


class Header(NamedTuple):
    """What a header says: the size in pixels, and how OpenCV has to be asked to get the picture right.

    `pixels` is `grey` or `colour` (8 bits, nothing else in the file matters), `alpha` (8 or 16 bits), `deep`
    (16 bits, no alpha), or None where OpenCV gets such files wrong and Pillow has to read them.
    """

    width: int
    height: int
    pixels: Pixels | None


def sniff(head: bytes) -> str | None:
    """Name the format whose signature `head` (a file's first `HEAD_BYTES` or more) carries; None: not an image."""
    head = head[:HEAD_BYTES]
    for signature, name in _SIGNATURES.items():
        if head.startswith(signature):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head[:2] == b"BM" and head[14:18] in _BMP_HEADERS:  # two letters alone begin many a text
        return "BMP"
    if re.match(rb"P[1-6]\s+[#\d]", head):
        return "PNM"
    if head[4:8] == b"ftyp":
        return _sniff_brands(head)
    return None


_SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",  # BigTIFF
    b"MM\0+": "TIFF",
    b"\0\0\0\x0cjP  \r\n\x87\n": "JPEG 2000",
    b"\xff\x4f\xff\x51": "JPEG 2000",  # a bare code stream
}
_BMP_HEADERS = {struct.pack("<I", size) for size in (12, 40, 52, 56, 64, 108, 124)}  # every version of its header
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}


def hint(head: bytes) -> str:
    """What a file that is no image of ours looks like, to go behind "not an image"; empty where unknown."""
    what = next((name for signature, name in _STRANGERS.items() if head.startswith(signature)), None)
    return f" that batchdigits reads ({what})" if what else ""


_STRANGERS = {
    b"%PDF": "PDF",
    b"8BPS": "Photoshop",
    b"\0\0\x01\0": "ICO",
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL ": "JPEG XL",
    b"%!PS": "PostScript",
    b"<svg": "SVG",
}


def _sniff_brands(head: bytes) -> str | None:
    """AVIF and HEIF share one container; the list of brands tells them apart."""
    end = min(len(head), int.from_bytes(head[:4], "big"))
    brands = {head[8:12]} | {head[at : at + 4] for at in range(16, end, 4)}
    if brands & {b"avif", b"avis"}:
        return "AVIF"
    return "HEIF" if brands & _HEIF_BRANDS else None


def read_header(name: str, data: bytes) -> Header | None:
    """The header of a file that OpenCV may decode; None where the format is left to Pillow or the header is broken.

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


@lru_cache(maxsize=64)  # most files of a folder are of one kind, and this is 1 % of what a small one takes
def _read_ihdr(head: bytes) -> Header:
    width, height, depth, colour_type = struct.unpack_from(">IIBB", head, 16)
    if colour_type in (4, 6):
        return Header(width, height, "alpha")
    if depth == 16:
        return Header(width, height, "deep")
    return Header(width, height, "grey" if colour_type == 0 else "colour")


# Transparency of a palette, animation, and orientation in its three guises: OpenCV heeds some of them sometimes.
_png_is_for_pillow = re.compile(rb"tRNS|acTL|eXIf|Raw profile type|XML:com\.adobe\.xmp").search


def _holds_its_chunks(data: bytes) -> bool:
    """Whether every chunk ends within the file: OpenCV 5 sets aside (and clears) the 4 GB that a broken one claims."""
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
        xmp = xmp or (marker == 0xE1 and b"tiff:Orientation" in data[at : at + length])  # Pillow heeds it
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
