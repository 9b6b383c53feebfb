"""Points and commas that lie on lines, that nobody told of, or that are not read."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from batchdigits.fields.cut_field import Cut, cut_field
from batchdigits.fields.ink import View
from batchdigits.fields.lattice import Path, Step
from batchdigits.fields.lines.form_lines import Ruled
from batchdigits.fields.minus import with_minus
from batchdigits.fields.number import Number
from batchdigits.fields.pieces import pieces_of
from batchdigits.fields.points import with_points
from batchdigits.fields.reading import ReadOptions
from batchdigits.fields.separators import separators_of
from batchdigits.fields.unread_marks import unread_mark
from batchdigits.inference.runtime import Runtime
from batchdigits.vision.components import components_of
from tests.fields.conftest import Digits
from tests.fields.drawn import HEIGHT, INK, LINE, Scan, close_up_of, paper, write, zeros
from tests.fields.readings import read_fields


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
    assert reading.left_out == ("point",) * has_point
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
    close = close_up_of(mask)
    mask[67:74, 118:124] = 255  # just before the second zero
    pieces = pieces_of(close)
    options = ReadOptions(separators=told)
    separators = tuple(separators_of(pieces, [], [], close, options))
    cut = Cut(View(mask, 1.0, 0, 0), [], [], close=close, pieces=pieces, separators=separators)
    first, point, second = Step(0, 1, "0", 0.0, 0), Step(1, 2, ".", 0.0), Step(2, 3, "0", 0.0, 1)
    assert unread_mark(Path("00", 0.0, 0.0, (first, second._replace(start=1))), cut, options) == unread
    assert unread_mark(Path("0.0", 0.0, 0.0, (first, point, second)), cut, options) == ""
