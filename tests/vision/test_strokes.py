"""Strokes that are looked for in some columns only are those of all that lie there."""

from __future__ import annotations

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from batchdigits.vision.strokes import find_upright_strokes


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


def _ends(stroke: object) -> tuple[int, int, int, int]:
    return stroke.near, stroke.far, stroke.start, stroke.end  # type: ignore[attr-defined]
