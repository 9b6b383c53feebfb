from __future__ import annotations

import struct
import zlib
from io import BytesIO

import cv2
import numpy as np
import pytest
from cv2.typing import MatLike
from numpy.typing import NDArray
from PIL import Image

from batchdigits.files.content import Content
from batchdigits.vision import png_decode
from batchdigits.vision.decode import decode_content
from batchdigits.vision.png_decode import pixels_of_png
from tests.vision.png_chunk import chunk

HEIGHT, WIDTH = 70, 90
SHAPES = [(1, 300), (300, 2), (HEIGHT, WIDTH), (2, 2, 3), (HEIGHT, WIDTH, 3)]


def picture(*shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, shape, np.uint8)


def by_opencv(pixels: MatLike) -> bytes:
    return cv2.imencode(".png", pixels)[1].tobytes()


def by_hand(lines: NDArray[np.uint8], header: bytes = b"\x08\0\0\0\0", more: bytes = b"", spare: bytes = b"") -> bytes:
    """A file of HEIGHT x WIDTH pixels with these lines, each with its filter."""
    beginning = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">II", WIDTH, HEIGHT) + header)
    idat = chunk(b"IDAT", zlib.compress(lines.tobytes() + spare))
    return beginning + more + idat + chunk(b"IEND", b"")


def lines_of(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The lines of a grey picture with the filter SUB."""
    padded = np.pad(pixels, ((0, 0), (1, 0)))
    return np.column_stack((np.ones(len(pixels), np.uint8), padded[:, 1:] - padded[:, :-1]))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_files_by_opencv_are_decoded_as_by_opencv(shape: tuple[int, ...]) -> None:
    pixels = pixels_of_png(by_opencv(picture(*shape)), shape[1], shape[0])
    assert pixels is not None
    assert np.array_equal(pixels, picture(*shape))


@pytest.mark.parametrize("shape", [(HEIGHT, WIDTH), (HEIGHT, WIDTH, 3)], ids=str)
def test_decoding_uses_it_and_gives_the_same_scan(shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    data = by_opencv(picture(*shape))
    content = Content("a.png", data, len(data))
    (page,) = decode_content(content)
    monkeypatch.setattr("batchdigits.vision.decode.pixels_of_png", lambda *_: None)
    (expected,) = decode_content(content)
    assert page.scan is not None
    assert expected.scan is not None
    assert np.array_equal(page.scan, expected.scan)
    monkeypatch.undo()
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("not needed"))
    assert next(iter(decode_content(content))).fault == ""


def test_other_kinds_are_left_to_opencv() -> None:
    with_other_filters = BytesIO()
    Image.fromarray(cv2.GaussianBlur(picture(HEIGHT, WIDTH), (0, 0), 3)).save(with_other_filters, "PNG")
    grey, shape = lines_of(picture(HEIGHT, WIDTH)), (WIDTH, HEIGHT)
    text = chunk(b"tEXt", b"Author\0me")
    assert pixels_of_png(by_hand(grey), *shape) is not None
    for data in (
        with_other_filters.getvalue(),
        by_opencv(picture(HEIGHT, WIDTH).astype(np.uint16) * 257),
        by_opencv(picture(HEIGHT, WIDTH, 4)),
        by_hand(grey, header=b"\x08\0\0\0\1"),  # interlaced
        by_hand(grey, header=b"\x08\3\0\0\0"),  # a palette
        by_hand(grey, more=text),
    ):
        assert pixels_of_png(data, *shape) is None


def test_files_with_many_pixels_are_left_to_opencv(monkeypatch: pytest.MonkeyPatch) -> None:
    data = by_hand(lines_of(picture(HEIGHT, WIDTH)))
    monkeypatch.setattr(png_decode, "MAX_SUMMED_PIXELS", HEIGHT * WIDTH - 1)
    assert pixels_of_png(data, WIDTH, HEIGHT) is None


@pytest.mark.parametrize("row", [0, png_decode.PROBED_LINES, HEIGHT - 1])
def test_another_filter_in_any_line_is_noticed(row: int) -> None:
    lines = lines_of(picture(HEIGHT, WIDTH))
    lines[row, 0] = 2
    assert pixels_of_png(by_hand(lines), WIDTH, HEIGHT) is None


def test_too_few_and_too_many_lines_are_noticed() -> None:
    lines = lines_of(picture(HEIGHT, WIDTH))
    assert pixels_of_png(by_hand(lines[1:]), WIDTH, HEIGHT) is None
    assert pixels_of_png(by_hand(lines, spare=b"\1"), WIDTH, HEIGHT) is None


def test_damage_anywhere_is_noticed() -> None:
    data = by_opencv(picture(12, 15))
    for at in range(len(data)):
        damaged = data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :]
        assert pixels_of_png(damaged, 15, 12) is None
        assert pixels_of_png(data[:at], 15, 12) is None
    packed = zlib.compress(lines_of(picture(HEIGHT, WIDTH)).tobytes())
    beginning = by_hand(lines_of(picture(HEIGHT, WIDTH)))[: png_decode.FIRST_CHUNK]
    for content in (b"", b"\0" + packed[1:], packed[:-1] + b"\0"):  # with checksums that are right
        data = beginning + chunk(b"IDAT", content) + chunk(b"IEND", b"")
        assert pixels_of_png(data, WIDTH, HEIGHT) is None
