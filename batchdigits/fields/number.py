"""Find the number among the ink of a field: components of like height in one row, and what belongs to them."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from batchdigits.fields.form_lines import Ruled
from batchdigits.vision.components import Components, Flags, components_of, select
from batchdigits.vision.illumination import otsu_level
from batchdigits.vision.lines import MARGIN_SHARE

MIN_HEIGHT_SHARE = 0.12  # of the field's shorter side: a digit is higher
EDGE_DEPTH_SHARE = 0.1  # of the field's side: what lies this near to an edge, whole, is the rest of a line
MIN_FLATNESS = 0.3  # height over width: a flatter component is an underline or a dash, or a joined row of digits
MAX_HEIGHT_RATIO = 2.2  # of neighbours in a row
MIN_OVERLAP = 0.4  # of the lower one's height: rows that neighbours share
MAX_GAP = 2.0  # of the higher one's height: between neighbours in a row
# What is added to a row: small components this far from its box at most, as shares of its height.
REACH_X, REACH_Y = 0.5, 0.15
TALL = 48  # pixels: lower digits are enlarged


class Number(NamedTuple):
    """A row of components that may be a number.

    Attributes:
        mask: of its ink, 255 on 0.
        height: of its digits, in pixels.
        weight: how likely it is the number of the field, as against other rows.
    """

    mask: MatLike
    height: float
    weight: float


def find_numbers(ruled: Ruled, most: int = 1) -> list[Number]:
    """The likeliest rows of digits in a field, the likeliest first."""
    components = components_of(ruled.mask)
    inside = inside_of(ruled)
    is_rest = _are_rests(components, inside)
    least = MIN_HEIGHT_SHARE * min(ruled.mask.shape)
    is_digit = (components.height >= least) & (components.height >= MIN_FLATNESS * components.width) & ~is_rest
    numbers = []
    for row in _rows(components, np.flatnonzero(is_digit)):
        height = float(np.median(components.height[row]))
        members = _members(components, row, height, is_rest)
        numbers.append(Number(select(components, members), height, _weight(components, row, inside)))
    return sorted(numbers, key=lambda number: -number.weight)[:most]


def inside_of(ruled: Ruled) -> tuple[slice, slice]:
    """Rows and columns within the field's own lines."""
    height, width = ruled.mask.shape
    ends = [[0, height], [0, width]]
    for line in ruled.rules + ruled.walls:
        if line.margin < MARGIN_SHARE and (line.is_level or line.span >= 0.5):
            axis = ends[not line.is_level]
            if line.side[1]:
                axis[1] = min(axis[1], line.near)
            else:
                axis[0] = max(axis[0], line.far)
    return slice(*ends[0]), slice(*ends[1])


def _are_rests(components: Components, inside: tuple[slice, slice]) -> Flags:
    """Whether each component lies outside of the field's lines, or is the rest of one."""
    _, x, y, width, height, area = components
    top, bottom, left, right = inside[0].start, inside[0].stop, inside[1].start, inside[1].stop
    middle_x, middle_y = x + width / 2, y + height / 2
    outside = (middle_x < left) | (middle_x > right) | (middle_y < top) | (middle_y > bottom)
    deep_y, deep_x = EDGE_DEPTH_SHARE * (bottom - top) + 1, EDGE_DEPTH_SHARE * (right - left) + 1
    level = (y + height <= top + deep_y) | (y >= bottom - deep_y)
    at_side = (x + width <= left + deep_x) | (x >= right - deep_x)
    at_end = (x <= left + 2) | (x + width >= right - 2) | (y <= top + 2) | (y + height >= bottom - 2)
    return np.asarray(outside | level | (at_side & at_end), np.bool_)


