"""Writing that is no single digit: pages, strips, several digits; and what must not be taken for it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from batchdigits.datasets import MNIST
from batchdigits.datasets.idx import TRAIN_IMAGES, read_idx
from batchdigits.vision.normalise import Candidates, normalise, propose
from batchdigits.vision.writing import holds_writing, shows_several
from tests.vision.test_normalise import likeness


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    return read_idx(MNIST / f"{TRAIN_IMAGES}.gz")[:300]


def page(digits: np.ndarray, rows: int, columns: int, pitch: int, scale: int = 2) -> np.ndarray:
    """Rows of digits, dark on white, uint8."""
    sheet = np.zeros((rows * pitch, columns * pitch), np.uint8)
    for index in range(rows * columns):
        y, x = index // columns * pitch, index % columns * pitch
        sheet[y : y + 28, x : x + 28] = digits[index % len(digits)]
    return 255 - cv2.resize(sheet, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)


def in_shadow(scan: np.ndarray) -> np.ndarray:
    """The scan in light that falls off to half at the left."""
    return (scan * np.linspace(0.5, 1.0, scan.shape[1])).astype(np.uint8)


@pytest.mark.parametrize(("rows", "columns", "pitch"), [(20, 14, 60), (40, 28, 40)])
def test_a_page_of_digits_holds_writing(digits: np.ndarray, rows: int, columns: int, pitch: int) -> None:
    sheet = page(digits, rows, columns, pitch)
    for scan in (sheet, 255 - sheet, in_shadow(sheet)):
        candidates = propose(scan)
        assert (candidates.glyphs, candidates.holds_writing) == ((), True)


def test_a_number_beside_the_dark_edge_of_a_book_holds_writing(digits: np.ndarray) -> None:
    scan = np.full((180, 130), 235, np.uint8)
    scan[:, :48] = 20
    scan[:, 118:120] = 60
    for place, digit in enumerate(digits[:2]):
        at = scan[60:80, 65 + 16 * place : 85 + 16 * place]
        at[:] = cv2.subtract(at, cv2.resize(digit, (20, 20), interpolation=cv2.INTER_AREA))
    assert holds_writing(255 - scan)
    scan[60:80, 65:101] = 235
    assert not holds_writing(255 - scan)


@pytest.mark.parametrize("edge", [0, 35])  # of a book, in columns
def test_a_small_number_in_a_large_cell_is_not_lost(digits: np.ndarray, edge: int) -> None:
    cell = np.random.default_rng(0).normal(225.0, 6.0, (266, 113))
    cell[:, :edge] = 25.0
    cell[:, -4:-2] = cell[3:5] = cell[-5:-3] = 60.0
    cell[40::36, edge:-4] -= 12.0
    for place, digit in enumerate(digits[:2]):
        at = cell[88:110, 55 + 22 * place : 77 + 22 * place]
        at -= cv2.resize(digit, (22, 22), interpolation=cv2.INTER_AREA) * (100.0 / 255.0)
    found = propose(cell.clip(0, 255).astype(np.uint8))
    assert found.glyphs or found.holds_writing


@pytest.mark.parametrize("size", [30, 160, 700])
@pytest.mark.parametrize("deviation", [3, 15, 40])
def test_grain_is_no_writing(size: int, deviation: int) -> None:
    grain = np.random.default_rng(size).normal(90, deviation, (size, size)).clip(0, 255).astype(np.uint8)
    assert not holds_writing(grain)
    assert not propose(grain).holds_writing


def test_an_empty_sheet_with_dust_is_no_writing() -> None:
    rng = np.random.default_rng(1)
    sheet = np.full((300, 300), 225, np.uint8)
    for y, x in rng.integers(0, 297, (40, 2)):
        sheet[y : y + 2, x : x + 2] = 60
    assert propose(sheet) == Candidates()


def test_an_empty_box_is_no_writing() -> None:
    box = np.full((120, 100), 240, np.uint8)
    cv2.rectangle(box, (8, 10), (90, 108), 40, 3)
    assert not propose(box).holds_writing


def _box_of_dashes() -> np.ndarray:
    box = np.full((120, 100), 240, np.uint8)
    for start in range(10, 86, 14):
        box[8:10, start : start + 8] = box[110:112, start : start + 8] = 60
        box[start + 10 : start + 18, 6:8] = box[start + 10 : start + 18, 92:94] = 60
    return box


def test_an_empty_box_of_dashes_is_no_writing() -> None:
    box = _box_of_dashes()
    assert propose(box) == Candidates()
    box[8:24, 6:8] = 60  # the dashes of two sides meet in a corner
    box[8:10, 6:18] = 60
    assert propose(box) == Candidates()


def test_dashes_and_what_may_be_a_digit_are_writing() -> None:
    at_edge, in_middle, open_box = _box_of_dashes(), _box_of_dashes(), _box_of_dashes()
    cv2.rectangle(at_edge, (80, 50), (99, 75), 60, 2)
    in_middle[60:68, 50:52] = 60
    open_box[98:, 10:74] = 240  # one dash is left of the lower side
    for scan in (at_edge, in_middle, open_box):
        assert holds_writing(np.asarray(255 - scan, np.uint8))


def test_the_dots_of_a_screened_background_are_no_writing() -> None:
    scan = np.full((90, 90), 230, np.uint8)
    scan[2::5, 2::5] = scan[3::5, 2::5] = scan[2::5, 3::5] = 60
    assert not propose(scan).holds_writing


def test_digits_beside_each_other_show_several(digits: np.ndarray) -> None:
    for columns in (2, 3, 6, 10):
        (glyph, *_) = normalise(page(digits, 1, columns, 30))
        assert shows_several(glyph), columns


def test_hardly_any_single_digit_shows_several(digits: np.ndarray) -> None:
    assert sum(map(shows_several, digits)) <= 1


def _beside(digits: np.ndarray, share: float, gap: int = 30, side: int = 200, at: int = 0) -> np.ndarray:
    """A digit in the middle, 80 pixels high at a side of 200, and one that is a share as high, `gap` pixels beside."""
    scan = np.zeros((200, 200), np.uint8)
    for digit, high, left in ((digits[1], 80, 40), (digits[4], round(80 * share), at)):
        x, y, wide, tall = cv2.boundingRect(digit)
        ink = cv2.resize(digit[y : y + tall, x : x + wide], (high * wide // tall, high), interpolation=cv2.INTER_AREA)
        left = left or 40 + 80 * cv2.boundingRect(digits[1])[2] // cv2.boundingRect(digits[1])[3] + gap
        scan[60 : 60 + high, left : left + ink.shape[1]] = ink[:, : 200 - left]
    return 255 - cv2.resize(scan, (side, side), interpolation=cv2.INTER_AREA)


@pytest.mark.parametrize("share", [0.5, 0.8])
def test_two_digits_beside_each_other_are_a_pair_of_what_each_is_alone(digits: np.ndarray, share: float) -> None:
    first, second = propose(_beside(digits, share)).pair
    assert likeness(first, normalise(digits[1])[0]) > 0.9
    assert likeness(second, normalise(digits[4])[0]) > 0.9


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({"share": 0.3}, id="too short"),
        pytest.param({"share": 0.5, "side": 39}, id="in a tight crop"),
    ],
)
def test_what_is_beside_a_digit_and_no_other_one(digits: np.ndarray, arguments: dict[str, float]) -> None:
    assert propose(_beside(digits, **arguments)).pair == ()  # type: ignore[arg-type]


def test_digits_above_each_other_are_no_pair(digits: np.ndarray) -> None:
    scan = _beside(digits, 0.5)
    assert propose(scan).pair
    assert propose(scan.T.copy()).pair == ()


@pytest.mark.parametrize(("gap", "count"), [(6, 0), (14, 2), (63, 0)])
def test_a_stroke_near_a_digit_or_at_the_border_is_no_other_one(gap: int, count: int) -> None:
    scan = np.full((200, 200), 255, np.uint8)
    cv2.ellipse(scan, (100, 100), (25, 36), 0, 0, 360, 0, 8)
    scan[70:130, 129 + gap : 137 + gap] = 0
    assert len(propose(scan).pair) == count


def _ring_in_cell() -> np.ndarray:
    cell = np.full((120, 120), 255, np.uint8)
    cv2.rectangle(cell, (5, 5), (114, 114), 0, 3)
    cv2.ellipse(cell, (60, 60), (20, 30), 0, 0, 360, 0, 6)
    return cell


def test_a_small_digit_at_the_wall_of_a_cell_is_one_of_a_pair() -> None:
    cell = _ring_in_cell()
    cv2.ellipse(cell, (101, 60), (5, 12), 0, 0, 360, 0, 4)
    assert len(propose(cell).pair) == 2


@pytest.mark.parametrize(("left", "width"), [(98, 2), (105, 6)])
def test_what_is_left_of_the_wall_of_a_cell_is_no_digit(left: int, width: int) -> None:
    cell = _ring_in_cell()
    cell[40:95, left : left + width] = 0
    assert propose(cell).pair == ()
