"""Large JPEG and JPEG 2000 files are decoded in a reduced size, and in full only for a nearer look at a small digit."""

from __future__ import annotations

import struct
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from cv2.typing import MatLike
from numpy.typing import NDArray
from PIL import Image

from batchdigits.api.images import page_of
from batchdigits.fields.cut_batch import CutBatch
from batchdigits.fields.cut_field import cut_field
from batchdigits.fields.field_options import FieldOptions
from batchdigits.fields.reading import ReadOptions
from batchdigits.vision.decode import Page, decode
from batchdigits.vision.normalise import propose
from batchdigits.vision.normalise_batch import NormaliseBatch
from batchdigits.vision.reduction import MIN_REDUCED_SIDE, Reduction, times_to_reduce
from batchdigits.vision.small_images import FastBatch

WIDTH, HEIGHT = 2 * MIN_REDUCED_SIDE, 640
ORIENTATION = 274
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'


def photograph(share: float) -> NDArray[np.uint8]:
    """A photograph, uint8 (HEIGHT, WIDTH), of a 7 in dark ink that is so high, as a share of the picture's height."""
    picture = np.full((HEIGHT, WIDTH), 200, np.uint8)
    side = round(share * HEIGHT)
    corners = [
        (WIDTH // 3, HEIGHT // 3),
        (WIDTH // 3 + side // 2, HEIGHT // 3),
        (WIDTH // 3 + side // 5, HEIGHT // 3 + side),
    ]
    cv2.polylines(picture, [np.array(corners, np.int32)], False, 40, max(4, side // 10), cv2.LINE_AA)
    return picture


def half(scan: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A scan in half of its size."""
    return np.asarray(cv2.resize(scan, (WIDTH // 2, HEIGHT // 2), interpolation=cv2.INTER_AREA), np.uint8)


def only(path: Path, *, reduced: bool) -> Page:
    """The only page of a file."""
    (page,) = decode(str(path), reduced=reduced)
    return page


def test_how_many_times() -> None:
    sides = [MIN_REDUCED_SIDE * times + change for times in (2, 4, 8) for change in (-1, 0)]
    assert [times_to_reduce(side, 1) for side in sides] == [1, 2, 2, 4, 4, 8]
    assert times_to_reduce(1, 100 * MIN_REDUCED_SIDE) == 8


@pytest.mark.parametrize(
    ("name", "mode", "options"),
    [
        ("JPEG", "L", {}),
        ("JPEG", "RGB", {}),
        ("JPEG", "RGB", {"progressive": True}),
        ("JPEG", "CMYK", {}),
        ("JPEG", "L", {"xmp": XMP}),
        ("JPEG2000", "L", {}),
        ("JPEG2000", "RGB", {}),
    ],
)
def test_a_reduced_scan_is_its_full_scan_in_small(
    tmp_path: Path, name: str, mode: str, options: dict[str, Any]
) -> None:
    exif = Image.Exif()
    if not options:
        exif[ORIENTATION] = 6
        options = {"exif": exif} if name == "JPEG" else {}
    picture = Image.fromarray(photograph(0.5)).convert(mode)
    picture.save(tmp_path / "photograph", name, **options)
    full, page = only(tmp_path / "photograph", reduced=False), only(tmp_path / "photograph", reduced=True)
    assert full.reduction is None and full.scan is not None
    assert page.reduction is not None and page.scan is not None
    assert page.reduction.times == 2
    small = cv2.resize(full.scan, page.scan.shape[::-1], interpolation=cv2.INTER_AREA)
    assert page.scan.shape == tuple(side // 2 for side in full.scan.shape)
    assert cv2.norm(small, page.scan, cv2.NORM_L1) < 2 * small.size
    enlarged = page.reduction.enlarge()
    assert enlarged is not None
    np.testing.assert_array_equal(enlarged, full.scan)


def test_a_small_file_is_not_reduced(tmp_path: Path) -> None:
    for name in ("JPEG", "JPEG2000"):
        Image.fromarray(photograph(0.5)[:, :-1]).save(tmp_path / name, name)
        page = only(tmp_path / name, reduced=True)
        assert page.reduction is None
        assert page.scan is not None
        assert page.scan.shape == (HEIGHT, WIDTH - 1)


@pytest.mark.parametrize("size", [(WIDTH, 1), (1, 8 * WIDTH), (4 * WIDTH, 5)])
def test_a_jpeg_too_thin_for_a_smaller_size_is_decoded_in_full(tmp_path: Path, size: tuple[int, int]) -> None:
    for mode in ("L", "CMYK"):
        Image.new(mode, size).save(tmp_path / mode, "JPEG")
        page = only(tmp_path / mode, reduced=True)
        assert (page.fault, page.scan is None) == ("", False)


def lossless_jpeg(picture: NDArray[np.uint8]) -> bytes:
    """A JPEG of the lossless process: each pixel is its difference to the one on its left, in four bits and its own."""
    values = picture.astype(int)
    before = np.full_like(values, 128)
    before[1:, 0], before[:, 1:] = values[:-1, 0], values[:, :-1]
    bits = []
    for change in (values - before).ravel().tolist():
        size = abs(change).bit_length()
        own = change if change > 0 else change + (1 << size) - 1
        bits.append(f"{size:04b}" + (f"{own:0{size}b}" if size else ""))
    text = "".join(bits)
    text += "1" * (-len(text) % 8)
    data = int(text, 2).to_bytes(len(text) // 8, "big").replace(b"\xff", b"\xff\0")
    frame = struct.pack(">HBHHB", 11, 8, *picture.shape, 1) + bytes([1, 0x11, 0])
    codes = struct.pack(">HB", 31, 0) + bytes([0, 0, 0, 12, *[0] * 12, *range(12)])  # twelve codes of four bits
    scan = struct.pack(">H", 8) + bytes([1, 1, 0, 1, 0, 0])
    return b"\xff\xd8\xff\xc3" + frame + b"\xff\xc4" + codes + b"\xff\xda" + scan + data + b"\xff\xd9"


def test_a_lossless_jpeg_which_cannot_be_reduced_is_taken_for_a_full_scan(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(lossless_jpeg(photograph(0.06)))
    page = only(tmp_path / "a.jpg", reduced=True)
    assert page.scan is not None
    np.testing.assert_array_equal(page.scan, photograph(0.06))
    assert page.reduction is None


def test_a_jpeg_2000_without_smaller_sizes_is_decoded_in_full(tmp_path: Path) -> None:
    Image.fromarray(photograph(0.5)).save(tmp_path / "flat", "JPEG2000", num_resolutions=1)
    page = only(tmp_path / "flat", reduced=True)
    assert page.reduction is None
    assert page.scan is not None
    assert page.scan.shape == (HEIGHT, WIDTH)


@pytest.mark.parametrize("name", ["JPEG", "JPEG2000"])
def test_a_damaged_file_has_the_fault_of_its_full_size(tmp_path: Path, name: str) -> None:
    Image.fromarray(photograph(0.5)).save(tmp_path / "whole", name)
    (tmp_path / "part").write_bytes((tmp_path / "whole").read_bytes()[:120])
    assert only(tmp_path / "part", reduced=True).fault == only(tmp_path / "part", reduced=False).fault != ""


@pytest.mark.parametrize(("share", "is_near"), [(0.5, False), (0.3, False), (0.06, True)])
def test_only_a_small_digit_asks_for_the_full_size(share: float, is_near: bool) -> None:
    full = photograph(share)
    asked = []

    def enlarge(whole: NDArray[np.uint8]) -> NDArray[np.uint8]:
        asked.append(whole)
        return whole

    for scan, whole in ((half(full), full), (np.invert(half(full)), np.invert(full))):
        candidates = propose(scan, reduction=Reduction(2, partial(enlarge, whole)))
        expected = propose(whole)
        assert len(candidates.glyphs) == len(expected.glyphs) == 1
        change = np.abs(candidates.glyphs[0].astype(int) - expected.glyphs[0])
        assert change.max() == 0 if is_near else change.mean() < 3
    assert bool(asked) == is_near


def test_a_full_size_that_cannot_be_had_costs_sharpness_alone() -> None:
    assert len(propose(half(photograph(0.06)), reduction=Reduction(2, lambda: None)).glyphs) == 1


def test_batches_reduce(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(photograph(0.5)).save(tmp_path / "a.jpg")
    flags = []
    imdecode = cv2.imdecode

    def watched(data: NDArray[np.uint8], flag: int) -> MatLike | None:
        flags.append(flag)
        return imdecode(data, flag)

    monkeypatch.setattr(cv2, "imdecode", watched)
    for batch in (NormaliseBatch("auto"), FastBatch("auto")):
        list(batch.add(str(tmp_path / "a.jpg")))
        (normalised,) = batch.finish()
        assert len(normalised.candidates.glyphs) == 1
    assert flags == [cv2.IMREAD_REDUCED_GRAYSCALE_2] * 2


def test_ink_of_the_papers_luma_is_seen_in_a_reduced_scan(tmp_path: Path) -> None:
    is_ink = photograph(0.5) < 120
    Image.fromarray(np.where(is_ink[..., None], (200, 100, 100), (100, 151, 100)).astype(np.uint8)).save(
        tmp_path / "a.jpg"
    )
    page = only(tmp_path / "a.jpg", reduced=True)
    assert page.scan is not None
    assert page.scan.shape == (HEIGHT // 2, WIDTH // 2)
    assert len(propose(page.scan, reduction=page.reduction).glyphs) == 1


def test_from_python_an_image_is_reduced_on_demand_alone(tmp_path: Path) -> None:
    Image.fromarray(photograph(0.5)).save(tmp_path / "a.jpg")
    data = (tmp_path / "a.jpg").read_bytes()
    with (tmp_path / "a.jpg").open("rb") as file:
        for image in (tmp_path / "a.jpg", data, file):
            assert page_of(image, reduced=True).reduction is not None
    assert page_of(data).reduction is page_of(tmp_path / "a.jpg").reduction is None


def test_a_large_field_is_read_in_its_full_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(photograph(0.5)).save(tmp_path / "a.jpg")
    shapes = []

    def watched(scan: NDArray[np.uint8], options: ReadOptions) -> Any:
        shapes.append(scan.shape)
        return cut_field(scan, options)

    monkeypatch.setattr("batchdigits.fields.cut_batch.cut_field", watched)
    list(CutBatch(FieldOptions()).add(str(tmp_path / "a.jpg")))
    assert shapes == [(HEIGHT, WIDTH)]
