"""The corners of a field as text, and what is cropped by them."""

from __future__ import annotations

import numpy as np
import pytest

from batchdigits.files.source_error import SourceError
from batchdigits.forms.corners import corners_text, parsed_corners
from batchdigits.forms.crop import around, crop, crop_corners

PAGE = np.random.default_rng(1).integers(0, 256, (200, 300), np.uint8)


def test_a_field_is_cropped_again_by_its_corners() -> None:
    found = crop(PAGE, (20, 30, 100, 40), np.eye(3))
    assert corners_text(found.corners) == "20 30 120 30 120 70 20 70"
    assert (crop_corners(PAGE, found.corners).scan == found.scan).all()


def test_a_field_of_a_page_that_lies_upside_down_is_cropped_upright() -> None:
    corners = parsed_corners("120.0 70 20 70 20 30 120 30")
    assert corners is not None
    found = crop_corners(PAGE, corners)
    assert found.scan.shape == (40, 100)
    assert np.abs(found.scan[::-1, ::-1].astype(int) - PAGE[30:70, 20:120]).max() <= 1
    assert corners_text(found.corners) == "120 70 20 70 20 30 120 30"


def test_a_margin_goes_with_the_field() -> None:
    corners = np.array([(20.0, 30.0), (20.0, 130.0), (0.0, 130.0), (0.0, 30.0)])  # turned to the right
    assert around(corners, 10).tolist() == [[30, 20], [30, 140], [-10, 140], [-10, 20]]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1 2 3",
        "a b c d e f g h",
        "nan 0 1 0 1 1 0 1",
        "0 0 inf 0 1 1 0 1",
        "1e9 " * 8,
        "0 0 10 0 20 0 30 0",
        "0 0 10 0 10 5 0 0",
        "0 0 10.1 1 20.2 2 0 9",
    ],
)
def test_other_texts_say_no_corners(text: str) -> None:
    assert parsed_corners(text) is None


def test_what_is_much_larger_than_the_page_is_not_cropped() -> None:
    corners = parsed_corners("0 0 900000 0 900000 900000 0 900000")
    assert corners is not None
    with pytest.raises(SourceError, match="not on the scan"):
        crop_corners(PAGE, corners)


def test_corners_that_are_one_point_are_harmless() -> None:
    assert parsed_corners("5 5 5 5 5 5 5 5") is None
    assert crop_corners(PAGE, np.full((4, 2), 5.0)).scan.shape == (1, 1)
