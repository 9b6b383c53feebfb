"""TIFFs of every depth, byte order and arrangement: the right picture, or an error row, never another picture."""

from __future__ import annotations

import lzma
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from batchdigits.quiet import silent_stderr
from batchdigits.vision.decode import decode
from batchdigits.vision.grey import to_grey

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, CMYK = 0, 1, 2, 5
SHORT, LONG = 3, 4
DEFLATE, LZMA, WEBP = 8, 34925, 50001
COMPRESSORS: dict[int, Callable[[bytes], bytes]] = {DEFLATE: zlib.compress, LZMA: lzma.compress, 1: bytes, WEBP: bytes}
TILE = (16, 32)  # rows and columns; they divide no picture below

GREY = np.full((40, 60), 230, np.uint8)
GREY[5:15, 5:30] = 20
COLOUR = np.dstack([GREY, np.full_like(GREY, 200), np.linspace(100, 250, 60).astype(np.uint8) * np.ones_like(GREY)])
COLOUR_GREY = to_grey(np.ascontiguousarray(COLOUR[:, :, ::-1]))


def scaled(values: NDArray[np.uint8], kind: str) -> NDArray[Any]:
    """The same picture over the whole range of another type."""
    if kind[0] == "f":
        return (values / 255).astype(kind)
    highest = np.iinfo(kind).max
    return (values.astype(object) * highest // 255).astype(kind)


def tiff_page(pixels: NDArray[Any], at: int, order: str, photometric: int, **options: Any) -> bytes:
    """A directory at an offset of a file, with its pixels behind it; `options` are those of `tiff`."""
    planar, tiled, compression = options.get("planar"), options.get("tiled"), options.get("compression", 1)
    pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
    height, width, samples = pixels.shape
    step = TILE if tiled else (7, width)
    planes = [pixels[:, :, index : index + 1] for index in range(samples)] if planar else [pixels]
    blocks = []
    for plane in planes:
        for y in range(0, height, step[0]):
            for x in range(0, width, step[1]):
                block = plane[y : y + step[0], x : x + step[1]]
                if tiled:
                    block = np.pad(block, ((0, TILE[0] - block.shape[0]), (0, TILE[1] - block.shape[1]), (0, 0)))
                data = block.astype(order + pixels.dtype.str[1:]).tobytes()
                blocks.append(COMPRESSORS[compression](data))
    sample_format = {"u": 1, "i": 2, "f": 3}[pixels.dtype.kind]
    tags: dict[int, tuple[int, list[int]]] = {
        256: (LONG, [width]),
        257: (LONG, [height]),
        258: (SHORT, [options.get("bits", 8 * pixels.itemsize)] * samples),
        259: (SHORT, [compression]),
        262: (SHORT, [photometric]),
        266: (SHORT, [options.get("fill_order", 1)]),
        277: (SHORT, [samples]),
        284: (SHORT, [2 if planar else 1]),
        338: (SHORT, options.get("extra", [])),
        339: (SHORT, [sample_format] * samples),
    }
    tags |= {322: (LONG, [TILE[1]]), 323: (LONG, [TILE[0]])} if tiled else {278: (LONG, [step[0]])}
    offsets, lengths = (324, 325) if tiled else (273, 279)
    tags |= {offsets: (LONG, [0] * len(blocks)), lengths: (LONG, [len(block) for block in blocks])}
    tags = {tag: tags[tag] for tag in sorted(tags) if tags[tag][1]}
    sizes = {tag: (2 if kind == SHORT else 4) * len(values) for tag, (kind, values) in tags.items()}
    start = at + 2 + 12 * len(tags) + 4 + sum(size for size in sizes.values() if size > 4)
    tags[offsets] = (LONG, [start + sum(map(len, blocks[:index])) for index in range(len(blocks))])
    directory, behind = struct.pack(order + "H", len(tags)), b""
    for tag, (kind, values) in tags.items():
        data = struct.pack(f"{order}{len(values)}{'H' if kind == SHORT else 'I'}", *values)
        if len(data) > 4:
            behind_at = at + 2 + 12 * len(tags) + 4 + len(behind)
            behind, data = behind + data, struct.pack(order + "I", behind_at)
        directory += struct.pack(order + "HHI", tag, kind, len(values)) + data.ljust(4, b"\0")
    following = start + sum(map(len, blocks)) if options.get("following") else 0
    return directory + struct.pack(order + "I", following) + behind + b"".join(blocks)


def tiff(pixels: NDArray[Any], photometric: int, order: str = "<", **options: Any) -> bytes:
    """A TIFF of one page.

    Args:
        pixels: (H, W) or (H, W, C).
        photometric: the number of the colour space.
        order: the byte order, `<` or `>`.
        options: planar, tiled, compression, following (whether another page is behind it), bits, extra, fill_order.
    """
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8)
    return head + tiff_page(pixels, 8, order, photometric, **options)


