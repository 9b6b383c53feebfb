"""Frame ink as MNIST does: stroke width, slant, a box of 20 pixels, the centre of mass in the middle."""

from __future__ import annotations

import math
from functools import cache

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

SIDE = 28  # MNIST's picture
BOX = 20  # the box that the ink of an MNIST digit fits
CENTRE = 14.0  # where MNIST puts the centre of mass, as an index of pixels
LARGE = 3 * BOX  # size at which strokes are widened, in steps of a third of a glyph's pixel
THIN, THICK = 1.7, 4.5  # stroke widths of 95 % of MNIST, in pixels of a glyph
STEEP = 0.8  # tan of the most slant undone; the moments of a wide 2 or 7 ask for more than any writer's slant
UNTURNED = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
UPRIGHT = 0.03  # less slant moves no pixel by more than a third of one, and resampling costs sharpness


def frame(ink: MatLike, *, deslant: bool) -> NDArray[np.uint8]:
    """Make a glyph, uint8 (28, 28), of lifted ink, uint8 (H, W), 255 on 0, with at least one pixel over 0."""
    ink = _mend_width(crop(ink))
    if deslant:
        ink = _upright(ink)
    return place(fit(ink))


def fit(ink: MatLike) -> MatLike:
    """Scale ink that fills its picture, uint8 (H, W), to the box, with its peak at 255."""
    height, width = ink.shape
    long = max(height, width)
    if long == BOX:
        return ink
    size = (max(1, round(width * (BOX / long))), max(1, round(height * (BOX / long))))
    ink = cv2.resize(ink, size, interpolation=cv2.INTER_AREA if long > BOX else cv2.INTER_CUBIC)
    peak = cv2.norm(ink, cv2.NORM_INF)
    return cv2.convertScaleAbs(ink, alpha=255.0 / peak) if 0 < peak < 255 else ink


def place(ink: MatLike) -> NDArray[np.uint8]:
    """Put ink that fits the box on a glyph, with its centre of mass where it belongs."""
    height, width = ink.shape
    mass = cv2.moments(ink)
    # Whole pixels, as MNIST was made: a fraction would blur. What is far off centre stops at the edge, uncut.
    left = min(max(round(CENTRE - mass["m10"] / mass["m00"]), 0), SIDE - width)
    top = min(max(round(CENTRE - mass["m01"] / mass["m00"]), 0), SIDE - height)
    glyph = np.zeros((SIDE, SIDE), np.uint8)
    glyph[top : top + height, left : left + width] = ink
    return glyph


def stroke_width(ink: MatLike) -> float:
    """Mean stroke width in pixels: twice the mass over the total variation, which blur does not change.

    Steps along x and y overcount a slanted edge, 4 / pi on the mean.
    """
    width = ink.shape[1]
    line = _framed(ink, 1).ravel()  # row after row, with paper between them: one line costs half of slices of many rows
    # A step from a to b is 2 max(a, b) - a - b, and all a, as all b, come to the mass.
    mass = cv2.norm(ink, cv2.NORM_L1)
    downward = cv2.norm(np.maximum(line[width + 2 :], line[: -width - 2]), cv2.NORM_L1)
    sideward = cv2.norm(np.maximum(line[1:], line[:-1]), cv2.NORM_L1)
    steps = 2.0 * (downward + sideward) - 4.0 * mass
    return 2.0 * mass * (4.0 / math.pi) / max(steps, 1.0)


def crop(ink: MatLike) -> MatLike:
    """The part of a picture that is not 0."""
    x, y, width, height = cv2.boundingRect(ink)
    return ink[y : y + height, x : x + width]


def _mend_width(ink: MatLike) -> MatLike:
    """Widen a thin stroke, and narrow a thick one, to the limits of MNIST's."""
    height, width = ink.shape
    long = max(height, width)
    stroke = stroke_width(ink) * BOX / long
    if THIN <= stroke <= THICK:
        return ink
    size = (max(1, round(width * LARGE / long)), max(1, round(height * LARGE / long)))
    large = cv2.resize(ink, size, interpolation=cv2.INTER_AREA if long > LARGE else cv2.INTER_CUBIC)
    change = 1 + round(max(THIN - stroke, stroke - THICK) * LARGE / BOX)
    if stroke > THICK:
        narrow = cv2.erode(large, _disc(change))
        return crop(narrow) if cv2.hasNonZero(narrow) else ink
    wide = cv2.dilate(_framed(large, change), _disc(change))
    # A line of one pixel that was shrunk is grey, and uneven at that: its mean becomes the peak.
    solid = cv2.threshold(wide, 0, 255, cv2.THRESH_TOZERO | cv2.THRESH_OTSU)[1]
    level = cv2.norm(solid, cv2.NORM_L1) * (1.0 / max(cv2.countNonZero(solid), 1))
    return crop(cv2.convertScaleAbs(wide, alpha=255.0 / max(level, 1.0)))


def _framed(ink: MatLike, margin: int) -> NDArray[np.uint8]:
    """Ink with a margin of paper all around."""
    height, width = ink.shape
    framed = np.zeros((height + 2 * margin, width + 2 * margin), np.uint8)
    framed[margin:-margin, margin:-margin] = ink
    return framed


@cache
def _disc(diameter: int) -> MatLike:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (diameter, diameter))


def _upright(ink: MatLike) -> MatLike:
    """Shear the rows until x and y of the ink are uncorrelated."""
    mass = cv2.moments(ink)
    return shear_rows(ink, mass["mu11"] / mass["mu02"]) if mass["mu02"] > 0 else ink


def shear_rows(ink: MatLike, slant: float) -> MatLike:
    """Take a slant, in columns to the right for each row down, out of ink, and crop what comes of it."""
    shear = min(max(slant, -STEEP), STEEP)
    if abs(shear) < UPRIGHT:
        return ink
    height, width = ink.shape
    pad = math.ceil(abs(shear) * height / 2) + 1
    turn = UNTURNED.copy()
    turn[0, 1], turn[0, 2] = -shear, pad + shear * (height - 1) / 2
    return crop(cv2.warpAffine(ink, turn, (width + 2 * pad, height)))
