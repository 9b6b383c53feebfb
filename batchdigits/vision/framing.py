"""Frame ink as MNIST does: adjust stroke width and slant, fit it to a box of 20 pixels, and centre its mass."""

from __future__ import annotations

import math
from functools import cache

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

SIDE = 28  # pixels of a glyph, as of an MNIST picture
BOX = 20  # pixels of the box that the ink of an MNIST digit fits
BOX_TOLERANCE = 2  # pixels by which ink may be longer: shearing makes wide digits wider, resampling costs sharpness
CENTRE = 14.0  # where MNIST puts the centre of mass, as an index of pixels
MAX_INK_SIDE = 3 * BOX  # pixels: longer ink is first shrunk to this, three of its pixels for one of the glyph
ENLARGED_INK_SIDE = 2 * BOX  # pixels: ink shorter than BOX is enlarged to this, as its strokes are a pixel or two wide
MIN_STROKE, MAX_STROKE = 1.9, 4.5  # pixels of a glyph: 82 % of MNIST's stroke widths; most of the others are finer
MAX_SLANT = 0.8  # tan of the most slant undone; the moments of a wide 2 or 7 ask for more than any writer's slant
MIN_SLANT = 0.03  # tan of the least slant undone; less moves no pixel by over a third, and resampling costs sharpness
IDENTITY = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])  # the affine map that changes nothing


def frame(ink: MatLike, *, deslant: bool) -> NDArray[np.uint8]:
    """Make a glyph, uint8 (28, 28), of ink.

    Args:
        ink: uint8 (H, W) on a background of 0; at least one pixel is over 0.
        deslant: shear the ink upright.
    """
    ink = crop(ink)
    if max(ink.shape) > MAX_INK_SIDE:
        ink = _scaled(ink, MAX_INK_SIDE)
    elif max(ink.shape) < BOX:
        ink = _scaled(ink, ENLARGED_INK_SIDE)
    stroke = stroke_width(ink) * BOX / max(ink.shape)
    if not MIN_STROKE <= stroke <= MAX_STROKE:
        ink = adjust_stroke_width(ink, stroke)
    mass = cv2.moments(ink)
    x, y = mass["m10"] / mass["m00"], mass["m01"] / mass["m00"]
    if deslant and mass["mu02"] > 0:
        ink, x, y = _shear_rows(ink, mass["mu11"] / mass["mu02"], x, y)
    return place_in_glyph(ink, x, y)


def place_in_glyph(ink: MatLike, x: float, y: float) -> NDArray[np.uint8]:
    """Scale ink that fills its picture to the box, and put its centre of mass (x, y) in the middle of a glyph."""
    digit = _fit(ink)
    height, width = digit.shape
    x, y = (x + 0.5) * (width / ink.shape[1]) - 0.5, (y + 0.5) * (height / ink.shape[0]) - 0.5
    # By whole pixels, as in MNIST: a fraction would blur. Ink that is far off centre stops at the edge, uncut.
    left, top = min(max(round(CENTRE - x), 0), SIDE - width), min(max(round(CENTRE - y), 0), SIDE - height)
    glyph = np.zeros((SIDE, SIDE), np.uint8)
    glyph[top : top + height, left : left + width] = digit
    return glyph


def _fit(ink: MatLike) -> MatLike:
    """Scale ink to the box, with its peak at 255, unless it has that size already."""
    if BOX <= max(ink.shape) <= BOX + BOX_TOLERANCE:
        return ink
    ink = _scaled(ink, BOX)
    peak = cv2.norm(ink, cv2.NORM_INF)
    return cv2.convertScaleAbs(ink, alpha=255.0 / peak) if 0 < peak < 255 else ink


def _scaled(ink: MatLike, side: int) -> MatLike:
    """Scale ink until its longer side has `side` pixels."""
    height, width = ink.shape
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(ink, size, interpolation=cv2.INTER_AREA if scale < 1.0 else cv2.INTER_CUBIC)


