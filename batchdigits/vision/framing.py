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
SLACK = 2  # pixels by which it may be longer: shearing makes wide digits wider, and resampling costs sharpness
CENTRE = 14.0  # where MNIST puts the centre of mass, as an index of pixels
LARGE = 3 * BOX  # a larger digit is scaled down to this before anything else: three pixels for one of the glyph
FINE = 2 * BOX  # and a digit smaller than its box up to this: at its own size, a pixel is much of its stroke
THIN, THICK = 1.9, 4.5  # stroke widths of 82 % of MNIST, in pixels of a glyph: the thinner sixth is read better thus
STEEP = 0.8  # tan of the most slant undone; the moments of a wide 2 or 7 ask for more than any writer's slant
UNTURNED = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
UPRIGHT = 0.03  # less slant moves no pixel by more than a third of one, and resampling costs sharpness


def frame(ink: MatLike, *, deslant: bool) -> NDArray[np.uint8]:
    """Make a glyph, uint8 (28, 28), of lifted ink, uint8 (H, W), 255 on 0, with at least one pixel over 0."""
    ink = crop(ink)
    if max(ink.shape) > LARGE:
        ink = _scaled(ink, LARGE)
    elif max(ink.shape) < BOX:
        ink = _scaled(ink, FINE)
    stroke = stroke_width(ink) * BOX / max(ink.shape)
    if not THIN <= stroke <= THICK:
        ink = mend(ink, stroke)
    mass = cv2.moments(ink)
    x, y = mass["m10"] / mass["m00"], mass["m01"] / mass["m00"]
    if deslant and mass["mu02"] > 0:
        ink, x, y = _shear_rows(ink, mass["mu11"] / mass["mu02"], x, y)
    return place(ink, x, y)


def place(ink: MatLike, x: float, y: float) -> NDArray[np.uint8]:
    """Put ink that fills its picture on a glyph, scaled to the box, with its centre of mass (x, y) where it belongs."""
    digit = _fit(ink)
    height, width = digit.shape
    x, y = (x + 0.5) * (width / ink.shape[1]) - 0.5, (y + 0.5) * (height / ink.shape[0]) - 0.5
    # Whole pixels, as MNIST was made: a fraction would blur. What is far off centre stops at the edge, uncut.
    left, top = min(max(round(CENTRE - x), 0), SIDE - width), min(max(round(CENTRE - y), 0), SIDE - height)
    glyph = np.zeros((SIDE, SIDE), np.uint8)
    glyph[top : top + height, left : left + width] = digit
    return glyph


def _fit(ink: MatLike) -> MatLike:
    """Scale ink to the box, with its peak at 255, unless it has that size already."""
    if BOX <= max(ink.shape) <= BOX + SLACK:
        return ink
    ink = _scaled(ink, BOX)
    peak = cv2.norm(ink, cv2.NORM_INF)
    return cv2.convertScaleAbs(ink, alpha=255.0 / peak) if 0 < peak < 255 else ink


def _scaled(ink: MatLike, side: int) -> MatLike:
    """Scale ink until its longer side has so many pixels."""
    height, width = ink.shape
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(ink, size, interpolation=cv2.INTER_AREA if scale < 1.0 else cv2.INTER_CUBIC)


def stroke_width(ink: MatLike) -> float:
    """Mean stroke width in pixels: twice the mass over the total variation, which blur does not change.

    Steps along x and y overcount a slanted edge, 4 / pi on the mean.
    """
    width = ink.shape[1]
    line = _framed(ink).ravel()  # row after row, with paper between them: one line costs half of slices of many rows
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


def mend(ink: MatLike, stroke: float) -> MatLike:
    """Widen a thin stroke, and narrow a thick one, to the limits of MNIST's; its width is in pixels of a glyph.

    Half of the change is on either side. Discs have whole radii; a blend with the ink as it was is what lies between.
    """
    thin = stroke < THIN
    reach = (THIN - stroke if thin else stroke - THICK) * max(ink.shape) / BOX / 2.0
    radius = math.ceil(reach)
    if thin:
        ink = _with_room(ink, radius)
    changed = (cv2.dilate if thin else cv2.erode)(ink, _disc(2 * radius + 1))
    mended = cv2.addWeighted(ink, 1.0 - reach / radius, changed, reach / radius, 0.0)
    if thin and radius > 1:
        mended = _solid(mended)
    return crop(mended) if cv2.hasNonZero(mended) else ink


def _solid(ink: MatLike) -> MatLike:
    """Make the mean of ink its peak: a line that was shrunk to less than a pixel is grey, and uneven at that."""
    solid = cv2.threshold(ink, 0, 255, cv2.THRESH_TOZERO | cv2.THRESH_OTSU)[1]
    level = cv2.norm(solid, cv2.NORM_L1) * (1.0 / max(cv2.countNonZero(solid), 1))
    return cv2.convertScaleAbs(ink, alpha=255.0 / max(level, 1.0))


def _with_room(ink: MatLike, radius: int) -> MatLike:
    """Ink with paper around it for wider strokes, but not where one pixel more would make it too long for its box."""
    long = max(ink.shape)
    y, x = (min(radius, (long - side) // 2) if radius == 1 else radius for side in ink.shape)
    return cv2.copyMakeBorder(ink, y, y, x, x, cv2.BORDER_CONSTANT)


def _framed(ink: MatLike) -> NDArray[np.uint8]:
    """Ink with a pixel of paper all around."""
    height, width = ink.shape
    framed = np.zeros((height + 2, width + 2), np.uint8)
    framed[1:-1, 1:-1] = ink
    return framed


@cache
def _disc(diameter: int) -> MatLike:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (diameter, diameter))


def _shear_rows(ink: MatLike, slant: float, x: float, y: float) -> tuple[MatLike, float, float]:
    """Take a slant, in columns to the right for each row down, out of ink, about its centre of mass (x, y).

    Returns:
        The ink, cropped, and where its centre of mass is now.
    """
    shear = min(max(slant, -STEEP), STEEP)
    if abs(shear) < UPRIGHT:
        return ink, x, y
    height, width = ink.shape
    pad = math.ceil(abs(shear) * height) + 1
    turn = UNTURNED.copy()
    turn[0, 1], turn[0, 2] = -shear, pad + shear * y
    upright = cv2.warpAffine(ink, turn, (width + 2 * pad, height))
    left, top, width, height = cv2.boundingRect(upright)
    return upright[top : top + height, left : left + width], x + pad - left, y - top
