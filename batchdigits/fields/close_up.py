"""Crop a number, enlarge it if it is small, and shear it until its digits are upright."""

from __future__ import annotations

import math
from statistics import median
from typing import NamedTuple

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from batchdigits.fields.context import EDGE
from batchdigits.fields.number import Number
from batchdigits.vision.components import components_of
from batchdigits.vision.framing import MAX_SLANT
from batchdigits.vision.illumination import otsu_level

TALL = 48  # pixels: lower digits are enlarged
MAX_ENLARGEMENT = 4  # a scan has no more detail
MARGIN = 2  # pixels around the number
MIN_HEIGHT = 0.6  # of the number's height: lower components say nothing about its slant and base line
MAX_WIDTH = 1.2  # of its height: a wider component has several digits, and its slant is not theirs
MIN_SLANT = 0.2  # less is left, as resampling costs sharpness
# Holes of a digit, with those that a bad print makes; and the share of ink that is left of it without such fringes.
MAX_HOLES, MIN_STROKE_SHARE = 4, 0.5


class CloseUp(NamedTuple):
    """A number alone, upright and large enough.

    Attributes:
        ink: uint8 (h, w), bright on 0.
        around: the same with all other ink, that of printed lines, too.
        mask: of its ink, 255 on 0.
        doubtful: of what may be the rest of a wall, 255 on 0.
        height: of its digits, in pixels.
        middle: the row of their middle.
        back: float64 (2, 3), the affine map to the pixels of the view.
    """

    ink: MatLike
    around: MatLike
    mask: MatLike
    doubtful: MatLike
    height: float
    middle: float
    back: NDArray[np.float64]


def close_up(number: Number, ink: MatLike, with_lines: MatLike) -> CloseUp | None:
    """Look closely at a number; None if its ink is the grain of the paper.

    Args:
        number: the number.
        ink: that of a view, uint8 (H, W), bright on 0.
        with_lines: the same before printed lines were removed.
    """
    x, y, width, height = cv2.boundingRect(number.mask)
    left, top = max(0, x - MARGIN), max(0, y - MARGIN)
    crop = slice(top, y + height + MARGIN), slice(left, x + width + MARGIN)
    own = number.mask[crop]
    if _is_grain(own, number.height):
        return None
    level = otsu_level(ink[crop])
    factor = float(min(MAX_ENLARGEMENT, max(1, round(TALL / number.height))))
    slant, middle = _lines_of(own, number.height)
    affine, size = _affine(own.shape, factor, slant)
    near = cv2.bitwise_and(ink[crop], cv2.dilate(own, EDGE))
    near = cv2.warpAffine(near, affine, size, flags=cv2.INTER_CUBIC)
    mask = cv2.threshold(near, level, 255, cv2.THRESH_BINARY)[1]
    around = cv2.warpAffine(with_lines[crop], affine, size, flags=cv2.INTER_CUBIC)
    doubtful = cv2.warpAffine(number.doubtful[crop], affine, size, flags=cv2.INTER_NEAREST)
    back = np.asarray(cv2.invertAffineTransform(affine), np.float64)
    back[:, 2] += (left, top)
    middle = float(affine[1, 1] * middle + affine[1, 2])
    return CloseUp(near, around, mask, doubtful, number.height * factor, middle, back)


def _is_grain(mask: MatLike, height: float) -> bool:
    """Whether the mask of a number has more holes than digits have, and is not of strokes with a ragged edge."""
    most = MAX_HOLES * (1 + mask.shape[1] / height)
    if _holes(mask) <= most:
        return False
    strokes = cv2.morphologyEx(mask, cv2.MORPH_OPEN, EDGE)
    return _holes(strokes) > most or cv2.countNonZero(strokes) < MIN_STROKE_SHARE * cv2.countNonZero(mask)


def _holes(mask: MatLike) -> int:
    return int(cv2.connectedComponents(cv2.bitwise_not(mask), None, 4)[0]) - 2


def _affine(shape: tuple[int, ...], factor: float, slant: float) -> tuple[NDArray[np.float64], tuple[int, int]]:
    """The map that enlarges a picture and undoes a slant; and the width and height of what it gives."""
    height, width = shape
    lean = slant * height
    pixel = (factor - 1) / 2  # pixels are areas
    affine = np.array([[factor, -slant * factor, max(0.0, lean) * factor + pixel], [0.0, factor, pixel]])
    return affine, (math.ceil((width + abs(lean)) * factor), math.ceil(height * factor))


def _lines_of(mask: MatLike, height: float) -> tuple[float, float]:
    """The slant of a number's digits, in columns for each row down, and its middle row."""
    components = components_of(mask)
    slants, weights, middles = [0.0], [0.0], []
    for index in np.flatnonzero(components.height >= MIN_HEIGHT * height).tolist():
        x, y, wide, tall = (int(values[index]) for values in components[1:5])
        middles.append(y + tall / 2)
        if wide <= MAX_WIDTH * tall:
            ink = (components.labels[y : y + tall, x : x + wide] == index + 1).astype(np.uint8)
            mass = cv2.moments(ink, True)
            slants.append(mass["mu11"] / max(mass["mu02"], 1.0))
            weights.append(mass["mu02"] ** 0.5)
    slant = float(np.dot(slants, weights)) / max(sum(weights), 1e-9)
    slant = min(max(slant, -MAX_SLANT), MAX_SLANT)
    middle = float(median(middles)) if middles else len(mask) / 2
    return slant if abs(slant) >= MIN_SLANT else 0.0, middle
