"""Printed lines that digits touch, cross or stand between, and grain in boxes without any."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from batchdigits.fields.lines.comb import Comb
from batchdigits.fields.lines.comb_walls import comb_walls
from batchdigits.fields.lines.form_lines import remove_form_lines
from batchdigits.fields.lines.grain import is_ink_over
from batchdigits.fields.lines.line_pixels import pixels_of
from batchdigits.fields.lines.ruled_lines import find_rules
from batchdigits.fields.lines.underlines import is_underline
from batchdigits.inference.runtime import Runtime
from batchdigits.vision.strokes import UprightStrokes, find_level_strokes, make_stroke
from tests.fields.conftest import Digits
from tests.fields.drawn import INK, LINE, Scan, paper, walls, write
from tests.fields.readings import read_fields

Mask = NDArray[np.uint8]


def mask_of(height: int, width: int) -> Mask:
    return np.zeros((height, width), np.uint8)


def inside(scan: Scan, edge: int) -> Scan:
    """A scan with paper around it."""
    return np.asarray(cv2.copyMakeBorder(scan, edge, edge, edge, edge, cv2.BORDER_CONSTANT, value=235), np.uint8)


@pytest.mark.parametrize(("left", "right", "value"), [("83", "6", "8316"), ("2", "35", "2135")])
def test_a_one_from_rule_to_rule_between_digits_is_no_wall(
    runtime: Runtime, mnist_digits: Digits, left: str, right: str, value: str
) -> None:
    scan = paper(260, 76)
    for row in (19, 54):
        cv2.line(scan, (0, row), (260, row), LINE, 2)
    at = write(scan, *mnist_digits, left, at=50, top=20)
    cv2.line(scan, (at + 12, 20), (at + 12, 53), INK, 3)
    write(scan, *mnist_digits, right, at=at + 24, top=20)
    assert read_fields([scan], runtime)[0].value == value


def test_a_wall_that_is_higher_than_digits_goes(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = paper(240, 84)
    cv2.rectangle(scan, (6, 8), (232, 76), LINE, 2)
    cv2.line(scan, (110, 8), (110, 76), LINE, 2)
    write(scan, *mnist_digits, "46", at=30, top=24)
    write(scan, *mnist_digits, "35", at=140, top=24)
    assert read_fields([scan], runtime)[0].value == "4635"


@pytest.mark.parametrize("corner", [12, 40])
def test_the_side_of_a_cell_goes_with_a_corner(mnist_digits: Digits, corner: int) -> None:
    scan = paper(220, 90)
    cv2.line(scan, (0, 82), (220, 82), LINE, 2)
    cv2.line(scan, (200, 0), (200, 89), LINE, 2)
    cv2.line(scan, (200 - corner, 6), (219, 6), LINE, 2)
    write(scan, *mnist_digits, "46", at=60, top=28)
    assert [wall.near in range(197, 201) for wall in remove_form_lines(np.invert(scan)).walls] == [True]


@pytest.mark.parametrize(("ends", "count"), [((19, 55), 0), ((13, 61), 1)])
def test_the_stem_of_a_6_in_the_margin_is_a_wall_if_it_joins_the_rules(ends: tuple[int, int], count: int) -> None:
    mask = mask_of(76, 220)
    for row in (12, 62):
        cv2.line(mask, (0, row), (219, row), 255, 2)
    cv2.line(mask, (30, ends[0]), (30, ends[1]), 255, 3)
    cv2.ellipse(mask, (40, 44), (10, 9), 0, 0, 360, 255, 3)
    assert len(remove_form_lines(mask).walls) == count


@pytest.mark.parametrize("row", [45, 47])
def test_zeros_on_a_line_keep_their_feet(runtime: Runtime, mnist_digits: Digits, row: int) -> None:
    scan = paper(260, 80)
    write(scan, *mnist_digits, "06085", at=40)
    cv2.line(scan, (0, row), (260, row), INK, 3)
    assert read_fields([scan], runtime)[0].value == "06085"


def test_a_rule_has_not_the_strokes_along_it() -> None:
    mask = mask_of(120, 280)
    mask[80:83] = 255
    mask[77:80, 60:140] = 255  # the bottom of a 0
    (stroke,), (rule,) = find_level_strokes(mask), find_rules(mask, UprightStrokes(mask))
    assert rule.far - rule.near <= 5 < stroke.far - stroke.near
    gone = pixels_of([rule], [rule], mask, mask)
    assert not gone[77:79, 62:138].any()
    assert gone[80:83, 5:275].all()


@pytest.mark.parametrize(("rough", "goes"), [(1, True), (2, False)])
def test_a_rough_edge_of_a_line_goes_with_it(rough: int, goes: bool) -> None:
    mask = mask_of(60, 200)
    mask[40:43] = 255
    (rule,) = find_rules(mask, UprightStrokes(mask))
    mask[40 - rough : 40, 60:66] = 255
    gone = pixels_of([rule], [rule], mask, mask)
    assert bool(gone[40 - rough : 40, 61:65].all()) is goes


def comb_of(mask: Mask, first: int, pitch: int, boxes: int) -> Comb:
    edges = np.arange(first, first + pitch * boxes + 1, pitch).astype(np.float64)
    for edge in edges.astype(int).tolist():
        mask[10:70, edge - 1 : edge + 2] = 255
    return Comb(edges, float(pitch), UprightStrokes(mask).select(), edges)


def found_at(mask: Mask, comb: Comb, column: int) -> int:
    """How many walls of a comb are at a column."""
    found = comb_walls(UprightStrokes(mask).select(), comb, mask, mask)
    return sum(abs((wall.near + wall.far) / 2 - column) <= 5 for wall in found)


def test_a_wall_between_two_zeros_is_found() -> None:
    mask = mask_of(80, 260)
    comb = comb_of(mask, 20, 50, 4)
    for middle in (108, 132):
        cv2.ellipse(mask, (middle, 40), (11, 25), 0, 0, 360, 255, 5)
    assert found_at(mask, comb, 120) == 1


def test_a_wall_that_a_stem_lies_along_is_no_thicker_than_others() -> None:
    mask = mask_of(80, 260)
    comb = comb_of(mask, 20, 50, 4)
    mask[16:64, 122:128] = 255
    (wall,) = (one for one in comb_walls(UprightStrokes(mask).select(), comb, mask, mask) if 110 < one.near < 130)
    assert wall.far - wall.near <= 6


@pytest.mark.parametrize(("lean", "count"), [(-3, 1), (4, 0)])
def test_a_stroke_that_leans_unlike_the_walls_is_none(lean: int, count: int) -> None:
    mask, edges = mask_of(80, 260), [20, 70, 120, 170, 220]
    for edge in edges:
        shift = lean if edge == 120 else -3
        cv2.line(mask, (edge - shift, 10), (edge + shift, 70), 255, 3)
    comb = Comb(np.array(edges, np.float64), 50.0, UprightStrokes(mask).select(), None)
    assert found_at(mask, comb, 120) == count


@pytest.mark.parametrize(("lean", "count"), [(0, 1), (4, 1), (6, 0)])
def test_a_hidden_wall_may_lean_a_little(lean: int, count: int) -> None:
    mask = mask_of(80, 260)
    comb = comb_of(mask, 20, 50, 4)
    mask[:, 117:124] = 0
    cv2.line(mask, (120 - lean, 10), (120 + lean, 70), 255, 3)
    for middle in (106, 134):
        cv2.ellipse(mask, (middle, 40), (12, 20), 0, 0, 360, 255, 5)
    assert found_at(mask, comb, 120) == count


def test_no_wall_is_made_up_where_there_is_none() -> None:
    mask = mask_of(80, 260)
    comb = comb_of(mask, 20, 50, 4)
    mask[:, 117:124] = 0
    cv2.ellipse(mask, (120, 40), (11, 25), 0, 0, 360, 255, 5)
    assert found_at(mask, comb, 120) == 0


def test_a_stem_beside_a_wall_that_is_gone_is_no_wall() -> None:
    mask = mask_of(80, 260)
    comb = comb_of(mask, 20, 50, 4)
    known = UprightStrokes(mask).select()
    mask[:] = 0
    mask[12:68, 122:126] = 255
    assert not comb_walls(UprightStrokes(mask).select(), comb, mask, mask, known)


@pytest.mark.parametrize("value", ["700", "8086"])
def test_a_comb_is_read_whose_walls_digits_touch(runtime: Runtime, mnist_digits: Digits, value: str) -> None:
    scan = paper(len(value) * 34 + 20, 64)
    walls(scan, 8, 34, len(value))
    write(scan, *mnist_digits, value, at=8, top=14)
    (reading,) = read_fields([inside(scan, 16)], runtime)
    assert reading.value == value
    assert reading.boxes


@pytest.mark.parametrize("size", [1.0, 1.7])
def test_digits_may_be_as_tall_as_the_walls_of_a_comb_with_rails(
    runtime: Runtime, mnist_digits: Digits, size: float
) -> None:
    scan = paper(4 * 66 + 20, 64)
    walls(scan, 8, 66, 4)
    for place, digit in enumerate("4635"):
        own = paper(40, 60)
        write(own, *mnist_digits, digit, at=2)
        own = np.asarray(cv2.resize(own[12:48, 2:38], None, fx=size, fy=size, interpolation=cv2.INTER_CUBIC))
        top, left = 32 - len(own) // 2, 41 + 66 * place - len(own) // 2
        room = scan[top : top + len(own), left : left + len(own)]
        room[:] = np.minimum(room, own)
    (reading,) = read_fields([scan], runtime)
    assert (reading.value, reading.boxes) == ("4635", 4)


@pytest.mark.parametrize("edge", [0, 24])
def test_the_rails_of_a_comb_go_wherever_it_is(edge: int) -> None:
    scan = paper(4 * 48 + 20, 64)
    walls(scan, 8, 48, 4)
    ruled = remove_form_lines(np.asarray(255 - inside(scan, edge), np.uint8))
    assert {line.near > len(ruled.mask) / 2 for line in ruled.rules} == {False, True}


def test_an_underline_goes_on_in_the_next_part() -> None:
    mask = mask_of(60, 300)
    mask[30:33, 20:250] = 255
    for left in range(160, 250, 9):  # digits so close together that nothing else shows that it is one
        mask[10:30, left : left + 8] = 255
    for left in (30, 90):
        mask[10:30, left : left + 10] = 255
    rules = find_rules(mask, UprightStrokes(mask))
    assert sorted(rule.left for rule in rules) == [20, 150]


@pytest.mark.parametrize(("wave", "count"), [(0, 1), (2, 0)])
def test_the_feet_of_joined_digits_are_no_underline(wave: int, count: int) -> None:
    mask = mask_of(80, 180)
    for column in range(40, 141):
        row = 50 + round(wave * np.sin(column / 6))
        mask[row : row + 4, column] = 255
    for left in (44, 80, 130):
        mask[20:50, left : left + 6] = 255
    assert len(find_level_strokes(mask)) == 1
    assert len(find_rules(mask, UprightStrokes(mask))) == count


@pytest.mark.parametrize(("gap", "count"), [(8, 1), (2, 0)])
def test_an_underline_below_close_digits_is_one_if_it_lies_free(gap: int, count: int) -> None:
    mask = mask_of(80, 180)
    mask[50:53, 40:130] = 255
    mask[20 : 50 - gap, 48:122] = 255
    assert len(find_rules(mask, UprightStrokes(mask))) == count


@pytest.mark.parametrize(("uneven", "is_even"), [(1, True), (3, False)])
def test_an_underline_is_even(uneven: int, is_even: bool) -> None:
    mask, ink = mask_of(80, 180), mask_of(6, 90)
    ink[3:] = 255
    for left in range(8, 90, 10):
        ink[3 - uneven : 3, left : left + 5] = 255
    mask[47:53, 40:130] = ink
    for left in (42, 84, 126):
        mask[20:47, left : left + 4] = 255
    assert is_underline(make_stroke(ink, 47, 40, True, (40, 130), mask.shape, 3.0), mask) is is_even


@pytest.mark.parametrize(("beside", "count"), [(False, 1), (True, 0)])
def test_an_underline_lies_under_all_digits(beside: bool, count: int) -> None:
    mask = mask_of(80, 180)
    mask[50:54, 40:130] = 255
    for left in (44, 80, 120):
        mask[20:50, left : left + 6] = 255
    if beside:
        mask[20:50, 150:156] = 255
    assert len(find_rules(mask, UprightStrokes(mask))) == count


@pytest.mark.parametrize("seed", range(6))
def test_the_grain_of_empty_boxes_is_no_ink(runtime: Runtime, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scan = paper(5 * 48 + 40, 84)
    walls(scan, 16, 48, 5)
    turn = cv2.getRotationMatrix2D((140, 42), 1.2, 0.94)
    scan = np.asarray(cv2.warpAffine(scan, turn, (280, 84), borderValue=235), np.uint8)
    grainy = cv2.GaussianBlur(scan.astype(np.float32), (0, 0), 1.0) + rng.normal(0, 4, scan.shape)
    scan = np.clip(grainy, 0, 255).astype(np.uint8)
    (reading,) = read_fields([scan], runtime)
    assert not reading.value
    assert not reading.has_ink
    assert len(remove_form_lines(np.invert(scan)).rules) == 2


@pytest.mark.parametrize(("ink", "is_ink"), [(0, False), (120, True)])
def test_much_ink_is_distinct_where_lines_were_removed(ink: int, is_ink: bool) -> None:
    scan = np.random.default_rng(0).normal(40, 14, (60, 200))
    scan[10:50, 60:130] += ink
    scan[:8] = 0
    scan = np.clip(scan, 0, 255).astype(np.uint8)
    level, mask = cv2.threshold(scan, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    assert is_ink_over(level, scan, mask, removed=8 * 200) is is_ink
