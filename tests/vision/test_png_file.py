"""PNG files whose compressed stream is intact, but holds fewer lines than the header says."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest

from batchdigits.vision.decode import decode
from tests.vision.png_chunk import chunk

SIDE = 13
LINE_BYTES = {(0, 1): 2, (0, 8): 13, (0, 16): 26, (2, 8): 39, (3, 4): 7, (4, 8): 26, (6, 16): 104}  # by type and depth
INTERLACED_BYTES = 195  # 8 bits of grey: 169 pixels, and 26 lines in seven passes


def png(colour_type: int, depth: int, lines: bytes, is_interlaced: bool = False) -> bytes:
    header = struct.pack(">IIBBBBB", SIDE, SIDE, depth, colour_type, 0, 0, is_interlaced)
    palette = chunk(b"PLTE", bytes(48)) if colour_type == 3 else b""
    parts = chunk(b"IHDR", header), palette, chunk(b"IDAT", zlib.compress(lines)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize(("colour_type", "depth"), LINE_BYTES)
@pytest.mark.parametrize("missing", [0, 1, 20])
def test_missing_lines_are_no_blank_ones(tmp_path: Path, colour_type: int, depth: int, missing: int) -> None:
    lines = bytes((1 + LINE_BYTES[colour_type, depth]) * SIDE)
    check(tmp_path / "a.png", png(colour_type, depth, lines[: len(lines) - missing]), bool(missing))


@pytest.mark.parametrize("missing", [0, 1, 100])
def test_missing_passes_are_no_blank_ones(tmp_path: Path, missing: int) -> None:
    content = png(0, 8, bytes(INTERLACED_BYTES - missing), is_interlaced=True)
    check(tmp_path / "a.png", content, bool(missing))


def check(path: Path, content: bytes, is_truncated: bool) -> None:
    path.write_bytes(content)
    (page,) = decode(str(path))
    assert (page.scan is None) == is_truncated
    assert page.fault == ("truncated or corrupt PNG: the data ends too early" if is_truncated else "")
