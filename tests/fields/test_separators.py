"""Separators that are told of: points, commas, dashes and slashes, by their shape and place."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from batchdigits.fields.close_up import CloseUp
from batchdigits.fields.confidence import alternatives_to, features
from batchdigits.fields.cut_field import Cut, cut_field
from batchdigits.fields.dates import DATE_WEIGHT, is_date, may_lack_separators, prefer_dates
from batchdigits.fields.form_lines import Ruled
from batchdigits.fields.ink import View
from batchdigits.fields.lattice import Path, Step
from batchdigits.fields.line_digits import stroke_lean
from batchdigits.fields.minus import with_minus
from batchdigits.fields.number import Number
from batchdigits.fields.pieces import pieces_of
from batchdigits.fields.points import with_points
from batchdigits.fields.read_field import MAX_DOUBTFUL_CONFIDENCE, read_fields
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
from batchdigits.fields.unread_marks import unread_mark
from batchdigits.fields.weights import COMMA_WEIGHT, NOISE_COST, steps_of_pieces
from batchdigits.inference.runtime import Runtime
from batchdigits.vision.components import components_of
from tests.fields.conftest import Digits
from tests.fields.drawn import INK, LINE, Scan, paper, write

HEIGHT = 50  # pixels of the digits in tests of shapes, whose middle is at row 50
ALL = ReadOptions(separators="/.-,")


def zeros() -> Scan:
    """The mask of two narrow zeros."""
    mask = np.zeros((100, 200), np.uint8)
    for middle in (30, 135):
        cv2.ellipse(mask, (middle, 50), (9, 24), 0, 0, 360, 255, 3)
    return mask


def marks(*boxes: tuple[int, int, int, int], options: ReadOptions = ALL) -> list[tuple[str, float]]:
    """The separators among boxes between two zeros: of each, first column and row, and one past the last."""
    mask = zeros()
    for left, top, right, bottom in boxes:
        mask[top:bottom, left:right] = 255
    return found(mask, options)


def found(mask: Scan, options: ReadOptions) -> list[tuple[str, float]]:
    """The separators of a mask, with their weights."""
    close = CloseUp(mask, mask, mask, np.zeros_like(mask), HEIGHT, 50.0, np.eye(2, 3))
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
    close = CloseUp(mask, mask, mask, np.zeros_like(mask), HEIGHT, 50.0, np.eye(2, 3))
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


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("3/12/2026", True),
        ("3/12/26", True),
        ("3-12-2026", True),
        ("03-12-26", True),
        ("3-12-26", False),  # or 312-26
        ("3.12.2026", True),
        ("9.8.96", False),  # or 98.96, and a speck
        ("2026-12-03", True),
        ("33/1/2026", False),
        ("3/12", False),
        ("5/7.94", False),
    ],
)
def test_dates_are_preferred(value: str, expected: bool) -> None:
    assert is_date(value) is expected
    (first, *_) = prefer_dates([Path("7777", 0.0, 0.0, ()), Path(value, 1.0 - DATE_WEIGHT, 1.0 - DATE_WEIGHT, ())])
    assert (first.value == value) is expected
    assert not expected or (first.log_weight, first.best) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("value", "separators", "lacks"),
    [
        ("30-06-2016", "-", False),
        ("3006-2016", "-", True),
        ("30-062016", "-", True),
        ("3006/16", "/", True),
        ("2016-0630", "-", True),
        ("3013-2016", "-", False),  # no month
        ("30062016", "-", True),
        ("30062016", ".", False),  # a number as likely
        ("30.062016", ".", True),
        ("12.345", ".", False),
        ("12.34", ".", False),
        ("1993.35", ".", False),
        ("20160630", "/", True),
        ("2016/0630", "/", True),
        ("201606/30", "/", True),
        ("0630/16", "/", True),
        ("06/3016", "/", True),
        ("5-62016", "-", True),
        ("1234", "-", False),
        ("12/26", "/", False),
        ("120/80", "/", False),
        ("1/234", "/", False),
        ("123-45", "-", False),
        ("123/2016", "/", False),
        ("2011/12", "/", False),  # a year
        ("30/06-2016", "/-", False),
    ],
)
def test_a_date_may_lack_separators(value: str, separators: str, lacks: bool) -> None:
    assert may_lack_separators(value, separators) is lacks


def test_a_date_that_lacks_a_dash_is_in_doubt(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = paper(360)
    end = write(scan, *mnist_digits, "07", at=30)
    cv2.line(scan, (end + 4, 31), (end + 20, 31), INK, 4)
    write(scan, *mnist_digits, "1020", at=end + 28)
    for separators, unread in (("-", "date"), ("", "")):
        (reading,) = read_fields([scan], runtime, ReadOptions(separators=separators))
        assert reading.unread == unread
        assert (reading.confidence <= MAX_DOUBTFUL_CONFIDENCE) is bool(unread)


def test_a_date_with_low_ink_is_not_in_doubt() -> None:
    mask = zeros()
    mask[67:74, 80:87] = 255
    close = CloseUp(mask, mask, mask, np.zeros_like(mask), HEIGHT, 50.0, np.eye(2, 3))
    cut = Cut(View(mask, 1.0, 0, 0), [], [], close=close, pieces=pieces_of(close))
    steps = Step(0, 1, "0", 0.0, 0), Step(1, 2, "", 0.0), Step(2, 3, "0", 0.0, 1)
    for value, unread in (("00", "gap"), ("-00", "gap"), ("03-12-26", "")):
        assert unread_mark(Path(value, 0.0, 0.0, steps), cut, ReadOptions(separators=".-")) == unread


def test_nothing_has_no_separators() -> None:
    assert found(np.zeros((100, 200), np.uint8), ReadOptions(separators="./,-", signed=True)) == []


def test_ink_as_low_as_its_neighbour_is_no_comma() -> None:
    """Such as a k before a g."""
    mask = zeros()
    mask[36:84, 80:86] = 255
    for lowest, may_be_comma in ((80, True), (83, False)):
        other = mask.copy()
        other[74:lowest, 130:140] = 255
        close = CloseUp(other, other, other, np.zeros_like(other), HEIGHT, 50.0, np.eye(2, 3))
        pieces = pieces_of(close)
        segments = segments_of(pieces, HEIGHT)
        steps = steps_of_pieces(pieces, segments, np.full((len(segments), 11), -1.0), close, ",")
        assert ("," in [step.text for step in steps]) is may_be_comma


def test_a_comb_has_no_separators_to_lack() -> None:
    cut = Cut(View(zeros(), 1.0, 0, 0), [], [], boxes=list(range(8)))
    assert unread_mark(Path("30062016", 0.0, 0.0, ()), cut, ReadOptions(separators="-")) == ""


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


def test_dates_with_dashes_that_touch_digits_are_read(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = paper(400)
    end = write(scan, *mnist_digits, "07", at=30)
    cv2.line(scan, (end - 10, 31), (end + 14, 31), INK, 4)
    end = write(scan, *mnist_digits, "10", at=end + 20)
    cv2.line(scan, (end + 4, 31), (end + 20, 31), INK, 4)
    write(scan, *mnist_digits, "20", at=end + 28)
    assert read_fields([scan], runtime, ReadOptions(separators="-"))[0].value == "07-10-20"


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


def test_a_small_point_is_read(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = paper(240)
    end = write(scan, *mnist_digits, "18", at=40)
    cv2.circle(scan, (end + 6, 44), 1, INK, -1)
    write(scan, *mnist_digits, "6", at=end + 14)
    assert read_fields([scan], runtime, ReadOptions(separators="."))[0].value == "18.6"


@pytest.mark.parametrize(
    ("points", "radius", "separators", "has_point"),
    [
        ([(114, 44)], 3, "", True),
        ([(114, 44)], 3, "/-", True),
        ([(114, 44)], 3, ".", False),  # it is read
        ([(114, 44)], 1, "", False),  # it may be dust
        ([(114, 14)], 3, "", False),  # no point is so high
        ([(176, 44)], 3, "", False),  # behind the number
        ([], 3, "", False),
    ],
)
def test_a_clear_point_that_nobody_told_of_is_known(
    runtime: Runtime, mnist_digits: Digits, points: list[tuple[int, int]], radius: int, separators: str, has_point: bool
) -> None:
    scan = number_with_points(mnist_digits, points, radius=radius)
    (reading,) = read_fields([scan], runtime, ReadOptions(separators=separators))
    assert reading.has_point is has_point
    assert reading.value == ("18.6" if separators == "." else "186")


def number_with_points(
    digits: Digits, points: list[tuple[int, int]], rule: int | None = None, radius: int = 3
) -> np.ndarray:
    """18 and 6 with room between them, whose base line is row 47, and points at some columns and rows."""
    scan = paper(240, 80)
    if rule is not None:
        cv2.line(scan, (0, rule), (240, rule), LINE, 2)
    write(scan, *digits, "6", at=write(scan, *digits, "18", at=40) + 14)
    for column, row in points:
        cv2.circle(scan, (column, row), radius, INK, -1)
    return scan


@pytest.mark.parametrize(
    ("points", "rule", "value"),
    [
        ([(114, 44)], None, "18.6"),
        ([(114, 55)], None, "18.6"),  # below the base line
        ([(114, 70)], None, "186"),  # far below it
        ([(114, 49)], 47, "18.6"),
        ([(114, 52)], 49, "18.6"),
        ([(114, 48)], 48, "18.6"),  # in the middle of a rule
        ([], 48, "186"),
        ([(column, 55) for column in range(18, 230, 16)], None, "186"),  # a dotted line
    ],
)
def test_points_on_a_line_and_below_the_base_line_are_read(
    runtime: Runtime, mnist_digits: Digits, points: list[tuple[int, int]], rule: int | None, value: str
) -> None:
    scan = number_with_points(mnist_digits, points, rule)
    pieces = cut_field(scan, ReadOptions()).pieces
    assert pieces is not None
    assert len(set(pieces.parents.tolist())) == 3 + (points == [(114, 44)])
    for separators, expected in ((".", value), ("", "186")):
        assert read_fields([scan], runtime, ReadOptions(separators=separators))[0].value == expected


def ruled_with(mask: Scan) -> Ruled:
    """A field of the mask's ink, without lines."""
    return Ruled(mask, mask, [], [], None, components_of(mask))


