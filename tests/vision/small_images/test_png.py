"""Small PNG files unpacked together: the same scans, or the same faults, as each decoded alone."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from batchdigits.datasets import MNIST
from batchdigits.datasets.idx import TRAIN_IMAGES, read_idx
from batchdigits.quiet import silent_stderr
from batchdigits.vision.decode import Page, decode
from batchdigits.vision.small_images.normalise_stack import MAX_SIDE
from batchdigits.vision.small_images.png import is_small_png, unpack_small_pngs
from tests.vision.png_chunk import chunk

Picture = NDArray[np.uint8]

NONE, SUB, PAETH = 0, 1, 4


def png(shape: tuple[int, int], lines: bytes, *, ihdr: bytes = b"\x08\0\0\0\0", between: bytes = b"") -> bytes:
    """A PNG file of shape (H, W) with these lines, each a filter's number and its filtered pixels."""
    header = chunk(b"IHDR", struct.pack(">II", *shape[::-1]) + ihdr)
    return b"\x89PNG\r\n\x1a\n" + header + between + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


def filtered(picture: Picture, filters: Sequence[int]) -> bytes:
    """The lines of a picture, each with its filter's number first, computed as the standard's clause 9 defines them."""
    lines = bytearray()
    for y, name in enumerate(filters):
        lines.append(name)
        for x, value in enumerate(picture[y].tolist()):
            a = int(picture[y, x - 1]) if x else 0
            b = int(picture[y - 1, x]) if y else 0
            c = int(picture[y - 1, x - 1]) if x and y else 0
            paeth = min((a, b, c), key=lambda near: abs(a + b - c - near))  # the first of equals
            lines.append((value - (0, a, b, (a + b) // 2, paeth)[name]) % 256)
    return bytes(lines)


def by_opencv(picture: Picture) -> bytes:
    return cv2.imencode(".png", picture)[1].tobytes()


def by_pillow(picture: Picture) -> bytes:
    file = BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def digits() -> Picture:
    return read_idx(MNIST / f"{TRAIN_IMAGES}.gz")[:40]


@pytest.fixture
def alone(tmp_path: Path) -> Callable[[bytes], Page]:
    """A function that decodes the content of one file on the plain path."""

    def decoded(data: bytes) -> Page:
        path = tmp_path / "alone.png"
        path.write_bytes(data)
        with silent_stderr():
            (page,) = decode(str(path))
        return page

    return decoded


def unpacked(files: Sequence[bytes]) -> list[Picture | None]:
    """For each file its scan, if it was unpacked with the others, else None."""
    scans: list[Picture | None] = [None] * len(files)
    for places, alike in unpack_small_pngs(files):
        assert alike.dtype == np.uint8
        for place, scan in zip(places, alike, strict=True):
            assert scans[place] is None
            scans[place] = scan
    return scans


def check(files: Sequence[bytes], alone: Callable[[bytes], Page]) -> None:
    """A file that is unpacked has the scan that `decode` gives; the others go to `decode` in any case."""
    for data, scan in zip(files, unpacked(files), strict=True):
        if scan is not None:
            expected = alone(data).scan
            assert expected is not None and np.array_equal(scan, expected)


pictures = st.tuples(st.integers(1, MAX_SIDE), st.integers(1, MAX_SIDE), st.integers(0, 1 << 32)).map(
    lambda drawn: np.random.default_rng(drawn[2]).integers(0, 256, drawn[:2], np.uint8)
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=st.lists(pictures, min_size=1, max_size=3), data=st.data())
def test_any_filters(drawn: list[Picture], data: st.DataObject, alone: Callable[[bytes], Page]) -> None:
    files = []
    for picture in drawn:
        names = data.draw(st.lists(st.integers(NONE, PAETH), min_size=len(picture), max_size=len(picture)))
        files.append(png(picture.shape, filtered(picture, names)))
    scans = unpacked(files)
    for scan, picture in zip(scans, drawn, strict=True):
        assert scan is not None and np.array_equal(scan, picture)
    check(files, alone)


@pytest.mark.parametrize("name", range(5))
def test_each_filter_everywhere(digits: Picture, name: int, alone: Callable[[bytes], Page]) -> None:
    files = [png((28, 28), filtered(digit, [name] * 28)) for digit in digits]
    assert np.array_equal(np.array(unpacked(files)), digits)
    check(files[:3], alone)


def test_files_of_several_shapes_keep_their_order(digits: Picture, alone: Callable[[bytes], Page]) -> None:
    shapes = ((28, 28), (20, 16), (MAX_SIDE, MAX_SIDE), (1, 1))
    files = [
        (by_pillow if number % 3 == 1 else by_opencv)(cv2.resize(digit, shapes[number % 4][::-1]))
        for number, digit in enumerate(digits)
    ]
    assert all(map(is_small_png, files))
    assert all(scan is not None for scan in unpacked(files))
    check(files, alone)


@pytest.mark.parametrize("write", [by_opencv, by_pillow])
def test_files_that_opencv_and_pillow_write_are_unpacked(digits: Picture, write: Callable[[Picture], bytes]) -> None:
    noise = np.random.default_rng(1).integers(0, 256, digits.shape, np.uint8)
    for pictures in (digits, noise, digits // 2 + noise // 2):
        assert np.array_equal(np.array(unpacked(list(map(write, pictures)))), pictures)


def test_a_damaged_file_does_not_stop_the_others(digits: Picture, alone: Callable[[bytes], Page]) -> None:
    files = list(map(by_opencv, digits))
    for place in (0, 20):
        files[place] = files[place][:50] + bytes((files[place][50] ^ 1,)) + files[place][51:]
    scans = unpacked(files)
    assert [place for place, scan in enumerate(scans) if scan is None] == [0, 20]
    check(files, alone)


SQUARE = np.arange(0, 256, 16, dtype=np.uint8).reshape(4, 4)
LINES = filtered(SQUARE, [SUB] * 4)
GOOD = png((4, 4), LINES)
OTHER_FILES = {
    "16 bits": png((4, 4), filtered(np.tile(SQUARE, 2), [NONE] * 4), ihdr=b"\x10\0\0\0\0"),
    "colour": png((4, 4), filtered(np.tile(SQUARE, 3), [NONE] * 4), ihdr=b"\x08\2\0\0\0"),
    "alpha": png((4, 4), filtered(np.tile(SQUARE, 2), [NONE] * 4), ihdr=b"\x08\4\0\0\0"),
    "4 bits": png((4, 8), filtered(SQUARE, [NONE] * 4), ihdr=b"\x04\0\0\0\0"),
    "interlaced": png((4, 4), LINES, ihdr=b"\x08\0\0\0\1"),
    "unknown compression": png((4, 4), LINES, ihdr=b"\x08\0\1\0\0"),
    "unknown filters": png((4, 4), LINES, ihdr=b"\x08\0\0\1\0"),
    "another chunk before": png((4, 4), LINES, between=chunk(b"tRNS", b"\0\x10")),
    "too wide": png((1, MAX_SIDE + 1), bytes(MAX_SIDE + 2)),
    "too high": png((MAX_SIDE + 1, 1), bytes(2 * MAX_SIDE + 2)),
    "256 pixels wider": png((4, 4 + 256), bytes(4 * 261)),
    "no pixels": png((0, 0), b""),
    "JPEG": cv2.imencode(".jpg", SQUARE)[1].tobytes(),
    "nothing": b"",
}


@pytest.mark.parametrize("data", OTHER_FILES.values(), ids=OTHER_FILES)
def test_other_files_are_not_small_pngs(data: bytes) -> None:
    assert is_small_png(GOOD)
    assert not is_small_png(data)


def test_a_large_decompression_bomb_is_no_small_png() -> None:
    assert not is_small_png(png((4, 4), bytes(1 << 22)))


DAMAGED = {
    "a line too few": png((4, 4), LINES[:-5]),
    "a line too many": png((4, 4), LINES + LINES[:5]),
    "a decompression bomb": png((4, 4), bytes(1 << 20)),
    "an unknown filter": png((4, 4), b"\5" + LINES[1:]),
    "a wrong checksum of the header": GOOD[:30] + b"\0" + GOOD[31:],
    "a wrong checksum of the pixels": GOOD[:-14] + bytes((GOOD[-14] ^ 1,)) + GOOD[-13:],
    "a length too small": GOOD[:36] + bytes((GOOD[36] - 1,)) + GOOD[37:],
    "a length too large": GOOD[:35] + b"\1" + GOOD[36:],
    "no IEND": GOOD[:-12] + chunk(b"tEXt", b""),
    "cut off": GOOD[:-1],
    "a byte after IEND": GOOD + b"\0",
    "two IDAT chunks": GOOD[:33] + chunk(b"IDAT", GOOD[41:50]) + chunk(b"IDAT", GOOD[50:-16]) + GOOD[-12:],
    "tIME after IDAT": GOOD[:-12] + chunk(b"tIME", bytes(7)) + GOOD[-12:],
    "acTL after IDAT": GOOD[:-12] + chunk(b"acTL", bytes(8)) + GOOD[-12:],
    "a wrong Adler-32": GOOD[:33] + chunk(b"IDAT", GOOD[41:-17] + bytes((GOOD[-17] ^ 1,))) + GOOD[-12:],
}


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED)
def test_damaged_files_are_left_to_the_plain_path(data: bytes, alone: Callable[[bytes], Page]) -> None:
    assert is_small_png(data)
    assert unpacked([data]) == [None]
    check([data, GOOD], alone)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(41, len(GOOD) - 17), piece=st.binary(min_size=1, max_size=3), inserted=st.booleans())
def test_damage_under_a_right_checksum(at: int, piece: bytes, inserted: bool, alone: Callable[[bytes], Page]) -> None:
    idat = GOOD[41:at] + piece + GOOD[at if inserted else at + len(piece) : -16]
    check([GOOD[:33] + chunk(b"IDAT", idat) + GOOD[-12:], GOOD], alone)
