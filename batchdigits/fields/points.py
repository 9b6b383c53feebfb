"""Find points and commas of a number that lie on a printed line or below the base line, where they may stand."""

from __future__ import annotations

import cv2
import numpy as np
from cv2.typing import MatLike

from batchdigits.fields.context import EDGE
from batchdigits.fields.lines.form_lines import Ruled
from batchdigits.fields.number import Number
from batchdigits.fields.separators import MAX_COMMA_WIDTH, MAX_COVERED, MIN_DIGIT_HEIGHT
from batchdigits.vision.components import Components, Flags, components_of, present, select
from batchdigits.vision.illumination import otsu
from batchdigits.vision.strokes import Stroke

MIN_SIDE = 0.1  # of the digits' height: smaller ink is dust, or the rest of a line
MIN_BULGE = 2  # pixels by which a line is thicker where a point lies on it
MIN_ROUNDNESS = 0.6  # height over width: the rest of a line is flatter
# From the base line down, in heights: where a point or comma begins, at least and at most, and where it ends, at least.
MIN_TOP, MAX_TOP, MIN_END = -0.8, 0.3, -0.1
MAX_POINTS = 2  # of more, in or beside the number, none is: they are a dotted line


def with_points(number: Number, ruled: Ruled, with_lines: MatLike) -> tuple[Number, MatLike]:
    """The number, with such points and commas between its digits as were taken for dust, or for a part of a line.

    Args:
        number: the number.
        ruled: the field without its printed lines.
        with_lines: its ink with them, uint8 (H, W), bright on 0.

    Returns:
        The number, and the field's ink without lines, but for these points.
    """
    components = components_of(_with_bulges(ruled, with_lines))
    own = present(components.labels[np.asarray(number.mask) > 0], components)
    digits = own & (components.height >= MIN_DIGIT_HEIGHT * number.height)
    if not digits.any():
        return number, ruled.ink
    are_points = ~own & _are_points(components, digits, number.height)
    left, right = components.x[digits].min(), (components.x + components.width)[digits].max()
    middle = components.x + components.width / 2
    between = are_points & (middle > left) & (middle < right) & ~_lie_under(components, digits)
    if not between.any() or np.count_nonzero(are_points) > MAX_POINTS:
        return number, ruled.ink
    added = select(components, between)
    ink = cv2.max(ruled.ink, cv2.bitwise_and(with_lines, cv2.dilate(added, EDGE)))
    return number._replace(mask=cv2.bitwise_or(number.mask, added)), ink


def _with_bulges(ruled: Ruled, with_lines: MatLike) -> MatLike:
    """The mask of a field's ink without lines, but with the parts of its rules that are thicker than the rest."""
    if not ruled.rules:
        return ruled.mask
    thick = max(map(_thickness, ruled.rules)) + MIN_BULGE
    return cv2.bitwise_or(ruled.mask, cv2.morphologyEx(otsu(with_lines), cv2.MORPH_OPEN, np.ones((thick, 1), np.uint8)))


def _thickness(rule: Stroke) -> int:
    """How thick a rule mostly is, in pixels."""
    return round(float(np.median(np.count_nonzero(rule.ink, axis=0))))


def _are_points(components: Components, digits: Flags, height: float) -> Flags:
    """Whether each component has the size of a point or comma, and its place at the base line of the nearest digit."""
    _, x, y, width, tall, _ = components
    middle = x + width / 2
    order = np.flatnonzero(digits)
    nearest = order[np.abs(middle[:, None] - middle[order]).argmin(axis=1)]
    top, end = ((side - (y + tall)[nearest]) / height for side in (y, y + tall))
    is_sized = (np.minimum(width, tall) >= MIN_SIDE * height) & (width <= MAX_COMMA_WIDTH * height)
    is_placed = (top >= MIN_TOP) & (top <= MAX_TOP) & (end >= MIN_END)
    return np.asarray(is_sized & (tall >= MIN_ROUNDNESS * width) & is_placed & ~components.touches, np.bool_)


def _lie_under(components: Components, digits: Flags) -> Flags:
    """Whether each component lies, for the most part, below or above a digit."""
    left, right = components.x, components.x + components.width
    shared = np.minimum(right[:, None], right[digits]) - np.maximum(left[:, None], left[digits])
    return np.asarray((shared > MAX_COVERED * components.width[:, None]).any(axis=1), np.bool_)
