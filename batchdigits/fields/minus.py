"""Find a minus that stands apart before a number, where one may stand."""

from __future__ import annotations

import cv2
import numpy as np

from batchdigits.fields.number import Number
from batchdigits.fields.separators import MIN_DIGIT_HEIGHT, is_minus
from batchdigits.vision.components import Components, box_of, present, select_one

MAX_GAP = 2.0  # of the digits' height: as between neighbours in a number


def with_minus(number: Number, components: Components) -> Number:
    """The number, with the ink of `minus_apart`."""
    index = minus_apart(number, components)
    return number if index is None else number._replace(mask=cv2.bitwise_or(number.mask, select_one(components, index)))


def minus_apart(number: Number, components: Components) -> int | None:
    """The minus that stands too far before a number's digits to be taken for a part of it; None without any."""
    own = present(components.labels[np.asarray(number.mask) > 0], components)
    digits = np.flatnonzero(own & (components.height >= MIN_DIGIT_HEIGHT * number.height))
    if not digits.size:
        return None
    x, y, width, height = box_of(components, int(digits[components.x[digits].argmin()]))
    index = minus_before((x, y, x + width, y + height), number.height, components)
    return None if index is None or own[index] else index


def minus_before(box: tuple[int, int, int, int], height: float, components: Components) -> int | None:
    """The component nearest before a digit that has the shape and place of a minus; None without any.

    Args:
        box: of the digit: first column and row, and one past the last.
        height: of the number's digits, in pixels.
        components: those of the field.
    """
    left, top, _, bottom = box
    gap = left - (components.x + components.width)
    offsets = (components.y + components.height / 2 - (top + bottom) / 2) / height
    near = np.flatnonzero((gap >= 0) & (gap <= MAX_GAP * height) & ~components.touches)
    sizes = zip(components.width[near] / height, components.height[near] / height, offsets[near], strict=True)
    found = near[[is_minus(*size) for size in sizes]]
    return int(found[gap[found].argmin()]) if found.size else None
