"""Separators that are told of: points, commas, dashes and slashes, by their shape and place."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from batchdigits.fields.confidence import alternatives_to, features
from batchdigits.fields.lattice import Path
from batchdigits.fields.line_digits import stroke_lean
from batchdigits.fields.pieces import pieces_of
from batchdigits.fields.reading import ReadOptions
from batchdigits.fields.segments import segments_of
from batchdigits.fields.separators import (
    CLEAR_SIDE,
    CLEAR_WEIGHT,
    CUT_COST,
    CUT_DASH_WEIGHT,
    CUT_MINUS_WEIGHT,
    MARK_WEIGHT,
    UNSURE_WEIGHT,
    separators_of,
)
from batchdigits.fields.weights import COMMA_WEIGHT, NOISE_COST, steps_of_pieces
from batchdigits.inference.runtime import Runtime
from tests.fields.conftest import Digits
from tests.fields.drawn import HEIGHT, INK, Scan, close_up_of, paper, write, zeros
from tests.fields.readings import read_fields

ALL = ReadOptions(separators="/.-,")


def marks(*boxes: tuple[int, int, int, int], options: ReadOptions = ALL) -> list[tuple[str, float]]:
    """The separators among boxes between two zeros: of each, first column and row, and one past the last."""
    mask = zeros()
    for left, top, right, bottom in boxes:
        mask[top:bottom, left:right] = 255
    return found(mask, options)


def found(mask: Scan, options: ReadOptions) -> list[tuple[str, float]]:
    """The separators of a mask, with their weights."""
    close = close_up_of(mask)
    pieces = pieces_of(close)
    segments = segments_of(pieces, HEIGHT)
    leans = [stroke_lean(segment, pieces, HEIGHT) for segment in segments]
    return [(step.text, step.log_weight) for step in separators_of(pieces, segments, leans, close, options)]


@pytest.mark.parametrize(
    ("box", "mark"),
    [
        ((80, 67, 87, 74), "."),
        ((80, 48, 87, 55), "."),  # at half height, as some write it
        ((80, 35, 87, 42), ""),  # above it
        ((80, 70, 86, 71), ""),  # dust
        ((80, 68, 83, 74), "."),  # small, and on the base line
        ((80, 68, 84, 74), "."),  # still small
        ((80, 68, 86, 74), "."),  # clear
        ((80, 47, 83, 53), ""),  # as small, at half height
        ((80, 62, 86, 84), ","),
        ((80, 62, 111, 84), ","),  # it leans
        ((80, 62, 116, 84), ""),  # too wide
        ((80, 40, 86, 60), ""),  # it ends too high
        ((80, 62, 112, 70), ""),  # too wide for a point, and too low for a dash
        ((80, 46, 100, 52), "-"),
        ((80, 46, 90, 54), "."),  # rounder than a dash
        ((80, 36, 100, 40), "-"),
        ((80, 29, 100, 33), ""),
        ((80, 46, 100, 63), ""),  # too thick
        ((74, 46, 82, 50), ""),
    ],
)
def test_marks_have_shapes_and_places(box: tuple[int, int, int, int], mark: str) -> None:
    left, top, right, bottom = box
    is_clear = min(right - left, bottom - top) >= CLEAR_SIDE * HEIGHT
    assert marks(box) == ([(mark, CLEAR_WEIGHT if is_clear else MARK_WEIGHT)] if mark else [])


@pytest.mark.parametrize("told", ["", ","])
@pytest.mark.parametrize(
    ("box", "may_be_comma"),
    [
        ((80, 36, 86, 84), True),
        ((80, 33, 86, 84), False),  # it begins as high as a digit
        ((80, 38, 86, 75), False),  # it ends on the base line
        ((80, 36, 110, 84), False),  # as wide as a digit
        ((6, 36, 12, 84), False),  # before the digits
        ((170, 36, 176, 84), False),  # behind them
    ],
)
def test_ink_as_high_as_a_digit_that_hangs_may_be_a_comma(
    box: tuple[int, int, int, int], may_be_comma: bool, told: str
) -> None:
    mask = zeros()
    left, top, right, bottom = box
    mask[top:bottom, left:right] = 255
    close = close_up_of(mask)
    pieces = pieces_of(close)
    segments = segments_of(pieces, HEIGHT)
    steps = steps_of_pieces(pieces, segments, np.full((len(segments), 11), -1.0), close, told)
    comma = next(segment for segment in segments if segment.box == box)
    none = [step for step in steps if (step.start, step.end) == (comma.start, comma.end) and step.glyph < 0]
    weight = -1.0 + COMMA_WEIGHT * bool(told)
    assert ((told, weight) in [(step.text, step.log_weight) for step in none]) is may_be_comma
    assert ("", -1.0 - NOISE_COST) in [(step.text, step.log_weight) for step in none]


def test_only_told_marks_are_found() -> None:
    point, dash = (80, 67, 87, 74), (80, 46, 100, 52)
    assert marks(point, options=ReadOptions(separators="-/")) == []
    assert marks(point, options=ReadOptions(separators=",")) == [(",", CLEAR_WEIGHT)]
    assert marks(dash, options=ReadOptions(separators=".,")) == []
    assert marks((4, 46, 16, 52), options=ReadOptions(separators="", signed=True)) == [("-", CLEAR_WEIGHT)]
    assert marks(dash, options=ReadOptions(separators="", signed=True)) == []


@pytest.mark.parametrize(
    ("box", "is_minus"),
    [
        ((4, 46, 12, 52), True),
        ((4, 60, 16, 66), True),  # low
        ((4, 40, 16, 49), True),  # thick
        ((4, 70, 16, 76), False),  # far below the middle
        ((4, 46, 10, 50), False),  # short
        ((4, 44, 14, 54), False),  # round
        ((1, 41, 24, 60), False),  # too thick
        ((80, 60, 92, 66), False),  # between digits
    ],
)
def test_a_minus_has_more_shapes_than_a_dash(box: tuple[int, int, int, int], is_minus: bool) -> None:
    speck = 0, 20, 3, 24
    for boxes in ([box], [speck, box]):
        assert marks(*boxes, options=ReadOptions(signed=True)) == ([("-", CLEAR_WEIGHT)] if is_minus else [])


@pytest.mark.parametrize(("column", "row", "mark"), [(4, 30, "-"), (4, 50, ""), (80, 50, "-"), (80, 30, "")])
def test_places_are_those_beside_the_nearest_digits(column: int, row: int, mark: str) -> None:
    mask = np.zeros((100, 200), np.uint8)
    for place, middle in ((30, 30), (135, 70)):
        cv2.ellipse(mask, (place, middle), (9, 24), 0, 0, 360, 255, 3)
    mask[row - 3 : row + 3, column : column + 12] = 255
    options = ReadOptions(signed=True, separators="-")
    assert found(mask, options) == ([(mark, CLEAR_WEIGHT)] if mark else [])


def test_a_mark_below_a_digit_may_be_a_part_of_it() -> None:
    assert marks((130, 80, 137, 87)) == [(".", UNSURE_WEIGHT)]


def slash(lean: int, top: int = 25, bend: int = 0, digits: bool = True) -> list[tuple[str, float]]:
    mask = zeros() if digits else np.zeros((100, 200), np.uint8)
    line = np.array([(85 + lean, top), (85 + lean // 2 + bend, 50), (85, 75)])
    cv2.polylines(mask, [line], False, 255, 3)
    return found(mask, ALL)


def test_a_slash_is_likelier_the_higher_it_is_and_the_more_it_leans() -> None:
    (steep,), (more,), (high,) = slash(6), slash(20), slash(6, top=18)
    assert steep[0] == more[0] == high[0] == "/"
    assert steep[1] < min(more[1], high[1])
    assert slash(-20) == []  # it leans the other way
    assert slash(14, bend=12) == []  # no line
    (lone,) = slash(20, digits=False)
    assert lone[1] < more[1]  # the digits lean as much


def test_a_slash_that_touches_a_digit_is_found() -> None:
    mask = np.zeros((100, 200), np.uint8)
    cv2.rectangle(mask, (20, 25), (60, 74), 255, 4)
    cv2.line(mask, (61, 74), (81, 18), 255, 3)
    assert "/" in [mark for mark, _ in found(mask, ALL)]


def test_nothing_has_no_separators() -> None:
    assert found(np.zeros((100, 200), np.uint8), ReadOptions(separators="./,-", signed=True)) == []


def test_ink_as_low_as_its_neighbour_is_no_comma() -> None:
    """Such as a k before a g."""
    mask = zeros()
    mask[36:84, 80:86] = 255
    for lowest, may_be_comma in ((80, True), (83, False)):
        other = mask.copy()
        other[74:lowest, 130:140] = 255
        close = close_up_of(other)
        pieces = pieces_of(close)
        segments = segments_of(pieces, HEIGHT)
        steps = steps_of_pieces(pieces, segments, np.full((len(segments), 11), -1.0), close, ",")
        assert ("," in [step.text for step in steps]) is may_be_comma


@pytest.mark.parametrize(
    ("dash", "is_dash"),
    [
        ((38, 47, 68, 53), True),
        ((38, 28, 68, 34), False),  # an arm at the top
        ((38, 45, 44, 51), False),  # short
    ],
)
def test_a_dash_that_touches_a_digit_is_found(dash: tuple[int, int, int, int], is_dash: bool) -> None:
    weights = [weight for mark, weight in marks(dash, options=ReadOptions(separators="-")) if mark == "-"]
    assert weights == [CUT_DASH_WEIGHT - CUT_COST] * is_dash
    assert marks(dash, options=ReadOptions(separators="/.,", signed=True)) == []


@pytest.mark.parametrize(
    ("minus", "is_minus"),
    [
        ((12, 47, 42, 53), True),
        ((12, 28, 46, 34), False),  # an arm at the top
        ((58, 47, 88, 53), False),  # behind the digit
        ((118, 47, 147, 53), False),  # before the second digit
    ],
)
def test_a_minus_that_touches_the_first_digit_is_found(minus: tuple[int, int, int, int], is_minus: bool) -> None:
    mask = np.roll(zeros(), 20, axis=1)
    left, top, right, bottom = minus
    mask[top:bottom, left:right] = 255
    weights = [weight for mark, weight in found(mask, ReadOptions(signed=True)) if mark == "-"]
    assert weights == [CUT_MINUS_WEIGHT - CUT_COST] * is_minus
    assert found(mask, ReadOptions(separators=".,")) == []
    assert CUT_MINUS_WEIGHT - CUT_COST not in [weight for _, weight in found(mask, ReadOptions(separators="-"))]


def test_a_minus_that_touches_the_first_digit_is_a_sign(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = paper(200)
    write(scan, *mnist_digits, "83", at=60)
    cv2.line(scan, (48, 31), (68, 31), INK, 4)
    assert read_fields([scan], runtime, ReadOptions(signed=True))[0].value == "-83"


def test_separators_count_in_the_confidence() -> None:
    paths = [Path("18.6", 0.0, 0.0, ()), Path("186", -0.5, -0.5, ()), Path("13.6", -3.0, -3.0, ())]
    lead, _ = features(paths, np.zeros((0, 11)))
    assert lead == pytest.approx(np.log1p(0.5))
    assert [value for value, _ in alternatives_to(paths, 0.6)] == ["186", "13.6"]


@pytest.mark.parametrize(("separators", "value"), [(".,", "18,6"), ("", "186")])
def test_a_comma_that_hangs_below_the_base_line_is_read(
    runtime: Runtime, mnist_digits: Digits, separators: str, value: str
) -> None:
    scan = paper(240, 80)
    end = write(scan, *mnist_digits, "18", at=40)
    cv2.line(scan, (end + 7, 44), (end + 3, 54), INK, 4)
    write(scan, *mnist_digits, "6", at=end + 14)
    assert read_fields([scan], runtime, ReadOptions(separators=separators))[0].value == value


@pytest.mark.parametrize(("separators", "value"), [(".,", "5,600"), ("", "5600")])
def test_a_comma_as_high_as_a_digit_is_no_1(
    runtime: Runtime, mnist_digits: Digits, separators: str, value: str
) -> None:
    scan = paper(300, 80)
    end = write(scan, *mnist_digits, "5", at=40)
    cv2.ellipse(scan, (end + 2, 42), (8, 17), 0, -80, 80, INK, 3)
    write(scan, *mnist_digits, "600", at=end + 24)
    assert read_fields([scan], runtime, ReadOptions(separators=separators))[0].value == value