def _rows(components: Components, digits: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Parts some components into rows of neighbours."""
    order = digits[np.argsort(components.x[digits], kind="stable")].tolist()
    row_of: dict[int, int] = {}
    for place, one in enumerate(order):
        row_of.setdefault(one, one)
        for other in order[place + 1 :]:
            if _are_neighbours(components, one, other):
                old, new = row_of.get(other, other), row_of[one]
                for member in [key for key, value in row_of.items() if value == old]:
                    row_of[member] = new
                row_of[other] = new
    rows: dict[int, list[int]] = {}
    for member, row in row_of.items():
        rows.setdefault(row, []).append(member)
    return [np.array(members) for members in rows.values()]


def _are_neighbours(components: Components, left: int, right: int) -> bool:
    _, x, y, width, height, _ = components
    high, low = max(height[left], height[right]), min(height[left], height[right])
    gap = x[right] - x[left] - width[left]
    overlap = min(y[left] + height[left], y[right] + height[right]) - max(y[left], y[right])
    return bool(high <= MAX_HEIGHT_RATIO * low and gap <= MAX_GAP * high and overlap >= MIN_OVERLAP * low)


def _members(components: Components, row: NDArray[np.intp], height: float, is_rest: Flags) -> Flags:
    """The components of a row, and the small ones that belong to it."""
    _, x, y, width, tall, _ = components
    left, right = x[row].min() - REACH_X * height, (x + width)[row].max() + REACH_X * height
    top, bottom = y[row].min() - REACH_Y * height, (y + tall)[row].max() + REACH_Y * height
    is_near = (x >= left) & (x + width <= right) & (y >= top) & (y + tall <= bottom)
    is_near &= tall <= MAX_HEIGHT_RATIO * height
    is_underline = (width > 2.5 * tall) & (y + tall / 2 > np.median((y + tall)[row]) - 0.1 * height)
    members = is_near & ~is_underline & ~is_rest
    members[row] = True
    return np.asarray(members, np.bool_)


def _weight(components: Components, row: NDArray[np.intp], inside: tuple[slice, slice]) -> float:
    """The ink's height times count, less for what lies off the middle or at the border."""
    _, x, y, width, height, _ = components
    rows, columns = inside
    size = np.minimum(height, 3 * width)[row].astype(np.float64)
    size[components.touches[row]] *= 0.3
    middle_x = ((x + width / 2)[row] * size).sum() / max(size.sum(), 1e-9) - (columns.start + columns.stop) / 2
    middle_y = ((y + height / 2)[row] * size).sum() / max(size.sum(), 1e-9) - (rows.start + rows.stop) / 2
    middle_x, middle_y = middle_x / (columns.stop - columns.start), middle_y / (rows.stop - rows.start)
    return float(np.sqrt(size).sum() * np.sqrt(np.median(size)) * np.exp(-2.0 * (middle_x**2 + middle_y**2)))


def close_up(number: Number, ink: MatLike) -> tuple[MatLike, MatLike, float, tuple[int, int, float]]:
    """The ink of a number alone, enlarged if it is small.

    Returns:
        Ink and mask, uint8 (h, w); the height of digits in them; and the first column and row, and the enlargement.
    """
    x, y, width, height = cv2.boundingRect(number.mask)
    x, y, right, bottom = max(0, x - 2), max(0, y - 2), x + width + 2, y + height + 2
    around = cv2.dilate(number.mask[y:bottom, x:right], np.ones((3, 3), np.uint8))
    near = cv2.bitwise_and(ink[y:bottom, x:right], around)
    factor = min(4, max(1, round(TALL / number.height)))
    if factor > 1:
        size = near.shape[1] * factor, near.shape[0] * factor
        near = cv2.resize(ink[y:bottom, x:right], size, interpolation=cv2.INTER_CUBIC)
        near = cv2.bitwise_and(near, cv2.resize(around, size, interpolation=cv2.INTER_NEAREST))
    level = otsu_level(ink[y:bottom, x:right])
    mask = cv2.threshold(near, level, 255, cv2.THRESH_BINARY)[1]
    return near, mask, number.height * factor, (x, y, float(factor))
