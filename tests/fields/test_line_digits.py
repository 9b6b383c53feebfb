"""Slashes that nobody told of look like 1s, and so do the rests of frames."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from batchdigits.fields.lattice import Step
from batchdigits.fields.line_digits import may_have_frame, may_have_slashes, stroke_lean
from batchdigits.fields.pieces import Pieces
from batchdigits.fields.read_field import MAX_DOUBTFUL_CONFIDENCE
from batchdigits.fields.reading import ReadOptions
from batchdigits.fields.segments import Segment
from batchdigits.inference.runtime import Runtime
from tests.fields.conftest import Digits
from tests.fields.drawn import INK, Scan, paper, write
from tests.fields.readings import read_fields

HEIGHT = 20.0  # of the digits in tests of single functions


def date(digits: Digits, groups: tuple[str, ...], out: int = 0, lean: int = 12) -> Scan:
    """Groups of digits with slashes between them that reach `out` rows above and below the digits."""
    scan = paper(34 * len("".join(groups)) + 30 * len(groups) + 60)
    at = 30
    for place, group in enumerate(groups):
        if place:
            cv2.line(scan, (at + 6 + lean, 14 - out), (at + 6, 45 + out), INK, 3)
            at += 22
        at = write(scan, *digits, group, at=at)
    return scan


@pytest.mark.parametrize("groups", [("04", "12", "2020"), ("12", "24", "04"), ("2020", "12", "04"), ("4", "6", "2020")])
def test_two_ones_where_a_date_has_slashes_leave_it_in_doubt(
    runtime: Runtime, mnist_digits: Digits, groups: tuple[str, ...]
) -> None:
    scan = date(mnist_digits, groups)
    (reading,) = read_fields([scan], runtime)
    assert reading.value == "1".join(groups)
    assert reading.may_have_slashes
    assert reading.confidence <= MAX_DOUBTFUL_CONFIDENCE
    (reading,) = read_fields([scan], runtime, ReadOptions(separators="/"))
    assert (reading.value, reading.may_have_slashes) == ("/".join(groups), False)


@pytest.mark.parametrize(("lean", "value"), [(5, "04/12/2020"), (0, "04/12/2020"), (-12, "0411212020")])
def test_told_slashes_may_be_steep_and_upright_ones_leave_a_date_in_doubt(
    runtime: Runtime, mnist_digits: Digits, lean: int, value: str
) -> None:
    scan = date(mnist_digits, ("04", "12", "2020"), lean=lean)
    (reading,) = read_fields([scan], runtime, ReadOptions(separators="/"))
    assert reading.value == value
    assert reading.may_have_slashes is ("/" not in value)
    assert reading.confidence <= (MAX_DOUBTFUL_CONFIDENCE if reading.may_have_slashes else 1.0)


def test_a_tall_one_leaves_a_number_in_doubt(runtime: Runtime, mnist_digits: Digits) -> None:
    tall, low = read_fields([date(mnist_digits, ("06", "28"), out) for out in (6, -2)], runtime)
    assert (tall.value, tall.may_have_slashes) == ("06128", True)
    assert tall.confidence <= MAX_DOUBTFUL_CONFIDENCE
    assert (low.value, low.may_have_slashes) == ("06128", False)
    assert low.confidence > MAX_DOUBTFUL_CONFIDENCE


def number(text: str, **changed: tuple[int, int]) -> tuple[list[Step], list[Segment]]:
    """The steps and segments of digits; `at3=(10, 40)` gives the fourth one its first row and one past the last."""
    steps = [Step(place, place + 1, digit, 0.0, place) for place, digit in enumerate(text)]
    rows = [changed.get(f"at{place}", (20, 40)) for place in range(len(text))]
    boxes = [(20 * place, top, 20 * place + 12, bottom) for place, (top, bottom) in enumerate(rows)]
    return steps, [Segment(place, place + 1, box, 0) for place, box in enumerate(boxes)]


@pytest.mark.parametrize(
    ("text", "doubted"),
    [
        ("0711211997", True),
        ("0713112024", True),  # the 31st of July, day or month first
        ("1998112131", True),
        ("199811217", True),
        ("711197", True),
        ("0713311997", False),  # no month, and no day before a month
        ("3311211997", False),
        ("0711212497", False),  # no year of a form
        ("0711211", False),
        ("48112", False),
    ],
)
def test_dates_have_days_months_and_years(text: str, doubted: bool) -> None:
    steps, segments = number(text)
    assert may_have_slashes(steps, segments, [0.3] * len(text), HEIGHT) is doubted


def test_the_slashes_of_a_date_are_straight_and_alike() -> None:
    text = "0711211997"
    steps, segments = number(text)
    leans: list[float | None] = [0.3] * len(text)
    assert may_have_slashes(steps, segments, leans, HEIGHT)
    assert not may_have_slashes(steps, segments, [*leans[:5], None, *leans[6:]], HEIGHT)
    assert not may_have_slashes(steps, segments, [*leans[:5], -0.1, *leans[6:]], HEIGHT)
    assert not may_have_slashes(*number(text, at5=(14, 40)), leans, HEIGHT)


@pytest.mark.parametrize(
    ("text", "rows", "doubted"),
    [
        ("48120", (17, 43), True),
        ("48120", (17, 41), False),
        ("48120", (19, 43), False),
        ("48720", (17, 43), False),
    ],
)
def test_a_slash_reaches_above_and_below_the_digits(text: str, rows: tuple[int, int], doubted: bool) -> None:
    steps, segments = number(text, at2=rows)
    assert may_have_slashes(steps, segments, [0.3] * 5, HEIGHT) is doubted


@pytest.mark.parametrize("place", [0, 4])
def test_a_slash_is_between_digits(place: int) -> None:
    text = "".join("1" if index == place else "4" for index in range(5))
    steps, segments = number(text, **{f"at{place}": (10, 50)})
    assert not may_have_slashes(steps, segments, [0.3] * 5, HEIGHT)


@pytest.mark.parametrize(
    ("text", "rows", "doubted"),
    [("487", (14, 46), True), ("487", (16, 46), False), ("487", (14, 44), False), ("7", (0, 60), False)],
)
def test_the_rest_of_a_frame_reaches_far_above_and_below_the_digits(
    text: str, rows: tuple[int, int], doubted: bool
) -> None:
    steps, segments = number(text, **{f"at{len(text) - 1}": rows})
    assert may_have_frame(steps, segments, HEIGHT) is doubted


def test_a_digit_much_taller_than_the_others_leaves_a_number_in_doubt(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = paper(240, 90)
    right = write(scan, *mnist_digits, "46", at=30, top=25)
    assert read_fields([scan], runtime)[0].confidence > MAX_DOUBTFUL_CONFIDENCE
    cv2.line(scan, (right + 20, 10), (right + 20, 78), INK, 4)
    (reading,) = read_fields([scan], runtime)
    assert reading.value == "46" or reading.confidence <= MAX_DOUBTFUL_CONFIDENCE


def lean_of(draw: Scan) -> float | None:
    box = cv2.boundingRect(draw)
    x, y, width, height = box
    boxes = np.array([[x, y, x + width, y + height]], np.int32)
    pieces = Pieces((draw > 0).astype(np.int32), boxes, np.zeros(1, np.int32), np.zeros(1, np.bool_))
    return stroke_lean(Segment(0, 1, (x, y, x + width, y + height), 0), pieces, 48.0)


def test_a_straight_stroke_has_a_lean() -> None:
    stroke, low, wide, curve, other = (np.zeros((80, 80), np.uint8) for _ in range(5))
    cv2.line(stroke, (40, 10), (20, 60), 255, 5)
    cv2.line(low, (40, 25), (30, 55), 255, 5)
    cv2.line(wide, (70, 10), (5, 60), 255, 5)
    cv2.ellipse(curve, (40, 35), (12, 25), 0, 90, 270, 255, 5)
    cv2.line(other, (20, 10), (40, 60), 255, 5)
    assert lean_of(stroke) == pytest.approx(0.4, abs=0.03)
    assert lean_of(other) == pytest.approx(-0.4, abs=0.03)
    assert [lean_of(draw) for draw in (low, wide, curve)] == [None, None, None]
