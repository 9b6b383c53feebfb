"""Crop a number, enlarge it if it is small, and shear it until its digits are upright and its base line is level."""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

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
MAX_HOLES = 4  # of a digit, with those that a bad print makes
EDGE = np.ones((3, 3), np.uint8)  # the grey edge of a stroke around its mask


class CloseUp(NamedTuple):
    """A number alone, upright and large enough.

    Attributes:
        ink: uint8 (h, w), bright on 0.
        mask: of its ink, 255 on 0.
        doubtful: of what may be the rest of a wall, 255 on 0.
        height: of its digits, in pixels.
        middle: the row of their middle.
        back: float64 (2, 3), the affine map to the pixels of the view.
    """

    ink: MatLike
    mask: MatLike
    doubtful: MatLike
    height: float
    middle: float
    back: NDArray[np.float64]


def close_up(number: Number, ink: MatLike) -> CloseUp | None:
    """Look closely at a number in the ink of a view, uint8 (H, W); None if its ink is the grain of the paper."""
    x, y, width, height = cv2.boundingRect(number.mask)
    left, top = max(0, x - MARGIN), max(0, y - MARGIN)
    crop = slice(top, y + height + MARGIN), slice(left, x + width + MARGIN)
    near = ink[crop]
    level = otsu_level(near)
    if _is_grain(number.mask[crop], number.height):
        return None
    factor = float(min(MAX_ENLARGEMENT, max(1, round(TALL / number.height))))
    slant, slope, middle = _lines_of(number.mask[crop], number.height)
    affine, size = _affine(near.shape, factor, slant, slope)
    near = cv2.warpAffine(cv2.bitwise_and(near, cv2.dilate(number.mask[crop], EDGE)), affine, size, flags=cv2.INTER_CUBIC)
    mask = cv2.threshold(near, level, 255, cv2.THRESH_BINARY)[1]
    doubtful = cv2.warpAffine(number.doubtful[crop], affine, size, flags=cv2.INTER_NEAREST)
    back = cv2.invertAffineTransform(affine)
    back[:, 2] += (left, top)
    level_row = float(affine[1] @ (near.shape[1] / 2 / factor, middle, 1.0))
    return CloseUp(near, mask, doubtful, number.height * factor, level_row, back)


def _is_grain(mask: MatLike, height: float) -> bool:
    """Whether the mask of a number has more holes than digits have."""
    holes = cv2.connectedComponents(cv2.bitwise_not(mask), None, 4)[0] - 2
    return holes > MAX_HOLES * (1 + mask.shape[1] / height)


def _affine(
    shape: tuple[int, ...], factor: float, slant: float, slope: float
) -> tuple[NDArray[np.float64], tuple[int, int]]:
    """The map that enlarges a picture, undoes a slant and a slope; and the width and height of what it gives."""
    height, width = shape
    linear = factor * np.array([[1.0, -slant], [-slope, 1.0]])
    corners = linear @ np.array([[0, width, 0, width], [0, 0, height, height]])
    low, high = corners.min(axis=1), corners.max(axis=1)
    shift = -low + (factor - 1) / 2  # pixels are areas
    return np.column_stack([linear, shift]), (math.ceil(high[0] - low[0]), math.ceil(high[1] - low[1]))


def _lines_of(mask: MatLike, height: float) -> tuple[float, float, float]:
    """The slant of a number's digits (columns for each row down), the slope of its base line, and its middle row."""
    components = components_of(mask)
    slants, weights, places = [], [], []
    for index in np.flatnonzero(components.height >= MIN_HEIGHT * height).tolist():
        x, y, wide, tall = (int(values[index]) for values in components[1:5])
        places.append((x + wide / 2, y + tall / 2))
        if wide <= MAX_WIDTH * tall:
            ink = (components.labels[y : y + tall, x : x + wide] == index + 1).astype(np.uint8)
            mass = cv2.moments(ink, True)
            slants.append(mass["mu11"] / max(mass["mu02"], 1.0))
            weights.append(mass["mu02"] ** 0.5)
    slant = float(np.average(slants, weights=weights)) if weights else 0.0
    if not places:
        return 0.0, 0.0, len(mask) / 2
    x_of, y_of = np.array(places).T
    slant = min(max(slant, -MAX_SLANT), MAX_SLANT)
    return slant if abs(slant) >= MIN_SLANT else 0.0, 0.0, float(np.median(y_of))
