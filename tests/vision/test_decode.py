"""decode: scans of every format, depth and kind of transparency; a plain fault for a file that cannot be decoded."""

from __future__ import annotations

import errno
import io
import os
import socket
import struct
import subprocess
import sys
import warnings
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import PIL
import pytest
from numpy.typing import NDArray
from PIL import Image

from batchdigits.files.source_error import one_line
from batchdigits.quiet import silent_stderr
from batchdigits.vision import decode as decoding
from batchdigits.vision import pillow_decode
from batchdigits.vision.decode import MAX_FILE_BYTES, Page, decode
from batchdigits.vision.headers import read_header

GREY = np.full((40, 60), 230, np.uint8)
GREY[5:15, 5:30] = 20  # off centre, so that every rotation and mirroring shows
INK, BACKGROUND = (10, 15), (30, 50)  # pixels of GREY


def save(path: Path, image: Image.Image, name: str, **options: Any) -> Path:
    image.save(path, name, **options)
    return path


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def encode(image: Image.Image, name: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, name, **options)
    return buffer.getvalue()


def only(path: Path | str, **options: Any) -> Page:
    """The page of a file that has one."""
    pages = list(decode(str(path), **options))
    assert len(pages) == 1
    assert pages[0].source == str(path)
    return pages[0]


def scan_of(path: Path | str) -> NDArray[np.uint8]:
    page = only(path)
    assert page.fault == ""
    assert page.scan is not None
    assert page.scan.dtype == np.uint8
    assert page.scan.flags.c_contiguous
    return page.scan


def fault_of(path: Path | str, **options: Any) -> str:
    page = only(path, **options)
    assert page.scan is None
    return page.fault


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def with_png_chunk(png: bytes, kind: bytes, content: bytes) -> bytes:
    """The same PNG with one more chunk before its palette or pixels."""
    at = min(where for where in (png.find(b"PLTE"), png.find(b"IDAT")) if where > 0) - 4
    return png[:at] + png_chunk(kind, content) + png[at:]


