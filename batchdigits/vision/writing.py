"""Tell pictures of other writing, such as several digits or a page of text, from those of one digit or none."""

from __future__ import annotations

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from batchdigits.vision.components import (
    MIN_CELL_SIDE,
    SMALL_SIDE,
    Components,
    Flags,
    Numbers,
    Parts,
    components_of,
    near,
    parts_of,
    select,
)
from batchdigits.vision.morphology import rectangle

MAX_STROKE_SHARE = 0.12  # of the view's longer side: what is wider than this is no stroke, but a field or a shadow
MIN_CONTRAST = 40.0  # grey levels of a stroke over what is around it
MIN_SIGNAL = 12.0  # the same in median deviations from the median, which grain does not reach
MIN_LENGTH_SHARE, MAX_LENGTH_SHARE = 0.06, 0.5  # of the view's side: shorter components are dust, longer ones lines
MIN_LENGTH = 5  # pixels: the same
# So many components in the margin, a share of the view's side, at each side are the dots or dashes of a box, if none is
# wider than this share of the longer side.
MIN_DASHES, MARGIN_SHARE, MAX_DASH_SHARE = 2, 0.2, 0.11
MIN_SMALL_LENGTH = 3  # pixels of the longest one of many on a page; the dots of a screened background have 2
MAX_STROKES = 5  # of one digit, which lie apart
MIN_INK_SHARE = 0.02  # of the area: so much in more components than a digit has is writing, less is dust
GLYPH_INK = 64  # grey level over which a pixel of a glyph is ink
MAX_WIDTH_RATIO = 1.6  # of a digit, over its height
MIN_DIGIT_SHARE = 0.25  # of the ink's longer side: the length of each of several digits; the flag of a 5 is shorter
MIN_SECOND_SHARE = 0.4  # of a digit's length: a shorter component beside it is a blot, a comma or small print


def holds_writing(view: MatLike) -> bool:
    """Whether there is writing on a view in which no digit was found.

    Args:
        view: uint8 (H, W), with its ink bright.
    """
    side = round(MAX_STROKE_SHARE * max(view.shape)) | 1
    return are_written(cv2.morphologyEx(view, cv2.MORPH_TOPHAT, rectangle(side, side)))


def are_written(strokes: MatLike) -> bool:
    """Whether there is writing among bright strokes on a background of about 0, uint8 (H, W)."""
    if max(strokes.shape) < MIN_CELL_SIDE:
        return False
    level = float(np.median(strokes))
    deviation = float(np.median(cv2.absdiff(strokes, level)))  # type: ignore[call-overload]
    mask = cv2.threshold(strokes, max(MIN_CONTRAST, level + MIN_SIGNAL * deviation), 255, cv2.THRESH_BINARY)[1]
    components = components_of(mask)
    is_short = components.length <= MAX_LENGTH_SHARE * max(strokes.shape)
    is_wide = np.minimum(components.width, components.height) > MAX_DASH_SHARE * max(strokes.shape)
    is_free = is_short & ~components.touches
    in_margins = _lie_in_margins(components)
    is_wide &= np.count_nonzero(in_margins, axis=0) < 2  # the corner of a box is wide
    in_margins &= is_free
    if np.count_nonzero(in_margins, axis=1).min() >= MIN_DASHES and not (is_short & is_wide).any():
        is_free &= ~in_margins.any(axis=0)
    length = components.length[is_free].max(initial=0)
    if length >= max(MIN_LENGTH, MIN_LENGTH_SHARE * max(strokes.shape)):
        return True
    area = int(components.area[is_free].sum())
    are_many = np.count_nonzero(is_free) > MAX_STROKES and area >= MIN_INK_SHARE * strokes.size
    return bool(are_many and length >= MIN_SMALL_LENGTH)


def _lie_in_margins(components: Components) -> Flags:
    """Whether each component lies in the margin at the left, right, top and bottom: (4, n)."""
    rows, columns = components.labels.shape
    _, x, y, width, height, _ = components
    left, right = x + width <= MARGIN_SHARE * columns, x >= (1 - MARGIN_SHARE) * columns
    top, bottom = y + height <= MARGIN_SHARE * rows, y >= (1 - MARGIN_SHARE) * rows
    return np.stack([left, right, top, bottom])


def find_pair(parts: Parts) -> tuple[MatLike, MatLike] | None:
    """What may be two digits beside each other, as a mask of each, uint8 (H, W); None in most pictures.

    Each is a long component that does not touch the border, with those near it.

    Args:
        parts: those of a mask without printed lines.
    """
    if not isinstance(parts, Components) or min(parts.labels.shape) < SMALL_SIDE:
        return None
    length = parts.length
    if np.count_nonzero(length >= MIN_SECOND_SHARE * length.max()) < 2:
        return None
    length = np.where(parts.touches, 0, length)
    first = _with_near(parts, length)
    others = np.where(first, 0, length)
    if others.max() < max(1, MIN_SECOND_SHARE * length.max()):
        return None
    second = _with_near(parts, others)
    ends = parts.x + parts.width
    if parts.x[second].min() < ends[first].max() and parts.x[first].min() < ends[second].max():
        return None  # such as parts of a stroke, one above the other
    return select(parts, first), select(parts, second)


def _with_near(components: Components, length: Numbers) -> Flags:
    """The longest component, those near it, those near these, and so on; of no others than those with a length."""
    before, main = np.zeros(len(length), np.bool_), np.asarray(length == length.max(), np.bool_)
    while not np.array_equal(before, main):
        before, main = main, main | ((length > 0) & near(components, main))
    return main


def shows_several(glyph: NDArray[np.uint8]) -> bool:
    """Whether a glyph that the network is in doubt about looks like several digits.

    It does if it is wide, or if several long components stand beside each other.

    Args:
        glyph: uint8 (28, 28), ink 255 on 0.
    """
    ink = cv2.threshold(glyph, GLYPH_INK, 255, cv2.THRESH_BINARY)[1]
    _, _, width, height = cv2.boundingRect(ink)
    if width > MAX_WIDTH_RATIO * height:
        return True
    components = parts_of(ink)
    if not isinstance(components, Components):
        return False
    is_long = components.length >= MIN_DIGIT_SHARE * max(width, height)
    left, right = components.x[is_long], (components.x + components.width)[is_long]
    return bool((left[:, None] >= right).any())
