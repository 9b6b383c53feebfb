"""Smooth a dithered view: its greys are patterns of single pixels, as on electronic paper and in bilevel scans."""

from __future__ import annotations

import cv2
from cv2.typing import MatLike

from batchdigits.vision.illumination import MIN_PAGE_SIDE
from batchdigits.vision.morphology import rectangle

ROW_STEP, MIN_CHANGES = 3, 0.2  # some of the rows, and the share of pixels in them of another side than the one before
MIN_SINGLE_SHARE = 0.2  # of the view: pixels in no square of two by two of their side; thin strokes have 0.1
MIN_CONTRAST = 40.0  # grey levels between both sides; grain has less
DEVIATION = 1.3  # pixels: of the Gaussian that smooths it


def is_dithered(view: MatLike, lighter: MatLike) -> bool:
    """Whether a view is dithered.

    Args:
        view: grey, uint8 (H, W).
        lighter: the mask of its lighter side, 255 on 0.
    """
    if min(view.shape) < MIN_PAGE_SIDE:
        return False
    rows = lighter[::ROW_STEP]
    if cv2.norm(rows[:, 1:], rows[:, :-1], cv2.NORM_L1) < MIN_CHANGES * 255 * rows.size:  # is much faster than the rest
        return False
    square = rectangle(2, 2)
    closed, opened = (cv2.morphologyEx(lighter, way, square) for way in (cv2.MORPH_CLOSE, cv2.MORPH_OPEN))
    if cv2.countNonZero(closed) - cv2.countNonZero(opened) < MIN_SINGLE_SHARE * view.size:
        return False
    return cv2.mean(view, lighter)[0] - cv2.mean(view, cv2.bitwise_not(lighter))[0] >= MIN_CONTRAST


def smooth(view: MatLike) -> MatLike:
    """A view with its patterns as greys."""
    return cv2.GaussianBlur(view, (0, 0), DEVIATION)