def stroke_width(ink: MatLike) -> float:
    """Mean stroke width in pixels: twice the mass over the total variation, which blur does not change.

    The variation is summed along x and y, which counts the edges of strokes 4 / pi times on average.
    """
    width = ink.shape[1]
    line = _padded(ink).ravel()  # one row after the other, with background between: faster than slices of many rows
    # A step from a to b is 2 max(a, b) - a - b. All a add up to the mass, and so do all b.
    mass = cv2.norm(ink, cv2.NORM_L1)
    downward = cv2.norm(np.maximum(line[width + 2 :], line[: -width - 2]), cv2.NORM_L1)
    sideward = cv2.norm(np.maximum(line[1:], line[:-1]), cv2.NORM_L1)
    variation = 2.0 * (downward + sideward) - 4.0 * mass
    return 2.0 * mass * (4.0 / math.pi) / max(variation, 1.0)


def crop(ink: MatLike) -> MatLike:
    """The bounding box of a picture's pixels that are not 0."""
    x, y, width, height = cv2.boundingRect(ink)
    return ink[y : y + height, x : x + width]


def adjust_stroke_width(ink: MatLike, stroke: float) -> MatLike:
    """Widen thin strokes to MIN_STROKE, or narrow thick ones to MAX_STROKE.

    Half of the change is on either side of a stroke. Structuring elements have whole radii, so the result is a blend of
    the ink with the same ink one whole radius wider or narrower.

    Args:
        ink: uint8 (H, W), cropped to its bounding box.
        stroke: its stroke width in pixels of a glyph, below MIN_STROKE or above MAX_STROKE.

    Returns:
        The ink, cropped again; unchanged if nothing would be left of it.
    """
    is_thin = stroke < MIN_STROKE
    change = (MIN_STROKE - stroke if is_thin else stroke - MAX_STROKE) * max(ink.shape) / BOX / 2.0
    radius = math.ceil(change)
    if is_thin:
        ink = _with_margin(ink, radius)
    changed = (cv2.dilate if is_thin else cv2.erode)(ink, _disc(2 * radius + 1))
    adjusted = cv2.addWeighted(ink, 1.0 - change / radius, changed, change / radius, 0.0)
    if is_thin and radius > 1:
        adjusted = _with_mean_as_peak(adjusted)
    return crop(adjusted) if cv2.hasNonZero(adjusted) else ink


def _with_mean_as_peak(ink: MatLike) -> MatLike:
    """Scale grey levels until those over Otsu's threshold have a mean of 255.

    A line that was shrunk below one pixel is grey and uneven.
    """
    solid = cv2.threshold(ink, 0, 255, cv2.THRESH_TOZERO | cv2.THRESH_OTSU)[1]
    level = cv2.norm(solid, cv2.NORM_L1) * (1.0 / max(cv2.countNonZero(solid), 1))
    return cv2.convertScaleAbs(ink, alpha=255.0 / max(level, 1.0))


def _with_margin(ink: MatLike, radius: int) -> MatLike:
    """Add background for wider strokes; for a radius of 1, only as far as no side gets longer than the longer one."""
    longest = max(ink.shape)
    y, x = (min(radius, (longest - side) // 2) if radius == 1 else radius for side in ink.shape)
    return cv2.copyMakeBorder(ink, y, y, x, x, cv2.BORDER_CONSTANT)


def _padded(ink: MatLike) -> NDArray[np.uint8]:
    """Add a pixel of background all around."""
    height, width = ink.shape
    padded = np.zeros((height + 2, width + 2), np.uint8)
    padded[1:-1, 1:-1] = ink
    return padded


@cache
def _disc(diameter: int) -> MatLike:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (diameter, diameter))


def _shear_rows(ink: MatLike, slant: float, x: float, y: float) -> tuple[MatLike, float, float]:
    """Undo a slant, in columns to the right for each row down, about the ink's centre of mass (x, y).

    Returns:
        The ink, cropped, and its new centre of mass.
    """
    shear = min(max(slant, -MAX_SLANT), MAX_SLANT)
    if abs(shear) < MIN_SLANT:
        return ink, x, y
    height, width = ink.shape
    pad = math.ceil(abs(shear) * height) + 1
    affine = IDENTITY.copy()
    affine[0, 1], affine[0, 2] = -shear, pad + shear * y
    upright = cv2.warpAffine(ink, affine, (width + 2 * pad, height))
    left, top, width, height = cv2.boundingRect(upright)
    return upright[top : top + height, left : left + width], x + pad - left, y - top
