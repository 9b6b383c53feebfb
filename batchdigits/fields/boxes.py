"""Cut a field with a comb into its boxes, and frame the digit of each."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from cv2.typing import MatLike

from batchdigits.fields.comb import Comb
from batchdigits.fields.form_lines import Ruled
from batchdigits.vision.artifacts import find_digits
from batchdigits.vision.components import components_of, parts_of, select
from batchdigits.vision.framing import frame
from batchdigits.vision.lines import MARGIN_SHARE
from batchdigits.vision.normalise import Glyph

OVERLAP = 0.08  # of the pitch: a digit may reach this far into the next box
MIN_DIGIT_SHARE = 0.25  # of the box's shorter side: lower ink is the rest of a wall, or dust
MIN_BOX = 8  # pixels of a box's shorter side
WALL_DEPTH = 0.15  # of the box's side: what lies this near to a wall or rail, whole, is the rest of it
NEAREST_WALLS = 3  # of a box, whose ends are its rows
FLOOR = 40
EDGE = np.ones((3, 3), np.uint8)


class BoxGlyph(NamedTuple):
    """The glyph of a box.

    Attributes:
        glyph: the glyph.
        box: first column and row of its ink in the view, and one past the last.
    """

    glyph: Glyph
    box: tuple[int, int, int, int]


def glyphs_of_boxes(ruled: Ruled, comb: Comb) -> list[BoxGlyph | None]:
    """The glyph of each box of a comb; None for an empty one."""
    width = ruled.mask.shape[1]
    overlap = round(OVERLAP * comb.pitch)
    found: list[BoxGlyph | None] = []
    for left, right in zip(np.round(comb.edges[:-1]).astype(int), np.round(comb.edges[1:]).astype(int), strict=True):
        columns = slice(max(0, left - overlap), min(width, right + overlap))
        rows = _rows(ruled, comb, columns)
        ink, mask = ruled.ink[rows, columns], ruled.mask[rows, columns]
        if min(mask.shape) < MIN_BOX:
            found.append(None)
            continue
        mask = _without_rests(mask, left - columns.start, right - columns.start)
        found.append(_glyph(ink, mask, columns.start, rows.start))
    return found


def _rows(ruled: Ruled, comb: Comb, columns: slice) -> slice:
    """The rows between the rules above and below some columns, or between the ends of the nearest walls."""
    middle = (columns.start + columns.stop) / 2
    nearest = sorted(comb.walls, key=lambda wall: abs(wall.near + wall.far - 2 * middle))[:NEAREST_WALLS]
    top, bottom = (round(float(np.median(ends))) for ends in zip(*((wall.start, wall.end) for wall in nearest)))
    for rule in ruled.rules:
        if rule.margin < MARGIN_SHARE:
            here = rule.ink[:, max(0, columns.start - rule.left) : max(0, columns.stop - rule.left)]
            rows = np.flatnonzero(np.asarray(here).any(axis=1)) + rule.top
            if rows.size and rule.side[1]:
                bottom = min(bottom, int(rows[0]))
            elif rows.size:
                top = max(top, int(rows[-1]) + 1)
    return slice(top, max(top, bottom))


def _without_rests(mask: MatLike, left: int, right: int) -> MatLike:
    """The mask of a box without the rests of its walls and rails.

    Args:
        mask: of the ink of a box and a little of its neighbours, 255 on 0.
        left: the column of its left wall.
        right: the column of its right wall.
    """
    components = components_of(mask)
    _, x, y, width, height, _ = components
    deep_x, deep_y = WALL_DEPTH * (right - left) + 1, WALL_DEPTH * len(mask) + 1
    at_wall = (x + width <= left + deep_x) | (x >= right - deep_x)
    at_rail = (y + height <= deep_y) | (y >= len(mask) - deep_y)
    return select(components, np.asarray(~(at_wall | at_rail), np.bool_))


def _glyph(ink: MatLike, mask: MatLike, left: int, top: int) -> BoxGlyph | None:
    if not cv2.hasNonZero(mask):
        return None
    digits = find_digits(mask, parts_of(mask))
    if not digits:
        return None
    digit = digits[0]
    x, y, width, height = digit.box
    if max(width, height) < MIN_DIGIT_SHARE * min(mask.shape):
        return None
    around = cv2.dilate(digit.mask, EDGE)
    peak = cv2.mean(ink, digit.mask)[0] * 1.2
    grey = cv2.convertScaleAbs(cv2.bitwise_and(ink, around), alpha=255.0 / max(peak, 1.0))
    grey = cv2.threshold(grey, FLOOR, 255, cv2.THRESH_TOZERO)[1]
    if not cv2.hasNonZero(grey):
        return None
    return BoxGlyph(frame(grey, deslant=True), (left + x, top + y, left + x + width, top + y + height))
