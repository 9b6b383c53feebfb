"""Which image format a file is in, by its suffix or by its first bytes."""

from __future__ import annotations

import re
import struct
from functools import cache
from importlib.util import find_spec

HEAD_BYTES = 64  # enough for every signature below, the list of brands of an AVIF or HEIF file included

IMAGE_SUFFIXES = frozenset(
    (
        *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".dib", ".gif", ".tif", ".tiff"),
        *(".pnm", ".pgm", ".ppm", ".pbm", ".avif", ".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx"),
        *(".heic", ".heif", ".hif"),
    )
)
TEXT_SUFFIXES = (
    *(".csv", ".tsv", ".jsonl", ".parquet", ".xlsx", ".xls", ".ods"),
    *(".txt", ".md", ".log", ".json", ".toml", ".yaml", ".yml", ".xml", ".html"),
)
PAGED_SUFFIXES = (".tif", ".tiff", ".pdf")


def has_image_suffix(name: str) -> bool:
    """Whether a file's name ends like that of an image, and has more than this suffix."""
    stem, dot, suffix = name.rpartition(".")
    return (dot + suffix).lower() in IMAGE_SUFFIXES and bool(stem.strip("."))


def has_text_suffix(name: str) -> bool:
    """Whether a file's name ends like that of a table or a text, which may be compressed."""
    return name.lower().removesuffix(".gz").removesuffix(".zst").endswith(TEXT_SUFFIXES)


def may_have_pages(name: str) -> bool:
    """Whether a file's name ends like that of one which may have several pages."""
    return name.lower().endswith(PAGED_SUFFIXES)


def sniff(head: bytes) -> str | None:
    """The image format of a file, by its first `HEAD_BYTES` or more; None where they carry no known signature."""
    head = head[:HEAD_BYTES]
    for signature, name in _SIGNATURES.items():
        if head.startswith(signature):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head[:2] == b"BM" and head[14:18] in _BMP_HEADERS:  # many texts begin with BM
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
    b"%PDF-": "PDF",
}
_BMP_HEADERS = {struct.pack("<I", size) for size in (12, 40, 52, 56, 64, 108, 124)}  # every version of its header
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}


@cache
def reads_pdf() -> bool:
    """Whether the optional package that renders PDF is installed."""
    return find_spec("pypdfium2") is not None


def describe_unknown(head: bytes) -> str:
    """The end of the detail "not an image…" for a file that `sniff` does not know; empty if its format is unknown."""
    name = next((name for signature, name in _UNSUPPORTED.items() if head.startswith(signature)), None)
    return f" that batchdigits reads ({name})" if name else ""


_UNSUPPORTED = {
    b"8BPS": "Photoshop",
    b"\0\0\x01\0": "ICO",
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL ": "JPEG XL",
    b"%!PS": "PostScript",
    b"<svg": "SVG",
    b"PK\x03\x04": "ZIP",
}


def _sniff_brands(head: bytes) -> str | None:
    """AVIF and HEIF share one container; the list of brands tells them apart."""
    end = min(len(head), int.from_bytes(head[:4], "big"))
    brands = {head[8:12]} | {head[at : at + 4] for at in range(16, end, 4)}
    if brands & {b"avif", b"avis"}:
        return "AVIF"
    return "HEIF" if brands & _HEIF_BRANDS else None