def png_of_size(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", b"") + png_chunk(b"IEND", b"")


def with_tiff_tag(tiff: bytes, tag: int, value: int) -> bytes:
    """The same little-endian TIFF with another value for a tag of its first page."""
    assert tiff[:4] == b"II*\0"
    directory = int.from_bytes(tiff[4:8], "little")
    for at in range(directory + 2, directory + 2 + 12 * int.from_bytes(tiff[directory : directory + 2], "little"), 12):
        if int.from_bytes(tiff[at : at + 2], "little") == tag:
            return tiff[: at + 2] + struct.pack("<HII", 4, 1, value) + tiff[at + 12 :]
    raise AssertionError(f"no tag {tag}")


FORMATS = {
    "PNG": ("1", "L", "P", "RGB", "RGBA", "LA"),
    "JPEG": ("L", "RGB", "CMYK", "YCbCr"),
    "WEBP": ("L", "RGB", "RGBA"),
    "BMP": ("1", "L", "P", "RGB", "RGBA"),
    "GIF": ("1", "L", "P", "RGB"),
    "TIFF": ("1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "YCbCr"),
    "PPM": ("1", "L", "RGB"),
    "AVIF": ("L", "RGB", "RGBA"),
    "JPEG2000": ("L", "RGB", "RGBA"),
}


@pytest.mark.parametrize(("name", "mode"), [(name, mode) for name, modes in FORMATS.items() for mode in modes])
def test_every_format_and_mode_is_decoded_by_content_and_not_by_name(tmp_path: Path, name: str, mode: str) -> None:
    if (name, mode) == ("TIFF", "YCbCr") and int(PIL.__version__.partition(".")[0]) < 13:
        pytest.skip("Pillow reads an uncompressed YCbCr TIFF since 13")
    image = Image.fromarray(GREY)
    image = image.convert(mode, dither=Image.Dither.NONE) if mode in "1LP" else image.convert("RGB").convert(mode)
    scan = scan_of(save(tmp_path / "scan.txt", image, name))
    expected = np.where(GREY > 128, 255, 0) if mode == "1" else GREY.astype(int)
    assert scan.shape == GREY.shape
    assert np.abs(scan - expected).mean() < 3  # lossy edges


@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(tmp_path: Path, name: str, mode: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    path = save(tmp_path / "turned", Image.fromarray(GREY).convert(mode), name, exif=exif)
    turns = {
        1: GREY,
        2: GREY[:, ::-1],
        3: GREY[::-1, ::-1],
        4: GREY[::-1],
        5: GREY.T,
        6: np.rot90(GREY, -1),
        7: GREY[::-1, ::-1].T,
        8: np.rot90(GREY),
    }
    scan = scan_of(path)
    assert scan.shape == turns[orientation].shape
    assert np.abs(scan - turns[orientation].astype(int)).mean() < 3


def test_exif_orientation_of_a_png_with_alpha(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    path = save(tmp_path / "a.png", Image.fromarray(GREY).convert("RGBA"), "PNG", exif=exif)
    assert np.array_equal(scan_of(path), np.rot90(GREY, -1))


def test_xmp_orientation_of_a_jpeg(tmp_path: Path) -> None:
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/>'
    assert scan_of(save(tmp_path / "a.jpg", Image.fromarray(GREY), "JPEG", xmp=xmp)).shape == (60, 40)


@pytest.mark.parametrize("kind", [b"gAMA", b"sRGB"])
def test_a_png_with_a_gamma_has_the_grey_of_one_without(tmp_path: Path, kind: bytes) -> None:
    """With a gamma, OpenCV 5's own conversion to grey goes through linear light, and is off by up to 60 levels."""
    colours = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    plain = encode(Image.fromarray(colours), "PNG")
    content = struct.pack(">I", 45455) if kind == b"gAMA" else b"\0"
    named = scan_of(write(tmp_path / "named.png", with_png_chunk(plain, kind, content)))
    assert np.array_equal(named, scan_of(write(tmp_path / "plain.png", plain)))


CHUNKS_FOR_PILLOW = {
    b"acTL": bytes(8),
    b"eXIf": b"MM\0*" + bytes(8),
    b"tRNS": bytes(2),
    b"zTXt": b"Raw profile type exif\0\0",
    b"iTXt": b"XML:com.adobe.xmp" + bytes(5),
}


@pytest.mark.parametrize("kind", CHUNKS_FOR_PILLOW)
def test_pngs_that_opencv_misreads_go_to_pillow(kind: bytes) -> None:
    plain = encode(Image.fromarray(GREY), "PNG")
    assert read_header("PNG", plain) == (60, 40, "grey")
    assert read_header("PNG", with_png_chunk(plain, kind, CHUNKS_FOR_PILLOW[kind])) == (60, 40, None)


def test_a_broken_orientation_changes_nothing(tmp_path: Path) -> None:
    data = with_png_chunk(encode(Image.fromarray(GREY), "PNG"), b"eXIf", b"no directory here")
    assert np.array_equal(scan_of(write(tmp_path / "a.png", data)), GREY)


# Depths


@pytest.mark.parametrize("name", ["PNG", "TIFF", "JPEG2000"])
@pytest.mark.parametrize("factor", [257, 16, 1], ids=["16 bits", "12 bits in 16", "8 bits in 16"])
def test_sixteen_bit_grey(tmp_path: Path, name: str, factor: int) -> None:
    scan = scan_of(save(tmp_path / "a", Image.fromarray(GREY.astype(np.uint16) * factor), name))
    assert np.array_equal(scan, GREY)


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("factor", [257, 16])
def test_sixteen_bit_colour_png(tmp_path: Path, channels: int, factor: int) -> None:
    pixels = np.repeat(GREY[:, :, None].astype(np.uint16) * factor, channels, axis=2)
    if channels == 4:
        pixels[:, :, 3] = 65535
    data = cv2.imencode(".png", pixels)[1].tobytes()
    assert np.array_equal(scan_of(write(tmp_path / "a.png", data)), GREY)


def test_sixteen_bit_pgm_of_twelve_bits(tmp_path: Path) -> None:
    data = b"P5 60 40 4095\n" + (GREY.astype(np.uint16) * 16).astype(">u2").tobytes()
    assert np.abs(scan_of(write(tmp_path / "a.pgm", data)) - GREY.astype(int)).max() <= 1


def test_a_pgm_scales_to_its_own_maximum_and_may_hold_comments(tmp_path: Path) -> None:
    assert scan_of(write(tmp_path / "a.pgm", b"P5\n# by hand\n3 1\n15\n\x00\x07\x0f")).tolist() == [[0, 119, 255]]
    assert scan_of(write(tmp_path / "b.pgm", b"P2\n3 1\n15\n0 7 15\n")).tolist() == [[0, 119, 255]]


@pytest.mark.parametrize("factor", [1, 1 / 255, 100, -1 / 255])
def test_floating_point_tiff(tmp_path: Path, factor: float) -> None:
    scan = scan_of(save(tmp_path / "a.tif", Image.fromarray(GREY.astype(np.float32) * np.float32(factor)), "TIFF"))
    ink, background = sorted((int(scan[INK]), int(scan[BACKGROUND])))
    assert background - ink >= 200


def test_floating_point_tiff_with_infinities(tmp_path: Path) -> None:
    values = GREY.astype(np.float32)
    values[0, :3] = np.nan, np.inf, -np.inf
    scan = scan_of(save(tmp_path / "a.tif", Image.fromarray(values), "TIFF"))
    assert np.array_equal(scan[1:], GREY[1:])


@pytest.mark.parametrize("factor", [1, 257, 1 << 20])
def test_thirty_two_bit_tiff(tmp_path: Path, factor: int) -> None:
    scan = scan_of(save(tmp_path / "a.tif", Image.fromarray(GREY.astype(np.int32) * factor), "TIFF"))
    assert int(scan[BACKGROUND]) - int(scan[INK]) > 90


@pytest.mark.parametrize("compression", ["group4", "group3", "tiff_ccitt", "tiff_lzw", "raw"])
@pytest.mark.parametrize("photometric", [0, 1])
def test_fax_tiff_with_either_photometric_interpretation(tmp_path: Path, compression: str, photometric: int) -> None:
    image = Image.fromarray(GREY > 128)
    path = save(tmp_path / "fax.tif", image, "TIFF", compression=compression, tiffinfo={262: photometric})
    assert np.array_equal(scan_of(path), np.where(GREY > 128, 255, 0))


def test_sixteen_bit_tiff_where_zero_is_white(tmp_path: Path) -> None:
    black_is_zero = encode(Image.fromarray((255 - GREY).astype(np.uint16) * 257), "TIFF")
    assert np.array_equal(scan_of(write(tmp_path / "a.tif", with_tiff_tag(black_is_zero, 262, 0))), GREY)


def test_sixteen_bit_png_with_a_transparent_grey(tmp_path: Path) -> None:
    data = with_png_chunk(encode(Image.fromarray(GREY.astype(np.uint16) * 257), "PNG"), b"tRNS", b"\1\1")
    assert np.array_equal(scan_of(write(tmp_path / "a.png", data)), GREY)


def test_lab_tiff_is_as_grey_as_its_lightness(tmp_path: Path) -> None:
    lab = Image.merge("LAB", [Image.fromarray(GREY), *(Image.new("L", (60, 40), 128) for _ in "ab")])
    assert np.array_equal(scan_of(save(tmp_path / "a.tif", lab, "TIFF")), GREY)


# Colour and transparency


def test_ink_of_the_backgrounds_own_luma_stays_visible(tmp_path: Path) -> None:
    for name in ("PNG", "JPEG", "TIFF"):
        pixels = np.full((*GREY.shape, 3), (0, 130, 0), np.uint8)  # luma 76, as pure red
        pixels[5:15, 5:30] = 255, 0, 0
        scan = scan_of(save(tmp_path / name, Image.fromarray(pixels), name))
        assert abs(int(scan[INK]) - int(scan[BACKGROUND])) > 100


def test_an_empty_page_with_coloured_noise_is_not_made_noisier(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(0, (1, 1, 6), (*GREY.shape, 3))
    page = np.clip(200 + noise, 0, 255).astype(np.uint8)
    assert scan_of(save(tmp_path / "a.png", Image.fromarray(page), "PNG")).std() < 2


def test_pale_ink_that_luma_shows_stays_luma(tmp_path: Path) -> None:
    pixels = np.full((*GREY.shape, 3), (220, 200, 200), np.uint8)
    pixels[5:15, 5:30] = 150, 150, 180  # red tells them apart better, but not twice as well
    expected = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    assert np.array_equal(scan_of(save(tmp_path / "a.png", Image.fromarray(pixels), "PNG")), expected)


@pytest.mark.parametrize("name", ["PNG", "WEBP", "TIFF", "AVIF", "JPEG2000"])
@pytest.mark.parametrize("ink", [(0, 0, 0), (255, 255, 255), (200, 30, 30), (250, 230, 90)])
def test_ink_on_a_transparent_background_stays_visible(tmp_path: Path, name: str, ink: tuple[int, int, int]) -> None:
    pixels = np.zeros((*GREY.shape, 4), np.uint8)
    pixels[:, :, :3] = ink  # the transparent part too: only alpha separates ink and background
    pixels[5:15, 5:30, 3] = 255
    scan = scan_of(save(tmp_path / "a", Image.fromarray(pixels), name))
    assert abs(int(scan[INK]) - int(scan[BACKGROUND])) > 100


@pytest.mark.parametrize("ink", [0, 255])
def test_ink_that_fills_most_of_a_transparent_picture(tmp_path: Path, ink: int) -> None:
    pixels = np.full((40, 60, 4), ink, np.uint8)
    pixels[:, :, 3] = 255
    pixels[10:20, 20:40, 3] = 0  # the hole of a bold 0
    scan = scan_of(save(tmp_path / "a.webp", Image.fromarray(pixels), "WEBP", lossless=True))
    assert (scan[0, 0], scan[15, 30]) == (ink, 255 - ink)


def test_transparent_palette_colour(tmp_path: Path) -> None:
    for name in ("PNG", "GIF"):
        for ink in (0, 255):
            image = Image.fromarray(np.where(GREY > 128, 0, 1).astype(np.uint8))
            image.putpalette([ink] * 6)
            scan = scan_of(save(tmp_path / "a", image, name, transparency=0))
            assert (scan[INK], scan[BACKGROUND]) == (ink, 255 - ink)


def test_a_page_with_a_transparent_margin_keeps_its_background(tmp_path: Path) -> None:
    pixels = np.dstack([GREY, GREY, GREY, np.full_like(GREY, 255)])
    pixels[:, 55:, 3] = 0
    scan = scan_of(save(tmp_path / "a.png", Image.fromarray(pixels), "PNG"))
    assert np.array_equal(scan, GREY)


def test_opaque_alpha_changes_nothing_and_full_transparency_is_blank(tmp_path: Path) -> None:
    opaque = np.dstack([GREY, GREY, GREY, np.full_like(GREY, 255)])
    assert np.array_equal(scan_of(save(tmp_path / "a.png", Image.fromarray(opaque), "PNG")), GREY)
    clear = np.dstack([GREY, GREY, GREY, np.zeros_like(GREY)])
    assert np.ptp(scan_of(save(tmp_path / "b.png", Image.fromarray(clear), "PNG"))) == 0


# Pages


def test_each_page_of_a_tiff_is_a_source(tmp_path: Path) -> None:
    pages = [Image.fromarray(np.full((8, 8 + number), 50 * number, np.uint8)) for number in range(4)]
    path = save(tmp_path / "scan.tif", pages[0], "TIFF", save_all=True, append_images=pages[1:])
    decoded = list(decode(str(path)))
    assert [page.source for page in decoded] == [f"{path}#{number}" for number in (1, 2, 3, 4)]
    assert [page.scan.shape[1] for page in decoded if page.scan is not None] == [8, 9, 10, 11]
    assert [page.scan[0, 0] for page in decoded if page.scan is not None] == [0, 50, 100, 150]


def test_a_broken_page_costs_no_other_page(tmp_path: Path) -> None:
    pages = [Image.fromarray(np.random.default_rng(n).integers(0, 256, (64, 64), dtype=np.uint8)) for n in range(3)]
    data = bytearray(encode(pages[0], "TIFF", save_all=True, append_images=pages[1:], compression="tiff_deflate"))
    second = data.index(b"\x78", data.index(b"\x78\x9c", 3000))  # a later zlib stream
    data[second : second + 60] = bytes(60)
    with silent_stderr():
        decoded = list(decode(str(write(tmp_path / "scan.tif", bytes(data)))))
    assert [bool(page.fault) for page in decoded] == [False, True, False]


def test_the_first_page_of_a_tiff_survives_a_truncated_second(tmp_path: Path) -> None:
    page = Image.fromarray(GREY)
    data = encode(page, "TIFF", save_all=True, append_images=[page])
    decoded = list(decode(str(write(tmp_path / "scan.tif", data[: len(data) // 2 + 20]))))
    assert decoded[0].scan is not None
    assert [page.source.rpartition("#")[2] for page in decoded] == ["1", "2"]
    assert decoded[1].fault


def test_pages_over_the_limit_are_one_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pillow_decode, "MAX_PAGES", 2)
    page = Image.fromarray(GREY)
    path = save(tmp_path / "scan.tif", page, "TIFF", save_all=True, append_images=[page] * 4)
    decoded = list(decode(str(path)))
    assert [bool(page.fault) for page in decoded] == [False, False, True]
    assert "more than 2 pages" in decoded[2].fault


@pytest.mark.parametrize("name", ["GIF", "WEBP", "PNG", "AVIF"])
def test_the_first_frame_of_an_animation_is_decoded(tmp_path: Path, name: str) -> None:
    frames = [Image.fromarray(255 - GREY if number else GREY).convert("RGB") for number in range(3)]
    path = save(tmp_path / "moving", frames[0], name, save_all=True, append_images=frames[1:])
    assert np.abs(scan_of(path) - GREY.astype(int)).mean() < 3


# Files that cannot be read or decoded


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "empty file"),
        (b"just text\n", "not an image"),
        (bytes(5000), "not an image"),
        (b"BMW and other words that begin like a bitmap", "not an image"),
        (
            b"\0\0\1\0ftypisom" + bytes(80) + b"avif" + bytes(200),
            "not an image",
        ),  # brands after the first 64 bytes do not count
        (b"%!PS-Adobe", "not an image that batchdigits reads (PostScript)"),
        (b"PK\x03\x04", "not an image that batchdigits reads (ZIP)"),
        (b"\x89PNG\r\n\x1a\n", "truncated or corrupt PNG"),
        (png_of_size(3, 3), "truncated or corrupt PNG"),
        (png_of_size(0, 3), "corrupt: an image without pixels"),
        (b"\xff\xd8\xff\xe0", "truncated or corrupt JPEG"),
        (b"GIF89a", "truncated or corrupt GIF"),
        (b"II*\0\x08\0\0\0", "truncated or corrupt TIFF"),
        (b"P5 3 3 255\n", "truncated or corrupt PNM"),
    ],
)
def test_files_that_are_no_images(tmp_path: Path, content: bytes, fault: str) -> None:
    assert fault_of(write(tmp_path / "scan.png", content)).startswith(fault)


@pytest.mark.parametrize("name", FORMATS)
def test_a_truncated_file_gives_a_fault_and_no_scan(tmp_path: Path, name: str) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 90, 3), dtype=np.uint8))
    data = encode(noise, name)
    for part in (0.1, 0.5, 0.9):
        with silent_stderr():
            fault = fault_of(write(tmp_path / "half", data[: int(len(data) * part)]))
        assert fault.startswith("truncated or corrupt")


def test_paths_that_are_no_regular_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder.png").mkdir()
    Path("dangling.png").symlink_to("nowhere")
    Path("self.png").symlink_to("self.png")
    os.mkfifo("pipe.png")
    write(Path("a.png"), b"x")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.png")
        faults = {
            "folder.png": "is a directory",
            "dangling.png": "a link to a file that does not exist",
            "self.png": "a link that points at itself",
            "pipe.png": "not a regular file",
            "socket.png": "not a regular file",
            "/dev/zero": "not a regular file",
            "missing.png": "no such file",
            "a.png/b.png": "no such file",
            "nul\0.png": "no such file",
            "": "no such file",
            "n" * 300: "file name too long",
        }
        assert {path: fault_of(path) for path in faults} == faults


@pytest.mark.parametrize(
    ("code", "fault"),
    [(errno.EACCES, "permission denied"), (errno.EIO, "cannot be read: Input/output error")],
)
def test_a_file_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, fault: str) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(code, os.strerror(code))

    path = save(tmp_path / "a.png", Image.fromarray(GREY), "PNG")
    monkeypatch.setattr(os, "open", refuse)
    assert fault_of(path) == fault


def test_an_error_in_importing_pillow_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "batchdigits.vision.pillow_decode", None)
    path = save(tmp_path / "a.gif", Image.fromarray(GREY), "GIF")
    assert fault_of(path) == "cannot be decoded (ModuleNotFoundError)"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_no_permission(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", Image.fromarray(GREY), "PNG")
    path.chmod(0)
    folder = tmp_path / "folder"
    folder.mkdir(mode=0)
    assert (fault_of(path), fault_of(folder)) == ("permission denied", "permission denied")


def test_a_folder_that_cannot_be_read_is_permission_denied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert fault_of(tmp_path) == "permission denied"


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_picture_over_the_limit_is_refused(tmp_path: Path, name: str, mode: str) -> None:
    path = save(tmp_path / "a", Image.fromarray(GREY).convert(mode), name)
    assert fault_of(path, max_pixels=2399) == "too large: 60 x 40 pixels, and the limit is 0.002399 million"
    assert only(path, max_pixels=2400).scan is not None


def test_a_huge_picture_is_refused_from_its_header(tmp_path: Path) -> None:
    """The rest of these files is broken: an attempt to decode it would give another fault."""
    jpeg = encode(Image.fromarray(GREY), "JPEG")
    frame = jpeg.index(b"\xff\xc0") + 5
    tiff = encode(Image.fromarray(GREY), "TIFF", compression="tiff_lzw")
    gif = encode(Image.fromarray(GREY), "GIF")
    files = {
        "png": png_of_size(60_000, 60_000),
        "jpg": jpeg[:frame] + struct.pack(">HH", 60_000, 60_000) + jpeg[frame + 4 :],
        "tif": with_tiff_tag(with_tiff_tag(tiff, 256, 60_000), 257, 60_000),
        "gif": gif[:6] + struct.pack("<HH", 60_000, 60_000) + gif[10:],
        "pgm": b"P5 60000 60000 255\n",
        "ppm": b"P3\n# a comment\n60000 60000 255\n",
        "bmp": b"BM" + bytes(12) + struct.pack("<IiiHHI", 40, 60_000, -60_000, 1, 8, 0) + bytes(20),
    }
    for suffix, data in files.items():
        fault = fault_of(write(tmp_path / suffix, data))
        assert fault == "too large: 60000 x 60000 pixels, and the limit is 100 million", suffix


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    path = write(tmp_path / "sparse.png", png_of_size(3, 3))
    os.truncate(path, 10 * 10**9)
    assert fault_of(path) == f"too large: 10.0 GB, and the limit is {MAX_FILE_BYTES / 1e9:.1f} GB"
    os.truncate(write(tmp_path / "sparse", b""), 10 * 10**9)
    assert fault_of(tmp_path / "sparse") == "not an image"


def test_a_png_whose_chunk_claims_gigabytes_never_reaches_opencv(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenCV 5 allocates and clears the length that a chunk claims: 4 GB for a file of 800 bytes."""
    data = bytearray(encode(Image.fromarray(GREY), "PNG"))
    data[data.index(b"IDAT") - 4] = 0xFF
    monkeypatch.setattr(decoding, "_imdecode", lambda *_: pytest.fail("OpenCV was called"))
    assert np.array_equal(scan_of(write(tmp_path / "a.png", bytes(data))), GREY)  # by Pillow, as its pixels are intact


def test_heic_without_the_plug_in_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100)
    assert "pip install 'batchdigits[heif]'" in fault_of(write(tmp_path / "a.heic", heic))


def test_heic_with_the_plug_in(tmp_path: Path) -> None:
    heif = pytest.importorskip("pillow_heif")
    heif.from_pillow(Image.fromarray(GREY).convert("RGB")).save(tmp_path / "a.heic", quality=95)
    assert np.abs(scan_of(tmp_path / "a.heic") - GREY.astype(int)).mean() < 3


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (MemoryError(), "too large to decode"),
        (RecursionError("deep\n at <x object at 0x7f00>"), "cannot be decoded (RecursionError)"),
        (ZeroDivisionError(), "cannot be decoded (ZeroDivisionError)"),
    ],
)
def test_any_exception_of_a_decoder_becomes_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, fault: str
) -> None:
    def fail(*_: Any) -> None:
        raise error

    path = save(tmp_path / "a.png", Image.fromarray(GREY), "PNG")
    monkeypatch.setattr(decoding, "_imdecode", fail)
    assert fault_of(path) == fault


def test_an_image_over_pillows_own_limit_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert (
        fault_of(save(tmp_path / "a.tif", Image.fromarray(GREY), "TIFF", compression="tiff_lzw"))
        == "too large to decode"
    )


def test_one_line_is_printable_short_and_without_addresses() -> None:
    assert one_line("a\n\tb\x00 <_io.BytesIO object at 0x7f3c2837ce50>\x1b[31m\u202e") == "a b the file [31m"
    assert len(one_line("x" * 500)) == 200


def stderr_of(program: str, *arguments: Path) -> str:
    """The stderr of a fresh process, where logging is not set up and pytest catches no warnings."""
    command = [sys.executable, "-W", "always", "-c", program, *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert len(result.stdout.splitlines()) == len(arguments)
    return result.stderr


def test_neither_opencv_nor_pillow_warns_or_logs(tmp_path: Path) -> None:
    animated = with_png_chunk(encode(Image.fromarray(GREY), "PNG"), b"acTL", bytes(8))  # Pillow warns: invalid APNG
    colour = encode(Image.fromarray(GREY).convert("RGB"), "TIFF")
    wide = with_tiff_tag(colour, 277, 9)  # Pillow logs an error: more samples per pixel than can be decoded
    program = """
import sys
from batchdigits.vision.decode import decode
for name in sys.argv[1:]:
    print(*(page.fault for page in decode(name)))
"""
    short = b"P5 60 40 255\n12345"  # OpenCV logs that it cannot read the data
    contents = {"a.png": animated, "b.tif": wide, "c.pgm": short}
    assert stderr_of(program, *(write(tmp_path / name, data) for name, data in contents.items())) == ""


def test_silent_stderr_keeps_the_libraries_quiet(tmp_path: Path) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 90), dtype=np.uint8))
    png = bytearray(encode(noise, "PNG"))
    png[29] ^= 1  # the header's checksum: libpng prints an error to fd 2, as libjpeg does for a missing end
    files = write(tmp_path / "1", bytes(png)), write(tmp_path / "2", encode(noise, "JPEG")[:-50] + b"\xff\xd9")
    program = """
import sys
from contextlib import nullcontext
from batchdigits.quiet import silent_stderr
from batchdigits.vision.decode import decode
with {}():
    for name in sys.argv[1:]:
        print(*(page.fault for page in decode(name)))
"""
    assert len(stderr_of(program.format("nullcontext"), *files).splitlines()) == 2
    assert stderr_of(program.format("silent_stderr"), *files) == ""


def test_decoding_works_where_warnings_are_errors(tmp_path: Path) -> None:
    data = with_png_chunk(encode(Image.fromarray(GREY), "PNG"), b"acTL", bytes(8))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.array_equal(scan_of(write(tmp_path / "a.png", data)), GREY)
