"""Framing: stroke widths are adjusted, slant is undone, and the digit gets MNIST's size and place."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from batchdigits.vision.framing import (
    BOX,
    BOX_TOLERANCE,
    MAX_STROKE,
    MIN_STROKE,
    adjust_stroke_width,
    crop,
    frame,
    place_in_glyph,
    stroke_width,
)

Picture = NDArray[np.uint8]


def ring(pen: int, side: int = 58) -> Picture:
    """An oval, cropped to its ink."""
    canvas = np.zeros((80, 80), np.uint8)
    cv2.ellipse(canvas, (40, 40), (side // 3, side // 2), 0, 0, 360, 255, pen, cv2.LINE_AA)
    return np.asarray(crop(canvas), np.uint8)


@pytest.mark.parametrize(
    ("pen", "side", "limit"), [(1, 18, MIN_STROKE), (1, 38, MIN_STROKE), (3, 58, MIN_STROKE), (20, 50, MAX_STROKE)]
)
def test_a_stroke_is_adjusted_to_the_limit(pen: int, side: int, limit: float) -> None:
    ink = ring(pen, side)
    before = stroke_width(ink) * BOX / max(ink.shape)
    assert not MIN_STROKE <= before <= MAX_STROKE
    adjusted = adjust_stroke_width(ink, before)
    after = stroke_width(adjusted) * BOX / max(adjusted.shape)
    assert abs(after - limit) < 0.5
    assert abs(after - limit) < 0.5 * abs(before - limit)


def test_a_digit_that_fills_its_box_keeps_its_size_and_a_stem_grows_sideways() -> None:
    stem = np.full((BOX, 1), 255, np.uint8)
    assert adjust_stroke_width(stem, 1.0).shape == (BOX, 3)
    square = np.zeros((BOX, BOX), np.uint8)
    cv2.rectangle(square, (0, 0), (BOX - 1, BOX - 1), 255, 1)
    assert adjust_stroke_width(square, 1.0).shape == (BOX, BOX)


def test_ink_too_thin_to_erode_is_unchanged() -> None:
    board = (np.indices((BOX, BOX)).sum(axis=0) % 2 * 255).astype(np.uint8)
    assert np.array_equal(adjust_stroke_width(board, MAX_STROKE + 2.0), board)


def test_the_mean_of_a_hairline_becomes_its_peak() -> None:
    hairline = ring(1)
    hairline[::2] = hairline[::2] // 4
    adjusted = adjust_stroke_width(hairline, stroke_width(hairline) * BOX / max(hairline.shape) / 3)
    ink = adjusted[adjusted > 127]
    assert np.mean(ink == 255) > 0.3


@pytest.mark.parametrize(
    ("side", "keeps_size"), [(BOX - 1, False), (BOX, True), (BOX + BOX_TOLERANCE, True), (BOX + 3, False)]
)
def test_ink_of_nearly_the_boxs_size_is_not_resampled(side: int, keeps_size: bool) -> None:
    ink = np.zeros((side, 12), np.uint8)
    cv2.ellipse(ink, (6, side // 2), (4, side // 2 - 1), 10, 0, 360, 255, 2, cv2.LINE_AA)
    ink[[0, -1], 6] = ink[6, [0, -1]] = 9
    digit = crop(frame(ink, deslant=False))
    assert np.array_equal(digit, ink) == keeps_size
    assert max(digit.shape) == (side if keeps_size else BOX)


def test_slant_is_undone_about_the_centre_of_mass() -> None:
    ink = np.zeros((BOX, 30), np.uint8)
    cv2.line(ink, (14, 0), (6, BOX - 1), 255, 3, cv2.LINE_AA)
    cv2.line(ink, (13, 1), (15, 1), 255, 3, cv2.LINE_AA)
    glyph = frame(crop(ink), deslant=True)
    mass = cv2.moments(glyph)
    assert abs(mass["m10"] / mass["m00"] - 14) <= 0.6
    assert abs(mass["m01"] / mass["m00"] - 14) <= 0.6


def test_ink_far_off_centre_stops_at_the_edge_uncut() -> None:
    ink = np.full((BOX, BOX), 255, np.uint8)
    for x, y in ((-9.0, 9.5), (30.0, 9.5), (9.5, -9.0), (9.5, 30.0)):
        assert np.count_nonzero(place_in_glyph(ink, x, y)) == BOX * BOX