def pages_of(folder: Path, data: bytes) -> list[tuple[NDArray[np.uint8] | None, str]]:
    (folder / "scan.tif").write_bytes(data)
    with silent_stderr():
        return [(page.scan, page.fault) for page in decode(str(folder / "scan.tif"))]


def scan_of(folder: Path, data: bytes) -> NDArray[np.uint8]:
    ((scan, fault),) = pages_of(folder, data)
    assert scan is not None, fault
    return scan


def fault_of(folder: Path, data: bytes) -> str:
    ((scan, fault),) = pages_of(folder, data)
    assert scan is None
    return fault


def is_like(scan: NDArray[np.uint8], expected: NDArray[np.uint8]) -> bool:
    """Whether scans are the same but for the rounding of a scale from another depth."""
    return scan.shape == expected.shape and int(np.abs(scan.astype(int) - expected).max()) <= 2


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("tiled", [False, True])
@pytest.mark.parametrize("compression", [1, DEFLATE])
@pytest.mark.parametrize("kind", ["u1", "u2", "u4", "u8", "i2", "i4", "f4", "f8"])
def test_grey_and_rgb_of_every_depth(tmp_path: Path, kind: str, order: str, tiled: bool, compression: int) -> None:
    options: dict[str, Any] = {"order": order, "tiled": tiled, "compression": compression}
    for pixels, photometric, expected in (
        (GREY, BLACK_IS_ZERO, GREY),
        (255 - GREY, WHITE_IS_ZERO, GREY),
        (COLOUR, RGB, COLOUR_GREY),
    ):
        scan = scan_of(tmp_path, tiff(scaled(pixels, kind), photometric, **options))
        if kind[0] == "i":  # positive numbers are half of the range
            scan = 2 * np.minimum(scan, 127) if photometric != WHITE_IS_ZERO else 255 - 2 * np.minimum(255 - scan, 127)
        assert is_like(scan, expected)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("tiled", [False, True])
