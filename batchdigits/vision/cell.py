"""Take the printed lines of a form's cell out of a view, and find out whether the cell is empty."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from batchdigits.vision.artifacts import reach_middle, select
from batchdigits.vision.contrast import is_ink
from batchdigits.vision.illumination import otsu
from batchdigits.vision.lines import MARGIN_SHARE, MAX_SLOPE, OUTER_MARGIN_SHARE, Line, corners_of, find_lines, rectangle

MIN_CELL_SIDE = 40  # pixels: a smaller scan is a tight crop, without room for lines
MAX_PASSES = 3  # each finds the lines that are fainter than those before
MIN_CELL_SHARE = 0.6  # of a picture's sides: a box of ink this large may be a frame inside the picture
MIN_WALL_SPAN = 0.6  # of the picture's side: what lies beyond so long a line in its margin is outside of the cell
MAX_REST_SHARE = 0.06  # of the picture's longer side: the rest of a line is no thicker
SURE_SIDES = 3  # of a box; with fewer, a line may be a stroke of a tightly cropped digit
STROKE_REACH = 3  # pixels beyond a line's thickness in which a stroke that crosses it is closed again


class Cell(NamedTuple):
    """A view without its printed lines.

    Attributes:
        view: on a background of 0, uint8 (H, W), with its ink bright.
        mask: of its ink, 255 on 0; of no pixel if the cell is empty.
        is_sure: whether what was removed can only be lines: three sides of a box, or lines in the margin and no more.
    """

    view: MatLike
    mask: MatLike
    is_sure: bool


def may_hold_lines(mask: MatLike) -> bool:
    """Whether the ink of a mask touches the border, or is as large as a cell."""
    rows, columns = mask.shape
    if min(rows, columns) < MIN_CELL_SIDE:
        return False
    x, y, width, height = cv2.boundingRect(mask)
    touches = not (x and y and x + width < columns and y + height < rows)
    return touches or (width >= MIN_CELL_SHARE * columns and height >= MIN_CELL_SHARE * rows)


def remove_lines(view: MatLike, mask: MatLike) -> Cell | None:
    """Remove the printed lines of a view.

    Args:
        view: on a background of about 0, uint8 (H, W), with its ink bright.
        mask: of its ink, 255 on 0.

    Returns:
        The cell; None if no lines are found.
    """
    found = find_lines(mask)
    if not found:
        return None
    lines: list[Line] = []
    gone: NDArray[np.uint8] = np.zeros(mask.shape, np.uint8)
    rest = view
    for _ in range(MAX_PASSES):
        lines += found
        gone |= _erased(found, lines, mask)
        rest = cv2.bitwise_and(view, cv2.bitwise_not(gone))
        mask = otsu(rest)
        found = find_lines(mask, lines)
        if not found:
            break
    inside = _inside(lines, mask.shape)
    region = np.zeros_like(gone)
    region[inside] = 255
    region &= ~gone
    sides = {line.side for line in lines if line.margin < MARGIN_SHARE}
    if is_ink(rest, mask, region):
        mask = _without_rests(mask, lines, inside)
        if cv2.hasNonZero(mask):
            return Cell(rest, mask, len(sides) >= SURE_SIDES)
    is_sure = len(sides) > 1 or any(line.margin < OUTER_MARGIN_SHARE for line in lines)
    return Cell(rest, np.zeros_like(gone), is_sure)


def _erased(found: Sequence[Line], lines: Sequence[Line], mask: MatLike) -> NDArray[np.uint8]:
    """The pixels of lines, with their soft edges and corners, but not the strokes that cross them."""
    erased: NDArray[np.uint8] = np.zeros(mask.shape, np.uint8)
    for line in found:
        erased |= cv2.dilate(line.ink, rectangle(3, 1) if line.is_level else rectangle(1, 3))
    for corner in corners_of(lines):
        erased[corner] = 255
    rest = cv2.bitwise_and(mask, cv2.bitwise_not(erased))
    side = round(max(line.thickness for line in found)) + STROKE_REACH | 1
    closed = cv2.morphologyEx(rest, cv2.MORPH_CLOSE, rectangle(side, side))
    return np.asarray(erased & ~(closed & mask), np.uint8)


def _inside(lines: Sequence[Line], shape: Sequence[int]) -> tuple[slice, slice]:
    """Rows and columns of the inside of the cell."""
    ends = [[0, shape[0]], [0, shape[1]]]
    for line in lines:
        if line.span >= MIN_WALL_SPAN and line.margin < MARGIN_SHARE:
            axis = ends[not line.is_level]
            _, is_farther = line.side
            axis[is_farther] = min(axis[1], line.far) if is_farther else max(axis[0], line.near)
    return slice(*ends[0]), slice(*ends[1])


def _without_rests(mask: MatLike, lines: Sequence[Line], inside: tuple[slice, slice]) -> MatLike:
    """Remove components outside of the cell, those that may be the rest of a line, and neighbours' strokes."""
    (top, bottom), (left, right) = ((axis.start, axis.stop) for axis in inside)
    rows, columns = mask.shape
    _, labels, stats, centres = cv2.connectedComponentsWithStats(mask, ltype=cv2.CV_16U)
    x, y, width, height, area = stats[1:].T
    is_outside = (x + width <= left + 2) | (y + height <= top + 2) | (x >= right - 2) | (y >= bottom - 2)
    margin = np.minimum(centres[1:], (columns, rows) - centres[1:]) / (columns, rows)
    is_level = (width > height) & (margin[:, 1] < OUTER_MARGIN_SHARE)
    is_upright = (height > width) & (margin[:, 0] < OUTER_MARGIN_SHARE)
    length = np.maximum(width, height)
    thickness, slack = area / length, MAX_SLOPE * length
    is_straight = np.minimum(width, height) <= 1.5 * thickness + slack + 2
    is_rest = (is_level | is_upright) & is_straight & (thickness <= MAX_REST_SHARE * max(rows, columns))
    if len({line.side for line in lines if line.margin < MARGIN_SHARE}) >= SURE_SIDES:
        touches = (x == 0) | (y == 0) | (x + width == columns) | (y + height == rows)
        is_rest |= touches & ~reach_middle(labels, len(x))
    return select(labels, ~(is_outside | is_rest))
