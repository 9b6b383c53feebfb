"""Strokes have a length and a thickness, and those in some columns only are those of all that lie there."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchdigits.vision.strokes import find_level_strokes, find_upright_strokes


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_columns_leave_out_strokes_elsewhere_and_change_no_other(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mask = np.zeros((60, 160), np.uint8)
    for column in rng.integers(2, 158, 6).tolist():
        cv2.line(mask, (column, int(rng.integers(0, 20))), (column + int(rng.integers(-4, 5)), 59), 255, 2)
    first, last = sorted(rng.integers(0, 160, 2).tolist())
    columns = bytes(first <= column <= last for column in range(160))
    everywhere = [_ends(stroke) for stroke in find_upright_strokes(mask)]
    there = [_ends(stroke) for stroke in find_upright_strokes(mask, columns)]
    assert set(there) <= set(everywhere)
    assert {ends for ends in everywhere if first < (ends[0] + ends[1]) / 2 < last} <= set(there)


@pytest.mark.parametrize(("thickness", "strokes"), [(1, 1), (20, 1), (21, 0), (60, 0)])
def test_ink_over_a_fifth_of_the_longer_side_thick_is_no_stroke(thickness: int, strokes: int) -> None:
    mask = np.zeros((70, 100), np.uint8)
    mask[5 : 5 + thickness] = 255
    assert len(find_level_strokes(mask)) == strokes
    assert len(find_upright_strokes(np.ascontiguousarray(mask.T))) == strokes


@pytest.mark.parametrize(("length", "strokes"), [(39, 0), (40, 1), (100, 1)])
def test_ink_under_two_fifths_of_the_side_long_is_no_stroke(length: int, strokes: int) -> None:
    mask = np.zeros((70, 100), np.uint8)
    mask[5:8, :length] = 255
    assert len(find_level_strokes(mask)) == strokes
    assert len(find_upright_strokes(np.ascontiguousarray(mask.T))) == strokes


@pytest.mark.parametrize("height", [1, 4, 12])
def test_a_picture_lower_than_a_stroke_may_be_thick_can_be_a_stroke(height: int) -> None:
    (stroke,) = find_level_strokes(np.full((height, 60), 255, np.uint8))
    assert (stroke.length, stroke.near, stroke.far) == (60, 0, height)


def _ends(stroke: object) -> tuple[int, int, int, int]:
    return stroke.near, stroke.far, stroke.start, stroke.end  # type: ignore[attr-defined]