@pytest.mark.parametrize("compression", [1, DEFLATE])
@pytest.mark.parametrize("kind", ["u1", "u2", "f4", "f8"])
@pytest.mark.parametrize("colours", ["RGB", "RGBA", "RGBX", "CMYK", "grey and alpha"])
def test_planes_are_read_right_or_refused(
    tmp_path: Path, colours: str, kind: str, order: str, tiled: bool, compression: int
) -> None:
    full = np.full((*GREY.shape, 1), 255, np.uint8)
    pixels, photometric, extra, expected = {
        "RGB": (COLOUR, RGB, [], COLOUR_GREY),
        "RGBA": (np.dstack([COLOUR, full]), RGB, [2], COLOUR_GREY),
        "RGBX": (np.dstack([COLOUR, full // 9]), RGB, [0], COLOUR_GREY),
        "CMYK": (np.dstack([255 - COLOUR, 255 - full]), CMYK, [], COLOUR_GREY),
        "grey and alpha": (np.dstack([GREY, full]), BLACK_IS_ZERO, [2], GREY),
    }[colours]
    options: dict[str, Any] = {"order": order, "tiled": tiled, "compression": compression, "extra": extra}
    for planar in (False, True):
        ((scan, fault),) = pages_of(tmp_path, tiff(scaled(pixels, kind), photometric, planar=planar, **options))
        # The oldest Pillow refuses some kinds only when it decodes them.
        assert scan is not None or fault.startswith(("unsupported kind of TIFF", "truncated or corrupt TIFF"))
        assert scan is None or is_like(scan, expected)
        if (colours.startswith("RGB") and not planar) or (colours, kind) == ("CMYK", "u1"):
            assert scan is not None


@pytest.mark.parametrize(
    ("pixels", "photometric", "options", "kind"),
    [
        (GREY.view(np.int8), BLACK_IS_ZERO, {}, "grey, 1 x 8 bits signed, uncompressed"),
        (scaled(GREY, "f2"), BLACK_IS_ZERO, {}, "grey, 1 x 16 bits floating-point, uncompressed"),
        (COLOUR, RGB, {"planar": True, "fill_order": 2}, "RGB, 3 x 8 bits, in planes, uncompressed"),
        (scaled(COLOUR, "u2"), RGB, {"planar": True}, "RGB, 3 x 16 bits, in planes, uncompressed"),
        (COLOUR, RGB, {"compression": WEBP}, "RGB, 3 x 8 bits, WebP"),
        (
            scaled(GREY, "f4"),
            BLACK_IS_ZERO,
            {"order": ">", "compression": LZMA},
            "grey, 1 x 32 bits floating-point, LZMA",
        ),
        (scaled(GREY, "u4"), BLACK_IS_ZERO, {"compression": LZMA}, "grey, 1 x 32 bits, LZMA"),
        (COLOUR[:, :, :2], 17, {"compression": DEFLATE}, "photometric 17, 2 x 8 bits, Deflate"),
    ],
)
def test_a_kind_that_would_be_misread_is_refused_by_name(
    tmp_path: Path, pixels: NDArray[Any], photometric: int, options: dict[str, Any], kind: str
) -> None:
    assert fault_of(tmp_path, tiff(pixels, photometric, **options)) == f"unsupported kind of TIFF: {kind}"


def test_a_big_endian_bigtiff_is_refused_by_name(tmp_path: Path) -> None:
    data = struct.pack(">2sHHHQ", b"MM", 43, 8, 0, 16) + bytes(100)
    assert fault_of(tmp_path, data) == "unsupported kind of TIFF: BigTIFF in big-endian order"


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_packed_samples(tmp_path: Path, bits: int) -> None:
    values = GREY[:35].astype(np.uint16) << (bits - 8)  # all rows in strips of whole bytes
    row = ["".join(format(value, f"0{bits}b") for value in line) for line in values]
    data = np.array([[int(line[at : at + 8], 2) for at in range(0, len(line), 8)] for line in row], np.uint8)
    page = bytearray(tiff(data, BLACK_IS_ZERO, bits=bits))
    page[18:22] = struct.pack("<I", 60)  # the width, of pixels in place of bytes
    assert np.array_equal(scan_of(tmp_path, bytes(page)), GREY[:35])


@pytest.mark.parametrize("size", [1, 300])  # a file that is read at once, and one that is read page by page
def test_a_page_of_an_unknown_kind_costs_no_other_page(tmp_path: Path, size: int) -> None:
    large = np.kron(GREY, np.ones((1, size), np.uint8))
    data = tiff(scaled(GREY, "f2"), BLACK_IS_ZERO, following=True)
    data += tiff_page(scaled(large, "f8" if size == 1 else "u2"), len(data), "<", WHITE_IS_ZERO, following=True)
    data += tiff_page(GREY, len(data), "<", BLACK_IS_ZERO)
    (_, first), (second, _), (third, _) = pages_of(tmp_path, data)
    assert first == "unsupported kind of TIFF: grey, 1 x 16 bits floating-point, uncompressed"
    assert second is not None
    assert is_like(second, 255 - large)
    assert third is not None
    assert np.array_equal(third, GREY)
    assert (tmp_path / "scan.tif").read_bytes() == data


def test_a_truncated_page_for_opencv_is_corrupt(tmp_path: Path) -> None:
    data = tiff(scaled(COLOUR, "f8"), RGB)
    for share in (0.3, 0.6, 0.99):
        fault = fault_of(tmp_path, data[: int(share * len(data))])
        assert fault == "truncated or corrupt TIFF: RGB, 3 x 64 bits floating-point, uncompressed"


@pytest.mark.parametrize("compression", ["tiff_lzw", None])
@pytest.mark.parametrize("big", [False, True])
def test_a_cut_within_a_directory_loses_no_page_silently(tmp_path: Path, compression: str | None, big: bool) -> None:
    pictures = [Image.fromarray(np.roll(GREY, number)) for number in range(4)]
    options: dict[str, Any] = {"compression": compression, "big_tiff": big, "save_all": True}
    pictures[0].save(tmp_path / "whole.tif", append_images=pictures[1:], **options)
    data = (tmp_path / "whole.tif").read_bytes()
    with Image.open(tmp_path / "whole.tif") as image:
        image.seek(2)
        start = image.tag_v2.offset  # type: ignore[attr-defined]
    end = start + (8 + 20 * data[start] + 8 if data[2] == 43 else 2 + 12 * data[start] + 4)
    for size in (start, start + 1, start + (end - start) // 2, end - 1):
        pages = pages_of(tmp_path, data[:size])
        assert [scan is None for scan, _ in pages] == [False, False, True]
        assert pages[2][1].startswith("truncated or corrupt TIFF")
        assert all(is_like(scan, np.roll(GREY, number)) for number, (scan, _) in enumerate(pages) if scan is not None)


def test_a_page_without_pixels_is_corrupt(tmp_path: Path) -> None:
    data = tiff(GREY, BLACK_IS_ZERO).replace(struct.pack("<HH", 273, LONG), struct.pack("<HH", 272, LONG))
    assert fault_of(tmp_path, data) == "truncated or corrupt TIFF: grey, 1 x 8 bits, uncompressed"


@pytest.mark.parametrize("kind", ["u2", "f4"])
def test_white_is_zero_in_what_only_pillow_reads(tmp_path: Path, kind: str) -> None:
    assert is_like(scan_of(tmp_path, tiff(scaled(255 - GREY, kind), WHITE_IS_ZERO, compression=LZMA)), GREY)


def test_a_second_size_is_refused(tmp_path: Path) -> None:
    data = bytearray(tiff(scaled(GREY, "f8"), BLACK_IS_ZERO))
    fill_order = data.index(struct.pack("<HHI", 266, SHORT, 1))
    data[fill_order : fill_order + 12] = struct.pack("<HHII", 256, LONG, 1, 9)
    assert fault_of(tmp_path, bytes(data)) == "truncated or corrupt TIFF: a tag is there twice"
