"""Find a minus that stands apart before a number, where one may stand."""

from __future__ import annotations

import cv2
import numpy as np

from batchdigits.fields.number import Number
from batchdigits.fields.separators import DASH_FLATNESS, DASH_HEIGHT, DASH_OFFSET, DASH_WIDTHS
from batchdigits.vision.components import Components, select_one

MAX_GAP = 2.0  # of the digits' height: as between neighbours in a number


def with_minus(number: Number, components: Components) -> Number:
    """The number, with the ink of a minus that stands too far before its digits to be taken for a part of them."""
    rows, columns = np.nonzero(number.mask)
    box = int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1
    index = minus_before(box, number.height, components)
    return number if index is None else number._replace(mask=cv2.bitwise_or(number.mask, select_one(components, index)))


def minus_before(box: tuple[int, int, int, int], height: float, components: Components) -> int | None:
    """The component nearest before some digits that has the shape and place of a minus; None without any.

    Args:
        box: of the digits: first column and row, and one past the last.
        height: of the digits, in pixels.
        components: those of the field.
    """
    left, top, _, bottom = box
    gap = left - (components.x + components.width)
    off = np.abs(components.y + components.height / 2 - (top + bottom) / 2)
    is_minus = (gap >= 0) & (gap <= MAX_GAP * height) & (off <= DASH_OFFSET * height) & ~components.touches
    is_minus &= (components.height <= DASH_HEIGHT * height) & (components.width >= DASH_FLATNESS * components.height)
    is_minus &= (components.width >= DASH_WIDTHS[0] * height) & (components.width <= DASH_WIDTHS[1] * height)
    found = np.flatnonzero(is_minus)
    return int(found[gap[found].argmin()]) if found.size else None
