"""Find the ticks of a comb: the low walls at both sides of a form's cell, on a base line or without one."""

from __future__ import annotations

import numpy as np

from batchdigits.vision.artifacts import MAX_COMPONENTS
from batchdigits.vision.components import MIN_CELL_SIDE, Components, Flags, Parts

# Shares are of the picture's height, unless its width is named.
MIN_HEIGHT_SHARE, MAX_HEIGHT_SHARE = 0.05, 0.6
MIN_END_SHARE = 0.75  # ticks stand in the lower part of a cell
MAX_DIFFERENCE_SHARE = 0.05  # between the heights and between the ends of the two, and one pixel

MAX_WIDTH_DIFFERENCE = 1.4  # pixels, between the mean widths of the two: a 1 may cling to one
MARGIN_SHARE = 0.2  # of the width: the margin at each side in which a tick lies
MAX_WIDTH_SHARE = 0.08  # of the width, and two pixels: thin, soft edges and all
MIN_FILLED_SHARE = 0.45  # of its box: a tick is upright and straight; the rest of a base line may cling to it


def find_ticks(parts: Parts) -> Flags | None:
    """Which of some components are the two ticks of a comb; None if there are none.

    One lies in the margin at each side. They are thin, upright and straight, about as high and wide as each other, and
    end at the same row.
    """
    if not isinstance(parts, Components) or len(parts.x) > MAX_COMPONENTS or min(parts.labels.shape) < MIN_CELL_SIDE:
        return None
    rows, columns = parts.labels.shape
    _, x, y, width, height, area = parts
    is_left, is_right = x + width <= MARGIN_SHARE * columns, x >= (1 - MARGIN_SHARE) * columns
    if not (is_left.any() and is_right.any()):
        return None
    is_low = (height >= MIN_HEIGHT_SHARE * rows) & (height <= MAX_HEIGHT_SHARE * rows)
    is_thin = (width <= MAX_WIDTH_SHARE * columns + 2) & (width <= height) & (area >= MIN_FILLED_SHARE * width * height)
    may_be = is_low & is_thin & (y + height >= MIN_END_SHARE * rows)
    of_left, of_right = np.where(may_be & is_left, height, 0), np.where(may_be & is_right, height, 0)
    left, right = of_left.argmax(), of_right.argmax()
    tops, ends = y[left] - y[right], y[left] + height[left] - y[right] - height[right]
    is_level = max(abs(tops), abs(ends)) <= MAX_DIFFERENCE_SHARE * rows + 1
    is_alike = abs(area[left] - area[right]) <= MAX_WIDTH_DIFFERENCE * height[left]
    if not (of_left[left] and of_right[right] and is_level and is_alike):
        return None
    ticks = np.zeros(len(x), np.bool_)
    ticks[[left, right]] = True
    return ticks
