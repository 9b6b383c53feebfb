"""Lines that are alike as printed ones are: walls no higher than digits, ticks, frames, and combs that lean."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from batchdigits.fields.cut_field import cut_field
from batchdigits.fields.ink import View, view_of
from batchdigits.fields.leaning import _are_regular, upright_view
from batchdigits.fields.lines.form_lines import remove_form_lines
from batchdigits.fields.lines.printed import are_alike, are_printed
from batchdigits.fields.lines.row_limits import filled, row_limits
from batchdigits.fields.lines.ruled_lines import find_rules, rails_of_frames
from batchdigits.fields.lines.ticks import find_ticks
from batchdigits.fields.lines.underlines import is_underline
from batchdigits.fields.read_field import MAX_DOUBTFUL_CONFIDENCE
from batchdigits.fields.reading import ReadOptions
from batchdigits.inference.runtime import Runtime
from batchdigits.vision.strokes import UprightStrokes, find_level_strokes, find_upright_strokes, make_stroke
from tests.fields.conftest import Digits
from tests.fields.drawn import INK, LINE, PAPER, Scan, paper, write
from tests.fields.readings import read_fields


def sheared(scan: Scan, lean: float) -> Scan:
    """A scan whose lines lean, by so many columns to the left for each row down."""
    height, width = scan.shape
    wide = width + round(abs(lean) * height)
    affine = np.array([[1.0, -lean, max(0.0, lean * height)], [0.0, 1.0, 0.0]])
    return np.asarray(cv2.warpAffine(scan, affine, (wide, height), borderValue=PAPER), np.uint8)


def comb(digits: Digits, value: str, boxes: int, top: int = 3) -> Scan:
    """A comb whose first boxes have digits."""
    scan = paper(60 * boxes + 40, 66)
    cv2.rectangle(scan, (20, top), (20 + 60 * boxes, 62), LINE, 2)
    for box in range(boxes):
        cv2.line(scan, (20 + 60 * box, top), (20 + 60 * box, 62), LINE, 2)
        write(scan, *digits, value[box : box + 1], at=32 + 60 * box, top=15)
    return scan


def test_digits_at_the_ends_of_a_tilted_cell_are_read(runtime: Runtime, mnist_digits: Digits) -> None:
    scan, rise = paper(444, 130), 40
    for place, digit in enumerate("29463029"):
        write(scan, *mnist_digits, digit, at=36 + 48 * place, top=47 + round(rise * (48 * place - 168) / 424))
    corners = [(10, 38 - rise // 2), (434, 38 + rise // 2), (434, 92 + rise // 2), (10, 92 - rise // 2)]
    cv2.polylines(scan, [np.array(corners, np.int32)], True, LINE, 2, cv2.LINE_AA)
    assert read_fields([scan], runtime)[0].value == "29463029"


def test_rows_lie_between_rules_column_by_column() -> None:
    mask = np.zeros((60, 100), np.uint8)
    cv2.line(mask, (0, 8), (99, 12), 255, 1)
    highest, lowest = row_limits(find_rules(mask, UprightStrokes(mask)), mask.shape)
    assert (highest[2], highest[97]) == (9, 13)
    assert set(lowest) == {60}
    assert filled(np.array([0, 5, 0, 9, 0]), 0).tolist() == [5, 5, 7, 9, 9]


@pytest.mark.parametrize(("thick", "is_line"), [(3, True), (12, False)])
def test_an_underline_is_thin(thick: int, is_line: bool) -> None:
    mask = np.zeros((70, 100), np.uint8)
    mask[30:46, 30:36] = mask[30:46, 60:66] = 255  # digits so low are the rough edge of a thick bar
    mask[46 : 46 + thick, 16:86] = 255
    (stroke,) = find_level_strokes(mask)
    assert is_underline(stroke, mask) == is_line


@pytest.mark.parametrize(("uneven", "boxes"), [(0, 4), (5, 0)])
def test_walls_no_higher_than_digits_are_alike(runtime: Runtime, mnist_digits: Digits, uneven: int, boxes: int) -> None:
    scan = paper(280)
    for box in range(5):
        cv2.line(scan, (20 + 60 * box, 16 + uneven * (box % 2)), (20 + 60 * box, 44 - uneven * (box % 2)), INK, 1)
    for box, digit in enumerate("2946"):
        write(scan, *mnist_digits, digit, at=32 + 60 * box)
    reading = read_fields([scan], runtime)[0]
    assert reading.boxes == boxes
    assert not boxes or reading.value == "2946"


def test_alike_strokes_have_one_length_thickness_and_slope() -> None:
    mask = np.zeros((60, 160), np.uint8)
    for at, top, lean, thick in ((10, 10, 0, 2), (40, 10, 0, 2), (70, 10, 0, 2), (100, 10, 3, 2), (130, 10, 0, 5)):
        cv2.line(mask, (at, top), (at + lean, 50), 255, thick)
    strokes = sorted(find_upright_strokes(mask), key=lambda stroke: stroke.near)
    assert are_printed(strokes).tolist() == [True, True, True, False, False]
    assert are_printed([]).tolist() == []


@pytest.mark.parametrize(("thick", "is_alike"), [(3, True), (9, False)])
def test_a_printed_line_is_even(thick: int, is_alike: bool) -> None:
    ink = np.zeros((40, 10), np.uint8)
    ink[:, :2] = ink[20:, :thick] = 255
    strokes = [make_stroke(ink, 10, left, False, (10, 50), (60, 100), 2.0) for left in (10, 50, 90)]
    assert are_printed(strokes).all() == is_alike


def test_a_row_of_alike_lines_may_be_tilted() -> None:
    middles, tops = np.array([10.0, 50.0, 90.0, 130.0]), np.array([10, 14, 18, 27])
    assert are_alike(middles, tops, tops + 30, np.full(4, 2.0)).tolist() == [True, True, True, False]


@pytest.mark.parametrize("grain", [3, 9])
def test_grain_on_white_paper_is_no_digit(runtime: Runtime, mnist_digits: Digits, grain: int) -> None:
    scan = np.where(comb(mnist_digits, "", 5) < PAPER, 30.0, 255.0)
    scan += np.linspace(10, -10, scan.shape[1]) + np.random.default_rng(0).normal(0, grain, scan.shape)
    assert not read_fields([np.clip(scan, 0, 255).astype(np.uint8)], runtime)[0].has_ink


def ticks(count: int, length: int = 20, pitch: int = 50) -> Scan:
    scan = paper(pitch * (count - 1) + 40)
    for tick in range(count):
        cv2.line(scan, (20 + pitch * tick, 56 - length), (20 + pitch * tick, 56), INK, 2)
    return scan


def test_ticks_without_a_rule_are_walls(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = ticks(7)
    for box, digit in enumerate("2 48"):
        write(scan, *mnist_digits, digit.strip(), at=27 + 50 * box, top=10)
    reading = read_fields([scan], runtime)[0]
    assert (reading.value, reading.boxes) == ("248", 6)


@pytest.mark.parametrize(("count", "pitch", "has_ink"), [(5, 50, False), (3, 50, True), (5, 16, True)])
def test_ticks_without_anything_else_are_empty_boxes(runtime: Runtime, count: int, pitch: int, has_ink: bool) -> None:
    reading = read_fields([ticks(count, pitch=pitch)], runtime)[0]
    assert reading.has_ink == has_ink
    assert reading.confidence <= MAX_DOUBTFUL_CONFIDENCE  # fewer may be 1s, as well as marks


@pytest.mark.parametrize("wide", [3, 5])
def test_ticks_on_a_rule_may_be_blurred(runtime: Runtime, wide: int) -> None:
    scan = paper(340)
    cv2.line(scan, (20, 54), (320, 54), INK, 4)
    for tick in range(7):
        cv2.rectangle(scan, (20 + 50 * tick - wide // 2, 40), (20 + 50 * tick + wide // 2, 54), INK, -1)
    assert not read_fields([scan], runtime)[0].has_ink


def test_the_sides_of_a_frame_are_not_the_walls_of_the_boxes_that_were_told_of(runtime: Runtime) -> None:
    scan = paper(300, 76)
    cv2.rectangle(scan, (10, 8), (290, 67), INK, 2)
    for column in range(50, 290, 40):
        cv2.line(scan, (column, 49), (column, 67), INK, 2)
    assert not read_fields([scan], runtime, ReadOptions(boxes=7))[0].has_ink


def test_two_alike_ones_are_no_marks(runtime: Runtime) -> None:
    scan = paper(120)
    for column in (50, 74):
        cv2.line(scan, (column, 14), (column - 3, 46), INK, 4)
    reading = read_fields([scan], runtime)[0]
    assert reading.value == "11"
    assert reading.confidence > MAX_DOUBTFUL_CONFIDENCE


def test_ticks_differ_little_from_each_other() -> None:
    mask = 255 - np.asarray(cv2.threshold(ticks(6), 128, 255, cv2.THRESH_BINARY)[1], np.uint8)
    assert find_ticks(mask, []) is not None
    for tick in range(6):
        mask[: 38 + 3 * tick, 50 * tick : 50 * tick + 40] = 0
    assert find_ticks(mask, []) is None


def test_a_digit_in_a_narrow_frame_is_read(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = paper(240, 80)
    cv2.rectangle(scan, (90, 21), (142, 60), LINE, 2)
    write(scan, *mnist_digits, "3", at=100, top=23)
    assert read_fields([scan], runtime)[0].value == "3"


@pytest.mark.parametrize(
    ("ends", "thick", "count"), [((20, 60), 2, 2), ((20, 40), 2, 0), ((32, 50), 2, 0), ((20, 60), 6, 0)]
)
def test_a_frame_has_alike_sides_and_rails_at_both_ends(ends: tuple[int, int], thick: int, count: int) -> None:
    mask = np.zeros((90, 240), np.uint8)
    mask[20:62, 90 : 90 + thick] = 255
    mask[20:62, 90:92] = mask[20:62, 140:142] = mask[34:46, 110:120] = 255
    for row in ends:
        mask[row : row + 2, 90:142] = 255
    assert len(rails_of_frames(mask, UprightStrokes(mask))) == count


def test_specks_beside_the_walls_of_empty_boxes_are_no_ink(runtime: Runtime) -> None:
    scan = paper(380)
    for wall in range(6):
        cv2.line(scan, (20 + 64 * wall, 6), (20 + 64 * wall, 54), INK, 2)
        scan[20:23, 30 + 64 * wall : 33 + 64 * wall] = INK
    assert not read_fields([scan], runtime)[0].has_ink


@pytest.mark.parametrize(("lean", "top", "rule", "count"), [(0, 13, 0, 2), (4, 13, 0, 0), (0, 22, 0, 0), (0, 13, 2, 0)])
def test_the_sides_of_a_cell_without_rules_stand_upright_and_enclose_digits(
    mnist_digits: Digits, lean: int, top: int, rule: int, count: int
) -> None:
    scan = paper(130)
    scan[56 : 56 + rule] = LINE
    for column in (20, 110):
        cv2.line(scan, (column + lean // 2, top), (column - lean // 2, 48), INK, 3)
    write(scan, *mnist_digits, "29", at=32)
    assert len(remove_form_lines(view_of(scan).ink).walls) == count


def test_the_sides_of_a_cell_without_rules_go_and_leave_a_doubt(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = paper(260)
    for column in (30, 220):
        cv2.line(scan, (column, 13), (column, 47), LINE, 3)
    write(scan, *mnist_digits, "2946", at=56)
    reading = read_fields([scan], runtime)[0]
    assert reading.value == "2946"
    assert reading.confidence <= MAX_DOUBTFUL_CONFIDENCE


def test_a_thick_wall_between_lower_digits_goes(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = paper(160)
    cv2.line(scan, (80, 0), (80, 59), INK, 6)
    for digit, at in (("8", 36), ("3", 94)):
        write(scan, *mnist_digits, digit, at=at)
    assert read_fields([scan], runtime)[0].value == "83"


def test_a_stroke_from_edge_to_edge_alone_is_in_doubt(runtime: Runtime) -> None:
    scan = paper(70)
    cv2.line(scan, (35, 0), (35, 59), INK, 8)
    assert read_fields([scan], runtime)[0].confidence <= MAX_DOUBTFUL_CONFIDENCE


def test_far_digits_leave_a_number_in_doubt(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = paper(460)
    write(scan, *mnist_digits, "2946", at=30)
    near = read_fields([scan], runtime)[0]
    write(scan, *mnist_digits, "8", at=400)
    assert read_fields([scan], runtime)[0].confidence <= MAX_DOUBTFUL_CONFIDENCE < near.confidence


@pytest.mark.parametrize("lean", [-0.3, 0.2])
def test_a_comb_is_read_whose_walls_lean(runtime: Runtime, mnist_digits: Digits, lean: float) -> None:
    reading = read_fields([sheared(comb(mnist_digits, "294830", 6), lean)], runtime)[0]
    assert reading.value == "294830"
    assert reading.boxes >= 6
    left, top, right, bottom = reading.digits[0].box
    shift = max(0.0, lean * 66) - lean * 33
    assert abs((left + right) / 2 - 50 - shift) < 8
    assert abs((top + bottom) / 2 - 33) < 6


@pytest.mark.parametrize(
    ("lean", "has_rules", "is_found"), [(0.25, True, True), (0.25, False, False), (0, True, False)]
)
def test_leaning_walls_are_looked_for_between_rules(
    mnist_digits: Digits, lean: float, has_rules: bool, is_found: bool
) -> None:
    view: View = view_of(sheared(comb(mnist_digits, "294830", 6, top=10), lean))
    upright = upright_view(view, has_rules)
    assert (upright is not None) == is_found
    assert upright is None or abs(upright.lean - lean) <= 0.04


def test_strokes_that_lean_and_are_not_alike_are_no_walls() -> None:
    scan = paper(300, 66)
    cv2.line(scan, (0, 4), (299, 4), LINE, 2)
    cv2.line(scan, (0, 62), (299, 62), LINE, 2)
    for place, (top, thick) in enumerate(((8, 3), (14, 6), (10, 4), (16, 7))):
        cv2.line(scan, (64 + 60 * place - top // 4, top), (50 + 60 * place, 58), INK, thick)
    assert upright_view(view_of(scan), has_rules=True) is not None
    assert cut_field(scan, ReadOptions()).view.lean == 0


@pytest.mark.parametrize(("columns", "is_regular"), [((10, 50, 90), True), ((10, 30, 98), False), ((10, 50), False)])
def test_walls_that_lean_stand_at_regular_distances(columns: tuple[int, ...], is_regular: bool) -> None:
    counts = np.full(110, 12)
    counts[list(columns)] = 44
    assert _are_regular(counts) == is_regular
