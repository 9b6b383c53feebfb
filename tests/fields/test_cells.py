"""Digits that touch the sides of their cell, an underline, or stand beside a printed label."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from batchdigits.fields.number import _without_print
from batchdigits.fields.read_field import MAX_DOUBTFUL_CONFIDENCE
from batchdigits.inference.runtime import Runtime
from batchdigits.vision.components import components_of
from tests.fields.conftest import Digits
from tests.fields.drawn import INK, LINE, Scan, paper, write
from tests.fields.readings import read_fields


def cell(width: int, *walls: int, rows: tuple[int, int] = (8, 68)) -> Scan:
    """A cell of a table, whose lines go on beyond it."""
    scan = paper(width, 76)
    for row in rows:
        cv2.line(scan, (0, row), (width, row), LINE, 2)
    for column in walls:
        cv2.line(scan, (column, 0), (column, 75), LINE, 2)
    return scan


def test_a_one_from_rule_to_rule_is_no_wall(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = cell(220, 12, 206, rows=(17, 59))
    cv2.line(scan, (34, 20), (34, 57), INK, 3)
    write(scan, *mnist_digits, "46", at=60, top=20)
    assert read_fields([scan], runtime)[0].value == "146"


@pytest.mark.parametrize(("width", "wall", "value"), [(100, 70, "46"), (90, 36, "7")])
def test_a_wall_that_a_digit_touches_goes(
    runtime: Runtime, mnist_digits: Digits, width: int, wall: int, value: str
) -> None:
    scan = cell(width, 12, wall)
    write(scan, *mnist_digits, value, at=16, top=20)
    assert read_fields([scan], runtime)[0].value == value


def test_a_digit_that_a_wall_cuts_is_kept_and_in_doubt(runtime: Runtime, mnist_digits: Digits) -> None:
    scan, free = cell(220, 40, 206), cell(220, 30, 206)
    for drawn in (scan, free):
        write(drawn, *mnist_digits, "846", at=36 if drawn is scan else 50, top=20)
    crossed, whole = read_fields([scan, free], runtime)
    assert len(crossed.value) == 3
    assert crossed.confidence <= MAX_DOUBTFUL_CONFIDENCE < whole.confidence


@pytest.mark.parametrize("row", [46, 50])
def test_an_underline_that_touches_digits_goes(runtime: Runtime, mnist_digits: Digits, row: int) -> None:
    scan = paper(240, 80)
    write(scan, *mnist_digits, "4607", at=40)
    cv2.line(scan, (34, row), (182, row + 1), INK, 3)
    assert read_fields([scan], runtime)[0].value == "4607"


@pytest.mark.parametrize("at", [4, 190])
def test_a_label_beside_a_number_is_no_part_of_it(runtime: Runtime, mnist_digits: Digits, at: int) -> None:
    scan = paper(270)
    write(scan, *mnist_digits, "46", at=100)
    cv2.putText(scan, "mmol", (at, 44), cv2.FONT_HERSHEY_SIMPLEX, 0.7, INK, 2)
    assert read_fields([scan], runtime)[0].value == "46"


def test_a_single_low_digit_behind_a_gap_is_a_part_of_a_number(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = paper(240)
    right = write(scan, *mnist_digits, "46", at=40)
    small = paper(60)
    write(small, *mnist_digits, "8", at=4)
    scan[24:48, right + 14 : right + 40] = cv2.resize(small[10:50, 2:42], (26, 24), interpolation=cv2.INTER_AREA)
    assert read_fields([scan], runtime)[0].value == "468"


def test_a_tall_one_beside_digits_is_a_part_of_a_number(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = paper(220, 76)
    cv2.line(scan, (34, 19), (34, 58), INK, 3)
    write(scan, *mnist_digits, "46", at=60, top=20)
    assert read_fields([scan], runtime)[0].value == "146"


@pytest.mark.parametrize(("columns", "rows"), [((90, 90), 1), ((90, 106), 2)], ids=["broken digit", "letters"])
def test_the_parts_of_a_broken_digit_are_no_letters_of_a_label(columns: tuple[int, int], rows: int) -> None:
    mask = np.zeros((60, 160), np.uint8)
    mask[10:50, 20:30] = mask[10:50, 40:50] = 255
    for column, top in zip(columns, (12, 32), strict=True):
        mask[top : top + 16, column : column + 12] = 255
    components = components_of(mask)
    assert len(_without_print(components, np.arange(4))) == rows
