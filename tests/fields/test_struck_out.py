"""Ink that is no number of a person's: struck out, crossed boxes, brackets and printed shapes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from batchdigits.fields.brackets import bracket_of, is_in_brackets
from batchdigits.fields.lattice import Step
from batchdigits.fields.printed_digits import may_be_printed
from batchdigits.fields.read_field import MAX_DOUBTFUL_CONFIDENCE
from batchdigits.fields.reading import FieldReading
from batchdigits.fields.struck_out import is_struck_out, strike_of
from batchdigits.inference.runtime import Runtime
from tests.fields.conftest import Digits
from tests.fields.drawn import INK, Scan, paper, walls, write
from tests.fields.readings import read_fields

PITCH = 44
Line = tuple[tuple[int, int], tuple[int, int]]
RISING, FALLING = ((36, 8), (8, 52)), ((8, 8), (36, 52))  # lines from corner to corner of a box
UPRIGHT = ((28, 15), (16, 45))


def comb(digits: Digits, value: str, cross: Line = RISING) -> Scan:
    """A comb with a digit in each box, a line in boxes of slashes, and no ink in those of spaces."""
    scan = paper(PITCH * len(value) + 20)
    walls(scan, 10, PITCH, len(value))
    for box, digit in enumerate(value):
        left = 10 + PITCH * box
        if digit == "/":
            start, end = [(left + x, y) for x, y in cross]
            cv2.line(scan, start, end, INK, 3)
        else:
            write(scan, *digits, digit.strip(), at=left + 5)
    return scan


def read(runtime: Runtime, scan: Scan) -> FieldReading:
    return read_fields([scan], runtime)[0]


@pytest.mark.parametrize(
    ("line", "is_sure"),
    [
        (None, True),
        (((60, 30), (103, 28)), False),  # through the second digit
        (((62, 56), (100, 4)), False),
        (((18, 32), (160, 28)), False),  # through all of them
        (((18, 56), (160, 57)), True),  # below them
    ],
)
def test_a_number_with_a_line_through_it_is_in_doubt(
    runtime: Runtime, mnist_digits: Digits, line: Line | None, is_sure: bool
) -> None:
    scan = paper(190)
    write(scan, *mnist_digits, "3862", at=24)
    if line:
        cv2.line(scan, *line, INK, 3)
    assert (read(runtime, scan).confidence > MAX_DOUBTFUL_CONFIDENCE) is is_sure


def test_the_full_boxes_of_a_comb_may_be_struck_out_together(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = comb(mnist_digits, "3862")
    assert read(runtime, scan).confidence > MAX_DOUBTFUL_CONFIDENCE
    cv2.line(scan, (16, 33), (180, 28), INK, 3)
    assert read(runtime, scan).confidence <= MAX_DOUBTFUL_CONFIDENCE


@pytest.mark.parametrize(
    ("line", "strike"),
    [
        (((2, 25), (38, 23)), "level"),
        (((4, 48), (36, 2)), "slash"),
        (((10, 25), (30, 25)), ""),  # ends in the digit
        (((2, 3), (38, 2)), ""),  # on top of it
    ],
)
def test_a_strike_goes_beyond_the_digit_at_both_ends(line: Line, strike: str) -> None:
    ink = np.zeros((50, 40), np.uint8)
    cv2.ellipse(ink, (20, 25), (11, 19), 0, 0, 360, 1, 3)
    cv2.line(ink, *line, 1, 3)
    x, y, wide, tall = cv2.boundingRect(ink)
    assert strike_of(ink[y : y + tall, x : x + wide], 40.0) == strike


@pytest.mark.parametrize(
    ("strike", "digit", "is_struck"),
    [
        ("level", "8", True),
        ("level", "7", False),
        ("level", "4", False),
        ("slash", "3", True),
        ("slash", "0", False),
        ("slash", "4", False),
        ("slash", "7", False),
        ("", "8", False),
        ("(", "1", False),
    ],
)
def test_bars_of_digits_are_no_strikes(strike: str, digit: str, is_struck: bool) -> None:
    assert is_struck_out(strike, digit) is is_struck


@pytest.mark.parametrize("cross", [RISING, FALLING])
@pytest.mark.parametrize(("value", "read_as"), [("//386", "386"), ("386//", "386"), ("/////", "")])
def test_boxes_with_a_line_from_corner_to_corner_are_empty(
    runtime: Runtime, mnist_digits: Digits, value: str, read_as: str, cross: Line
) -> None:
    reading = read(runtime, comb(mnist_digits, value, cross))
    assert (reading.value, reading.has_ink) == (read_as, bool(read_as))
    assert (reading.confidence > MAX_DOUBTFUL_CONFIDENCE) is bool(read_as)


@pytest.mark.parametrize("value", ["/386", "38/6", "3//6", "//"])
def test_a_crossed_box_that_may_be_a_1_or_lies_between_digits_leaves_a_doubt(
    runtime: Runtime, mnist_digits: Digits, value: str
) -> None:
    reading = read(runtime, comb(mnist_digits, value))
    assert reading.value
    assert reading.confidence <= MAX_DOUBTFUL_CONFIDENCE


def test_ones_that_lean_are_digits(runtime: Runtime, mnist_digits: Digits) -> None:
    reading = read(runtime, comb(mnist_digits, "//386", UPRIGHT))
    assert reading.value == "11386"
    assert reading.confidence > MAX_DOUBTFUL_CONFIDENCE


def test_a_printed_number_in_brackets_is_in_doubt(runtime: Runtime) -> None:
    scan = paper(120)
    for middle, start in ((46, 130), (66, -50)):
        cv2.ellipse(scan, (middle, 30), (24, 22), 0, start, start + 100, INK, 2)
    cv2.putText(scan, "5", (46, 41), cv2.FONT_HERSHEY_SIMPLEX, 1.0, INK, 2)
    reading = read(runtime, scan)
    assert reading.value == "157"
    assert reading.confidence <= MAX_DOUBTFUL_CONFIDENCE


def test_brackets_are_arcs() -> None:
    arc = np.zeros((40, 12), np.uint8)
    cv2.ellipse(arc, (12, 20), (11, 24), 0, 120, 240, 1, 2)
    bar = np.zeros((40, 12), np.uint8)
    cv2.line(bar, (11, 0), (1, 39), 1, 2)
    assert [bracket_of(ink) for ink in (arc, arc[:, ::-1], bar, arc[:4], arc.T)] == ["(", ")", "", "", ""]
    assert is_in_brackets("151", ["(", "", ")"])
    assert not is_in_brackets("151", [")", "", "("])
    assert not is_in_brackets("152", ["(", "", ")"])


def test_circles_are_no_zeros(runtime: Runtime) -> None:
    scan = paper(260)
    for middle in range(40, 240, 45):
        cv2.ellipse(scan, (middle, 30), (15, 20), 0, 0, 360, INK, 2)
    reading = read(runtime, scan)
    assert set(reading.value) == {"0"}
    assert reading.confidence <= MAX_DOUBTFUL_CONFIDENCE


@pytest.mark.parametrize(
    ("text", "taller", "is_printed"), [("000", 0, True), ("000", 6, False), ("00", 0, False), ("006", 0, False)]
)
def test_printed_digits_are_the_same_and_alike(text: str, taller: int, is_printed: bool) -> None:
    digits = [Step(place, place + 1, digit, 0.0, place) for place, digit in enumerate(text)]
    places = [(30 * place, 10 - taller * (place % 2), 30 * place + 20, 40) for place in range(len(text))]
    assert may_be_printed(digits, places) is is_printed
