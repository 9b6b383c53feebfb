"""Digits that may be lost: taken for a wall, in a gap between boxes, beside them, small or broken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import pytest

from batchdigits.fields.boxes import fill_gaps
from batchdigits.fields.close_up import _is_grain
from batchdigits.fields.comb_doubts import may_have_lost_digit
from batchdigits.fields.confidence import features
from batchdigits.fields.cut_field import cut_field, looks_empty
from batchdigits.fields.lattice import best_paths
from batchdigits.fields.lines.cell_walls import cell_walls
from batchdigits.fields.lines.comb import Comb
from batchdigits.fields.lines.form_lines import Ruled, _is_crowded
from batchdigits.fields.lines.printed import is_even
from batchdigits.fields.lines.walls import MaskComponents
from batchdigits.fields.number import _has_pieces_beside
from batchdigits.fields.read_field import MAX_DOUBTFUL_CONFIDENCE, read_cut
from batchdigits.fields.reading import ReadOptions
from batchdigits.fields.values.value_list import ValueList
from batchdigits.fields.weights import steps_of_boxes
from batchdigits.inference.runtime import Runtime
from batchdigits.vision.components import components_of
from batchdigits.vision.strokes import Stroke, find_upright_strokes, make_stroke
from tests.fields.conftest import Digits
from tests.fields.drawn import INK, LINE, Scan, paper, walls, write
from tests.fields.readings import read_fields

SHAPE = (60, 300)
EDGES = np.arange(20.0, 261.0, 60.0)
Points = Sequence[tuple[int, int]]
TWO_WIDTHS = 8, 78, 148, 196, 266, 336  # the walls of five boxes, one of which is narrower


def line(column: int, length: int = 50, thick: int = 3) -> Stroke:
    """An upright line."""
    ink = np.full((length, thick), 255, np.uint8)
    return make_stroke(ink, 5, column - thick // 2, False, (5, 5 + length), SHAPE, float(thick))


def boxes_of(scan: Scan, columns: tuple[int, ...]) -> None:
    """Draw boxes between some columns."""
    cv2.rectangle(scan, (columns[0], 3), (columns[-1], len(scan) - 4), LINE, 2)
    for column in columns:
        cv2.line(scan, (column, 3), (column, len(scan) - 4), LINE, 2)


def test_boxes_may_be_of_two_widths(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = paper(348)
    boxes_of(scan, TWO_WIDTHS)
    for digit, left, right in zip("42830", TWO_WIDTHS, TWO_WIDTHS[1:], strict=False):
        write(scan, *mnist_digits, digit, at=(left + right) // 2 - 18)
    (reading,) = read_fields([scan], runtime)
    assert (reading.value, reading.boxes) == ("42830", 5)


def ruled_with(ink: Scan) -> Ruled:
    mask = np.where(ink > 128, 255, 0).astype(np.uint8)
    return Ruled(ink, mask, [], [], None, components_of(mask))


def glyphs_at(*columns: int, strokes: Sequence[Points] = ()) -> Ruled:
    """Rings around some columns, and strokes through some points."""
    ink = np.zeros(SHAPE, np.uint8)
    for column in columns:
        cv2.ellipse(ink, (column, 30), (12, 18), 0, 0, 360, 255, 4)
    for stroke in strokes:
        cv2.polylines(ink, [np.array(stroke, np.int32)], False, 255, 4)
    return ruled_with(ink)


SLASH, STEEP, UPRIGHT = [(150, 12), (138, 48)], [(147, 12), (142, 48)], [(144, 12), (144, 48)]
ZERO = [(141, 12), (155, 12), (147, 48), (133, 48), (141, 12)]  # leans
ZIGZAG = [(140, 12), (148, 20), (140, 30), (148, 40), (140, 48)]
DASH, LOW, SMALL = [(138, 30), (150, 30)], [(140, 26), (148, 26), (148, 32)], [(138, 22), (150, 22), (140, 38)]


@pytest.mark.parametrize(
    ("strokes", "gap", "is_box", "is_unsure"),
    [
        pytest.param([SLASH], 30, False, False, id="slash"),
        pytest.param([SLASH], 46, False, True, id="slash or 1 in a wide gap"),
        pytest.param([UPRIGHT], 30, False, True, id="upright 1"),
        pytest.param([ZERO], 30, True, False, id="0"),
        pytest.param([ZIGZAG], 30, True, False, id="narrow 3"),
        pytest.param([SMALL], 30, False, True, id="small 7"),
        pytest.param([LOW], 30, False, False, id="low"),
        pytest.param([DASH], 30, False, False, id="dash"),
        pytest.param([[(144, 16), (144, 22)], [(144, 38), (144, 44)]], 30, False, False, id="colon"),
        pytest.param([], 30, False, False, id="empty"),
    ],
)
def test_a_gap_with_a_digit_is_a_box(strokes: Sequence[Points], gap: int, is_box: bool, is_unsure: bool) -> None:
    left, right = 144 - gap / 2, 144 + gap / 2
    edges = np.array([left - 120, left - 60, left, right, right + 60, right + 120])
    comb = Comb(edges, 60.0, [line(round(edge)) for edge in edges], edges)
    assert comb.is_box.tolist() == [True, True, False, True, True]
    middles = [round((a + b) / 2) for a, b in zip(edges[[0, 1, 3, 4]], edges[[1, 2, 4, 5]], strict=True)]
    filled, has_other_ink = fill_gaps(glyphs_at(*middles, strokes=strokes), comb)
    assert (filled.is_box[2], filled.boxes, has_other_ink) == (is_box, 4 + is_box, is_unsure)


def test_a_1_in_a_gap_leaves_a_number_in_doubt(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = paper(224)
    for first, digits in ((8, "42"), (122, "80")):
        walls(scan, first, 44, 2)
        for box, digit in enumerate(digits):
            write(scan, *mnist_digits, digit, at=first + 44 * box + 4)
    (sure,) = read_fields([scan], runtime)
    cv2.line(scan, (109, 14), (109, 46), INK, 3)
    (doubtful,) = read_fields([scan], runtime)
    assert sure.value == doubtful.value == "4280"
    assert doubtful.confidence <= MAX_DOUBTFUL_CONFIDENCE < sure.confidence


@pytest.mark.parametrize("stroke", [SLASH, STEEP])
def test_alike_slashes_in_several_gaps_are_none_of_the_digits(stroke: Points) -> None:
    edges = np.array([10.0, 70.0, 115.0, 175.0, 220.0, 280.0])  # gaps so wide that one slash alone may be a 1
    comb = Comb(edges, 60.0, [line(round(edge)) for edge in edges], edges)
    assert comb.is_box.tolist() == [True, False, True, False, True]
    shifted = [[(x + at - 144, y) for x, y in stroke] for at in (92, 198)]
    filled, has_other_ink = fill_gaps(glyphs_at(40, 145, 250, strokes=shifted), comb)
    assert (filled.boxes, has_other_ink) == (3, False)


def test_boxes_of_two_widths_can_be_told(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = paper(348)
    boxes_of(scan, TWO_WIDTHS)
    for digit, left, right in zip("42830", TWO_WIDTHS, TWO_WIDTHS[1:], strict=False):
        write(scan, *mnist_digits, digit, at=(left + right) // 2 - 18)
    (reading,) = read_fields([scan], runtime, ReadOptions(boxes=5))
    assert (reading.value, reading.boxes) == ("42830", 5)


def test_a_digit_in_a_gap_between_the_boxes_that_were_told_leaves_a_doubt(
    runtime: Runtime, mnist_digits: Digits
) -> None:
    scan = paper(348)
    boxes_of(scan, TWO_WIDTHS)
    for digit, left, right in zip("42 30", TWO_WIDTHS, TWO_WIDTHS[1:], strict=False):
        write(scan, *mnist_digits, digit.strip(), at=(left + right) // 2 - 18)
    (sure,) = read_fields([scan], runtime, ReadOptions(boxes=4))
    write(scan, *mnist_digits, "8", at=154)
    (doubtful,) = read_fields([scan], runtime, ReadOptions(boxes=4))
    assert sure.value == doubtful.value == "4230"
    assert doubtful.confidence <= MAX_DOUBTFUL_CONFIDENCE < sure.confidence


def test_ink_that_is_left_out_of_a_box_is_as_doubtful_as_it_is_like_a_digit() -> None:
    log_p = np.full((2, 11), -12.0)
    log_p[0, 4], log_p[1, 7], log_p[1, -1] = -0.01, -0.7, -0.7
    paths = best_paths(steps_of_boxes([0, 1], log_p), 2, range(1, 2))
    assert (paths[0].value, features(paths, log_p)[1]) == ("4", -0.7)


@pytest.mark.parametrize(("wide", "even"), [(3, True), (8, True), (30, False)])
def test_a_wall_is_no_wider_than_its_slope_and_thickness(wide: int, even: bool) -> None:
    ink = np.zeros((60, wide), np.uint8)
    ink[:, :3] = ink[:, -3:] = 255
    assert is_even(make_stroke(ink, 5, 10, False, (5, 65), SHAPE, 6.0)) == even


RULES = [make_stroke(np.full((3, 240), 255, np.uint8), row, 0, True, (0, 240), (80, 240), 3.0) for row in (8, 67)]


@pytest.mark.parametrize(("wide", "thick", "count"), [(8, 5, 1), (24, 5, 0), (10, 3, 1)])
def test_an_8_from_rule_to_rule_is_no_wall(wide: int, thick: int, count: int) -> None:
    mask = np.zeros((80, 240), np.uint8)
    for row in (25, 53):
        cv2.ellipse(mask, (40, row), (wide // 2 - 4, 10), 0, 0, 360, 255, 8)
    x, y, width, height = cv2.boundingRect(mask)
    ink = mask[y : y + height, x : x + width]
    stroke = make_stroke(ink, y, x, False, (y, y + height), mask.shape, float(thick))
    assert len(cell_walls([stroke], RULES, MaskComponents(mask))) == count


@pytest.mark.parametrize(("thick", "first", "count"), [(3, 0, 1), (7, 0, 0), (7, 121, 1)])
def test_a_stem_between_rules_that_is_thicker_than_they_is_no_wall_but_of_a_frame(
    thick: int, first: int, count: int
) -> None:
    mask = np.zeros((80, 240), np.uint8)
    cv2.line(mask, (124, 12), (122, 66), 255, thick)
    cv2.ellipse(mask, (160, 46), (9, 14), 0, 0, 360, 255, 4)
    strokes = [stroke for stroke in find_upright_strokes(mask) if stroke.length > 50]
    rules = [rule._replace(start=first) for rule in RULES]
    assert len(cell_walls(strokes, rules, MaskComponents(mask))) == count


@pytest.mark.parametrize("pitch", [46, 92])
def test_boxes_between_ticks_have_one_digit_unless_told(runtime: Runtime, mnist_digits: Digits, pitch: int) -> None:
    scan = paper(6 * 46 + 40, 70)
    for column in range(20, 20 + 6 * 46 + 1, pitch):
        cv2.line(scan, (column, 40), (column, 60), INK, 2)
    cv2.line(scan, (20, 60), (20 + 6 * 46, 60), INK, 2)
    for box, digit in enumerate("294830"):
        write(scan, *mnist_digits, digit, at=26 + 46 * box, top=8)
    reading = read_fields([scan], runtime)[0]
    assert reading.boxes == (6 if pitch == 46 else 0)
    assert reading.value == "294830" or pitch == 92
    boxes = 6 * 46 // pitch
    assert read_fields([scan], runtime, ReadOptions(boxes=boxes))[0].boxes == boxes


@pytest.mark.parametrize(("wide", "is_crowded"), [(16, True), (3, False)])
def test_digits_as_tall_as_walls_crowd_a_box_and_rests_of_walls_do_not(wide: int, is_crowded: bool) -> None:
    ink = np.zeros(SHAPE, np.uint8)
    cv2.ellipse(ink, (50, 30), (9, 14), 0, 0, 360, 255, 4)
    for column in (96, 124):
        ink[6:54, column - wide // 2 : column + wide // 2 + 1] = 255
    assert (
        _is_crowded(Comb(EDGES, 60.0, [line(round(edge)) for edge in EDGES], EDGES), components_of(ink)) == is_crowded
    )


def test_a_digit_on_the_edge_of_a_box_is_in_it() -> None:
    ink = np.zeros(SHAPE, np.uint8)
    for middle in (80, 110):
        cv2.ellipse(ink, (middle, 30), (9, 14), 0, 0, 360, 255, 4)
    (left, _), (wide, _) = (components_of(ink).x, components_of(ink).width)
    edges = EDGES + (left + wide / 2 - 80)  # at its middle
    assert _is_crowded(Comb(edges, 60.0, [line(round(edge)) for edge in edges], edges), components_of(ink))


def test_a_1_between_tall_digits_makes_no_boxes_of_a_cell(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = paper(230, 60)
    cv2.rectangle(scan, (6, 10), (222, 50), LINE, 2)
    write(scan, *mnist_digits, "8", at=50)
    cv2.line(scan, (113, 10), (112, 49), INK, 3)
    write(scan, *mnist_digits, "94", at=122)
    reading = read_fields([scan], runtime)[0]
    assert reading.value == "8194" or reading.confidence <= MAX_DOUBTFUL_CONFIDENCE


@pytest.mark.parametrize(("height", "count"), [(60, 5), (160, 4)])
def test_digits_may_be_spread_in_a_field_of_one_row(
    runtime: Runtime, mnist_digits: Digits, height: int, count: int
) -> None:
    scan = paper(420, height)
    write(scan, *mnist_digits, "2946", at=30)
    write(scan, *mnist_digits, "8", at=240)
    reading = read_fields([scan], runtime)[0]
    assert len(reading.value) == count


@pytest.mark.parametrize(
    ("pieces", "is_broken"),
    [
        pytest.param([], False, id="none"),
        pytest.param([(200, 20)], False, id="low"),
        pytest.param([(200, 20), (200, 42)], True, id="right"),
        pytest.param([(20, 20), (20, 42)], True, id="left"),
        pytest.param([(200, 20), (230, 42)], False, id="side by side"),
        pytest.param([(260, 20), (260, 42)], False, id="far"),
        pytest.param([(200, 4), (200, 60)], False, id="above and below"),
    ],
)
def test_a_broken_digit_beside_a_number_leaves_it_in_doubt(pieces: Points, is_broken: bool) -> None:
    mask = np.zeros((70, 320), np.uint8)
    for column in (70, 110, 150):
        cv2.ellipse(mask, (column, 32), (10, 18), 0, 0, 360, 255, 4)
    for column, row in pieces:
        cv2.ellipse(mask, (column, row), (8, 5), 0, 0, 360, 255, 3)
    components = components_of(mask)
    is_row = components.height > 30
    assert _has_pieces_beside(components, ~is_row, np.flatnonzero(is_row), 40.0) == is_broken


@pytest.mark.parametrize(
    ("size", "is_doubtful"), [((4, 4), False), ((4, 11), False), ((10, 8), False), ((14, 11), True)]
)
def test_a_small_digit_between_others_leaves_a_number_in_doubt(
    runtime: Runtime, mnist_digits: Digits, size: tuple[int, int], is_doubtful: bool
) -> None:
    scan = paper(300)
    right = write(scan, *mnist_digits, "29", at=30)
    width, height = size
    scan[44 - height : 44, right + 26 : right + 26 + width] = INK
    write(scan, *mnist_digits, "46", at=right + 66)
    (reading,) = read_fields([scan], runtime)
    assert reading.value == "2946"
    assert (reading.confidence <= MAX_DOUBTFUL_CONFIDENCE) == is_doubtful


WALLS = [line(round(edge)) for edge in EDGES]
PLACES = [(36, 10, 65, 51), (96, 10, 125, 51), (156, 10, 185, 51)]


def comb_with(removed: Sequence[Stroke], ink: Ruled | None = None) -> tuple[Ruled, Comb]:
    """A comb of four boxes with rings in three of them, the lines that were removed, and other ink."""
    ruled = glyphs_at(50, 110, 170)
    if ink:
        ruled = ruled_with(np.asarray(cv2.max(ruled.ink, ink.ink), np.uint8))
    return ruled._replace(walls=list(removed)), Comb(EDGES, 60.0, WALLS, EDGES)


@pytest.mark.parametrize(
    ("removed", "is_lost"),
    [
        pytest.param([], False, id="none"),
        pytest.param(WALLS, False, id="walls"),
        pytest.param([WALLS[0], line(80, 20), *WALLS[2:]], True, id="short"),
        pytest.param([WALLS[0], line(80, 40), *WALLS[2:]], False, id="a little short"),
        pytest.param([WALLS[0], line(80, thick=9), *WALLS[2:]], True, id="thick"),
        pytest.param([*WALLS, line(84, 40)], True, id="stem beside a wall"),
        pytest.param([*WALLS, line(84)], False, id="double line"),
        pytest.param([*WALLS, line(84, 40, thick=1)], False, id="soft edge"),
        pytest.param([*WALLS, line(110, 20)], False, id="in a box"),
    ],
)
def test_lines_that_are_unlike_the_walls_may_be_of_a_digit(removed: Sequence[Stroke], is_lost: bool) -> None:
    assert may_have_lost_digit(*comb_with(removed), PLACES) == is_lost


@pytest.mark.parametrize(
    ("ink", "is_lost"),
    [
        pytest.param(glyphs_at(280), True, id="digit"),
        pytest.param(glyphs_at(230), False, id="in the last box"),
        pytest.param(glyphs_at(strokes=[[(274, 30), (286, 30)]]), False, id="dash"),
        pytest.param(glyphs_at(strokes=[[(280, 10), (280, 50)]]), False, id="line"),
        pytest.param(glyphs_at(strokes=[[(206, 14), (206, 46)]]), True, id="1 along a wall"),
        pytest.param(glyphs_at(strokes=[[(206, 2), (206, 58)]]), False, id="as high as a wall"),
        pytest.param(glyphs_at(strokes=[[(206, 24), (206, 36)]]), False, id="low along a wall"),
    ],
)
def test_ink_beside_the_boxes_may_be_a_digit(ink: Ruled, is_lost: bool) -> None:
    ruled, comb = comb_with(WALLS, ink)
    assert may_have_lost_digit(ruled, comb, PLACES) == is_lost
    assert not may_have_lost_digit(ruled, comb, [])


def test_ink_far_from_the_boxes_is_no_digit_of_theirs() -> None:
    ruled, comb = comb_with(WALLS, glyphs_at(280))
    assert not may_have_lost_digit(ruled, replace(comb, pitch=10.0), PLACES)


def test_a_thin_rest_of_a_wall_is_no_digit() -> None:
    ruled, comb = comb_with(WALLS)
    ink = np.asarray(ruled.ink, np.uint8)
    ink[14:46, 206] = 255
    assert not may_have_lost_digit(ruled_with(ink)._replace(walls=WALLS), comb, PLACES)


@pytest.mark.parametrize("at", [72, 130])
@pytest.mark.parametrize("boxes", [None, 4])
def test_a_1_along_a_grey_wall_is_read(runtime: Runtime, mnist_digits: Digits, at: int, boxes: int | None) -> None:
    scan = paper(256)
    walls(scan, 8, 60, 4, level=190)
    for digit, column in zip("493", (20, 140 if at < 100 else 80, 200), strict=True):
        write(scan, *mnist_digits, digit, at=column)
    cv2.line(scan, (at, 14), (at - 1, 46), INK, 3)
    (reading,) = read_fields([scan], runtime, ReadOptions(boxes=boxes))
    assert reading.value == ("4193" if at < 100 else "4913")
    assert reading.confidence > MAX_DOUBTFUL_CONFIDENCE


@pytest.mark.parametrize(
    ("first", "second", "is_sure"),
    [pytest.param(36, 62, True, id="wider than a box"), pytest.param(40, 60, False, id="as wide as one digit")],
)
def test_digits_that_touch_a_wall_from_both_sides_are_two_or_leave_a_doubt(
    runtime: Runtime, mnist_digits: Digits, first: int, second: int, is_sure: bool
) -> None:
    scan = paper(196)
    walls(scan, 8, 60, 3)
    for digit, column in zip("001", (first, second, 140), strict=True):
        write(scan, *mnist_digits, digit, at=column)
    (reading,) = read_fields([scan], runtime, ReadOptions(boxes=3))
    assert (reading.confidence > MAX_DOUBTFUL_CONFIDENCE) == is_sure
    assert not is_sure or reading.value == "001"


def test_a_list_drops_no_digit_of_a_full_comb(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = paper(196)
    walls(scan, 8, 60, 3)
    for digit, column in zip("038", (20, 80, 140), strict=True):
        write(scan, *mnist_digits, digit, at=column)
    (reading,) = read_fields([scan], runtime, ReadOptions(boxes=3))
    assert reading.value == "038"
    assert reading.lattice is not None
    assert not reading.lattice.among(ValueList(["38"]))
    assert reading.lattice._replace(is_full=False).among(ValueList(["38"]))


def test_a_digit_beside_the_boxes_leaves_a_number_in_doubt(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = paper(284)  # too narrow for one box more
    walls(scan, 8, 60, 4)
    for box, digit in enumerate("4938"):
        write(scan, *mnist_digits, digit, at=20 + 60 * box)
    (sure,) = read_fields([scan], runtime)
    write(scan, *mnist_digits, "2", at=247)
    (doubtful,) = read_fields([scan], runtime)
    assert sure.value == "4938"
    assert doubtful.confidence <= MAX_DOUBTFUL_CONFIDENCE < sure.confidence


@pytest.mark.parametrize(("thick", "is_grain"), [(1, True), (6, False)])
def test_strokes_with_a_ragged_edge_are_no_grain(thick: int, is_grain: bool) -> None:
    mask = np.zeros(SHAPE, np.uint8)
    mask[20:40:2, 40:200] = mask[20:40, 40:200:3] = 255  # a fringe full of holes
    for column in (60, 110, 160):
        cv2.ellipse(mask, (column, 30), (16, 22), 0, 0, 360, 255, thick)
    mask[24:36, 50:70] = mask[24:36, 100:120] = mask[24:36, 150:170] = 0
    assert _is_grain(mask, 40.0) == is_grain


def small_in_a_cell(digits: Digits, value: str) -> Scan:
    """A number so small in its cell that the normaliser of single digits finds nothing there."""
    images, labels = digits
    cell = np.random.default_rng(0).normal(225.0, 3.0, (266, 113))
    cell[:, -4:-2] = cell[3:5] = cell[-5:-3] = 60.0
    for place, digit in enumerate(value):
        image = images[labels == int(digit)][0]
        at = cell[88:106, 60 + 20 * place : 78 + 20 * place]
        at -= cv2.resize(image, (18, 18), interpolation=cv2.INTER_AREA) * (140.0 / 255.0)
    return cell.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(("value", "is_sure"), [("24", True), ("11", False)])
def test_in_a_cell_that_looks_empty_only_what_may_be_its_sides_is_in_doubt(
    runtime: Runtime, mnist_digits: Digits, value: str, is_sure: bool
) -> None:
    scan = small_in_a_cell(mnist_digits, value)
    assert looks_empty(cut_field(scan, ReadOptions()), "auto")
    (reading,) = read_fields([scan], runtime)
    assert reading.value == value
    assert (reading.confidence > MAX_DOUBTFUL_CONFIDENCE) == is_sure


@pytest.mark.parametrize("value", ["7", ""])
def test_grain_is_blank_unless_there_is_a_digit(
    monkeypatch: pytest.MonkeyPatch, mnist_digits: Digits, value: str
) -> None:
    """Where the ink that was taken for the number is the grain of the paper."""
    monkeypatch.setattr("batchdigits.fields.cut_field.close_up", lambda *arguments: None)
    scan = paper(60)
    for digit in value:
        write(scan, *mnist_digits, digit, at=12)
    assert cut_field(scan, ReadOptions()).has_ink == bool(value)


@pytest.mark.parametrize("is_empty", [True, False])
def test_ink_that_is_no_digit_is_blank_in_a_cell_that_looks_empty(mnist_digits: Digits, is_empty: bool) -> None:
    cut = cut_field(small_in_a_cell(mnist_digits, "24"), ReadOptions())
    if not is_empty:
        cut = cut._replace(small=mnist_digits[0][0])
    no_digit = np.full((len(cut.glyphs), 11), -50.0)
    no_digit[:, -1] = 0.0
    reading = read_cut(cut, no_digit, ReadOptions())
    assert (reading.value, reading.has_ink) == ("", not is_empty)
