"""Combs and boxes on a blank form, and on a filled one."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from batchdigits.forms.find_fields import Found, find_fields
from batchdigits.forms.marks import find_corner_marks
from tests.forms.drawn import BOX, FIELDS, HEIGHT, INK, MARKS, PAPER, WIDTH, Scan, blank_form, filled, scanned


def page() -> Scan:
    return np.full((HEIGHT, WIDTH), PAPER, np.uint8)


def is_around(found: Found, left: int, top: int, width: int, height: int) -> bool:
    """Whether a box was found where it is, with a margin of a fourth of its height at most."""
    x, y, wide, high = found.box
    reach = 0.25 * height
    return (
        left - reach <= x <= left + 1
        and top - reach <= y <= top + 1
        and left + width - 1 <= x + wide <= left + width + reach
        and top + height - 1 <= y + high <= top + height + reach
    )


@pytest.mark.parametrize("is_filled", [False, True])
def test_combs_and_boxes_are_found_in_the_order_of_reading(is_filled: bool) -> None:
    form = filled(blank_form()) if is_filled else blank_form()
    found = [one for one in find_fields(form, is_filled) if one.box[1] > 250]  # below the title
    assert [one.comb for one in found] == [boxes for _, _, boxes in FIELDS.values()]
    for one, (left, top, boxes) in zip(found, FIELDS.values(), strict=True):
        width, height = (boxes * BOX, BOX) if boxes > 1 else (240, 56)
        assert is_around(one, left, top, width, height), one


def test_print_is_no_field() -> None:
    assert len(find_fields(blank_form())) == len(FIELDS)


@pytest.mark.parametrize("is_filled", [False, True])
@pytest.mark.parametrize("size", [31, 34, 44, 80, 120])
def test_the_bowls_of_large_letters_are_no_fields(size: int, is_filled: bool) -> None:
    form = Image.fromarray(page())
    font = ImageFont.load_default(size)
    for row, text in enumerate(("Date", "Days", "BDOPQR", "abdegopq", "DODO", "0689")):
        ImageDraw.Draw(form).text((100, 100 + 2 * size * row), text, INK, font)
    assert find_fields(np.array(form), is_filled) == []


@pytest.mark.parametrize("radius", [0, 6, 9])
def test_boxes_with_round_corners_are_fields(radius: int) -> None:
    form = Image.fromarray(page())
    for left, width in ((200, 40), (400, 400)):
        ImageDraw.Draw(form).rounded_rectangle((left, 500, left + width, 540), radius, outline=INK, width=2)
    assert [one.comb for one in find_fields(np.array(form))] == [1, 1]


def test_a_form_that_is_turned_a_little_has_the_same_fields() -> None:
    found = find_fields(scanned(blank_form(), turn=1.0, scale=1.0))
    assert [one.comb for one in found] == [boxes for _, _, boxes in FIELDS.values()]


def test_a_comb_may_have_gaps_between_its_boxes() -> None:
    form = page()
    for box in range(6):
        cv2.rectangle(form, (200 + 60 * box, 500), (245 + 60 * box, 545), 90, 2)
    cv2.rectangle(form, (800, 500), (845, 545), 90, 2)  # too far away
    comb, alone = find_fields(form)
    assert (comb.comb, alone.comb) == (6, 1)
    assert is_around(comb, 200, 500, 345, 45)


def test_a_comb_may_be_open_above() -> None:
    form = page()
    cv2.line(form, (200, 400), (425, 400), 60, 2)
    for wall in range(6):
        cv2.line(form, (200 + 45 * wall, 360), (200 + 45 * wall, 400), 60, 2)
    (comb,) = find_fields(form)
    assert comb.comb == 5
    assert is_around(comb, 200, 360, 225, 40)


def test_cells_of_a_table_are_fields_but_those_with_print_in_them() -> None:
    form = page()
    for row in range(3):
        for column in range(3):
            cv2.rectangle(form, (200 + column * 200, 700 + row * 50), (400 + column * 200, 750 + row * 50), 60, 2)
    cv2.putText(form, "Name", (230, 735), cv2.FONT_HERSHEY_SIMPLEX, 1, 30, 2)
    assert len(find_fields(form)) == 8
    assert len(find_fields(form, is_filled=True)) == 9


@pytest.mark.parametrize("blank", [page(), np.zeros((40, 30), np.uint8), np.full((1, 1), 9, np.uint8)])
def test_an_empty_page_has_no_fields(blank: Scan) -> None:
    assert find_fields(blank) == []
    assert find_corner_marks(blank) is None


def test_corner_marks_are_found_clockwise() -> None:
    found = find_corner_marks(blank_form())
    assert found is not None
    assert np.abs(np.array(found) - np.array(MARKS) - 0.5).max() < 1.0


def test_three_corner_marks_are_not_enough() -> None:
    form = blank_form()
    form[: HEIGHT // 8, : WIDTH // 8] = PAPER
    assert find_corner_marks(form) is None