def test_the_rest_of_a_line_is_no_point() -> None:
    mask = zeros()
    number = Number(mask, np.zeros_like(mask), HEIGHT, 1.0, False)
    for (left, top, right, bottom), is_added in (
        ((80, 76, 87, 83), True),
        ((80, 76, 84, 83), False),  # narrow
        ((80, 76, 92, 82), False),  # flat
        ((80, 40, 114, 90), False),  # wide
        ((28, 82, 35, 89), False),  # below a digit
        ((4, 76, 11, 83), False),  # before the first digit
        ((150, 76, 157, 83), False),  # behind the last digit
        ((80, 30, 87, 84), False),  # as high as a digit
        ((80, 84, 87, 100), False),  # cut by the edge
        ((80, 93, 87, 100), False),  # far below the base line
        ((80, 50, 87, 57), False),  # far above it
    ):
        with_ink = mask.copy()
        with_ink[top:bottom, left:right] = 255
        found, ink = with_points(number, ruled_with(with_ink)._replace(ink=mask), with_ink)
        middle = (top + bottom) // 2, (left + right) // 2
        assert found.mask[middle] == ink[middle] == 255 * is_added


def test_a_number_without_digits_has_no_point_and_no_minus() -> None:
    mask = zeros()
    number = Number(mask, np.zeros_like(mask), 2 * HEIGHT, 1.0, False)
    with_ink = mask.copy()
    with_ink[76:90, 80:94] = 255
    with_ink[44:60, 1:17] = 255
    found, ink = with_points(number, ruled_with(with_ink), with_ink)
    assert found is number
    assert ink is with_ink
    assert with_minus(number, components_of(with_ink)) == number


@pytest.mark.parametrize(("told", "unread"), [(".", "gap"), (",", "gap"), (".,", "gap"), ("/", "")])
def test_a_point_that_is_read_as_a_part_of_a_digit_leaves_the_number_in_doubt(told: str, unread: str) -> None:
    mask = zeros()
    close = CloseUp(mask, mask, mask, np.zeros_like(mask), HEIGHT, 50.0, np.eye(2, 3))
    mask[67:74, 118:124] = 255  # just before the second zero
    pieces = pieces_of(close)
    options = ReadOptions(separators=told)
    separators = tuple(separators_of(pieces, [], [], close, options))
    cut = Cut(View(mask, 1.0, 0, 0), [], [], close=close, pieces=pieces, separators=separators)
    first, point, second = Step(0, 1, "0", 0.0, 0), Step(1, 2, ".", 0.0), Step(2, 3, "0", 0.0, 1)
    assert unread_mark(Path("00", 0.0, 0.0, (first, second._replace(start=1))), cut, options) == unread
    assert unread_mark(Path("0.0", 0.0, 0.0, (first, point, second)), cut, options) == ""
