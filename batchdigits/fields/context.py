"""Draw ink in its context: bright itself, with all other ink around it at half of its brightness.

A glyph shows its ink alone, at one size. Half an 8 is a 3 there, and what a printed line took away is missing. Its
context shows how large it is, what it touches, and where lines were.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from batchdigits.vision.framing import BOX, SIDE
from batchdigits.vision.normalise import Glyph

PEAK = 1.6  # of the mean of a stroke's pixels, which has its soft edges in it
OTHERS = 0.5  # brightness of other ink
EDGE = np.ones((3, 3), np.uint8)  # the grey edge of a stroke around its mask


def context_of(
    ink: MatLike,
    own: NDArray[np.uint8],
    box: tuple[int, int, int, int],
    height: float,
    others: NDArray[np.bool_] | None = None,
) -> Glyph:
    """The context of a part of some ink, uint8 (28, 28), in which a digit of the number has 20 pixels.

    Args:
        ink: uint8 (H, W), bright on 0, with printed lines.
        own: the part's pixels in its box, 1 on 0.
        box: first column and row, and one past the last.
        height: of the number's digits, in pixels.
        others: pixels in the box of ink that the part touches, but that is not its own.
    """
    left, top, right, bottom = box
    side = math.ceil(max(height, right - left, bottom - top) * SIDE / BOX)
    x, y = round((left + right - side) / 2), round((top + bottom - side) / 2)
    x0, y0 = max(0, x), max(0, y)
    grey = ink[y0 : y + side, x0 : x + side]
    mask: NDArray[np.uint8] = np.zeros(grey.shape, np.uint8)
    inside = slice(top - y0, bottom - y0), slice(left - x0, right - x0)
    mask[inside] = own
    peak = max(1.0, cv2.mean(grey, mask)[0] * PEAK)
    mask = np.asarray(cv2.dilate(mask, EDGE), np.uint8)
    if others is not None:
        mask[inside][others] = 0
    bright = cv2.convertScaleAbs(grey, alpha=255.0 / peak)  # cut off at 255: a line may be far darker than the digits
    picture = cv2.convertScaleAbs(bright, alpha=OTHERS)
    cv2.copyTo(bright, mask, picture)
    square = np.zeros((side, side), np.uint8)
    square[y0 - y : y0 - y + grey.shape[0], x0 - x : x0 - x + grey.shape[1]] = picture
    return np.asarray(cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)
