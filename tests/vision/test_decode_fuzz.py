"""decode with damaged and random input: it gives pages with a scan or a fault, raises nothing and prints nothing."""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from batchdigits.files.source_error import MAX_DETAIL_LENGTH
from batchdigits.quiet import silent_stderr
from batchdigits.vision.decode import decode
from tests.vision.test_decode import encode
from tests.vision.test_tiff import BLACK_IS_ZERO, RGB, tiff

MAX_PIXELS = 1 << 20  # a flipped bit in a header must not make a test slow


def corpus() -> dict[str, list[bytes]]:
    """Small valid files of every format, by its name."""
    grey = Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 24), dtype=np.uint8))
    bits, colour, clear = grey.convert("1"), grey.convert("RGB"), grey.convert("RGBA")
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 200)
    exif = Image.Exif()
    exif[274] = 6
    several = {"save_all": True, "append_images": [grey, grey]}
    return {
        "PNG": [encode(image, "PNG", exif=exif) for image in (grey, clear)]
        + [encode(image, "PNG") for image in (bits, grey, grey.convert("P"), colour, clear, deep)],
        "JPEG": [encode(image, "JPEG", exif=exif) for image in (grey, colour, colour.convert("CMYK"))]
        + [encode(colour, "JPEG", progressive=True)],
        "WebP": [encode(colour, "WEBP"), encode(clear, "WEBP", lossless=True), encode(colour, "WEBP", exif=exif)],
        "BMP": [encode(image, "BMP") for image in (bits, grey, colour, clear)],
        "GIF": [encode(grey, "GIF"), encode(grey, "GIF", **several)],
        "TIFF": [encode(bits, "TIFF", compression=name) for name in ("group3", "group4", "raw")]
        + [encode(grey, "TIFF", compression=name, **several) for name in ("tiff_lzw", "tiff_deflate", "raw")]
        + [encode(colour, "TIFF", compression="jpeg"), encode(clear, "TIFF", exif=exif), encode(deep, "TIFF")]
        + [tiff(np.asarray(colour) / 255, RGB, ">", compression=8), tiff(np.asarray(deep), BLACK_IS_ZERO, tiled=True)],
        "PNM": [encode(image, "PPM") for image in (bits, grey, colour)] + [b"P3\n2 1\n255\n1 2 3 4 5 6\n"],
        "AVIF": [encode(colour, "AVIF", exif=exif), encode(clear, "AVIF")],
        "JPEG 2000": [encode(image, "JPEG2000") for image in (grey, clear)] + [encode(grey, "JPEG2000", no_jp2=True)],
    }


CORPUS = corpus()
FORMATS = "PNG|JPEG|WebP|BMP|GIF|TIFF|PNM|AVIF|HEIF|JPEG 2000|PDF|array|page of a PDF"
OURS = re.compile(
    rf"truncated or corrupt ({FORMATS})(: the data ends too early|: a tag is there twice)?"
    r"|(truncated or corrupt|unsupported kind of) TIFF: (\w+|photometric \d+), \d+ x \w+ bits[\w, -]*"
    rf"|unsupported kind of ({FORMATS}|TIFF: BigTIFF in big-endian order)"
    r"|not an image( that batchdigits reads \([\w ]+\)|: an array of .+)?|empty file"
    r"|corrupt: (an image without pixels|a page without an area)|a PDF that needs a password"
    r"|a preview that batchdigits drew, not a scan"
    r"|too large( to decode|: \d+ x \d+ pixels, and the limit is [\d.]+ million)"
    r"|more than 10,000 pages: the rest is skipped"
    r"|(HEIC|PDF) needs an optional package: pip install 'batchdigits\[(heif|pdf)\]'"
)


@st.composite
def mutated(draw: st.DrawFn, name: str) -> bytes:
    """A valid file after one to six changes: bytes overwritten, inserted, removed or cut off, or another spliced in."""
    data = draw(st.sampled_from(CORPUS[name]))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(data)))
        piece = draw(st.binary(min_size=1, max_size=4) | st.sampled_from([b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f"]))
        match draw(st.sampled_from(["overwrite", "overwrite", "overwrite", "insert", "remove", "truncate", "splice"])):
            case "overwrite":
                data = data[:at] + piece + data[at + len(piece) :]
            case "insert":
                data = data[:at] + piece * draw(st.integers(1, 50)) + data[at:]
            case "remove":
                data = data[:at] + data[at + draw(st.integers(1, 100)) :]
            case "truncate":
                data = data[: max(at, 1)]
            case "splice":
                other = draw(st.sampled_from(CORPUS[name]))
                start = draw(st.integers(0, len(other)))
                data = data[:at] + other[start : start + draw(st.integers(1, 300))] + data[at:]
    return with_checksums(data) if name == "PNG" and draw(st.booleans()) else data


def with_checksums(png: bytes) -> bytes:
    """The same PNG with every chunk's checksum corrected, so that a chunk's damage reaches the decoder."""
    at = 8
    while at + 12 <= len(png):
        end = at + 8 + int.from_bytes(png[at : at + 4], "big")
        if end + 4 > len(png):
            break
        png = png[:end] + struct.pack(">I", zlib.crc32(png[at + 4 : end])) + png[end + 4 :]
        at = end + 4
    return png


def check_pages(path: Path) -> None:
    """Every page of a file has a printable fault or a scan within the limit."""
    with silent_stderr():
        pages = list(decode(str(path), MAX_PIXELS))
    assert pages
    for page in pages:
        assert page.source.startswith(str(path))
        if page.scan is None:
            assert page.fault
            assert page.fault.isprintable()
            assert len(page.fault) <= MAX_DETAIL_LENGTH
            assert OURS.fullmatch(page.fault), page.fault
        else:
            assert not page.fault
            assert page.scan.dtype == np.uint8
            assert page.scan.ndim == 2
            assert 0 < page.scan.size <= MAX_PIXELS


@pytest.mark.parametrize("name", CORPUS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_mutated_file_gives_pages(
    name: str, data: st.DataObject, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "scan"
    path.write_bytes(data.draw(mutated(name)))
    check_pages(path)
    assert capfd.readouterr() == ("", "")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
@example(b"BM")
@example(b"%PDF-")
@example(b"\x93NUMPY")
@example(b"\0\0\0\x18ftypavif")
@example(b"RIFF\0\0\0\0WEBPVP8X")
def test_any_bytes_give_pages(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "scan"
    path.write_bytes(content)
    check_pages(path)
