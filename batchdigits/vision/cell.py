"""Take the printed lines of a form's cell out of a view, and find out whether the cell is empty."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from cv2.typing import MatLike

from batchdigits.vision.artifacts import MIN_FREE_SHARE
from batchdigits.vision.components import (
    SMALL_SIDE,
    Components,
    Flags,
    Parts,
    components_of,
    is_frame_sized,
    longest_box,
    may_have_more_lines,
    near,
    parts_of,
    present,
    select,
)
from batchdigits.vision.contrast import histogram, is_ink
from batchdigits.vision.erasing import erased
from batchdigits.vision.frames import Framed, Inside, erase_frames, split_ink
from batchdigits.vision.illumination import otsu
from batchdigits.vision.lines import (
    MARGIN_SHARE,
    OUTER_MARGIN_SHARE,
    RULED_SHARE,
    THIN_SHARE,
    find_lines,
    sides_of,
)
from batchdigits.vision.morphology import rectangle
from batchdigits.vision.straight_part import MAX_SLOPE
from batchdigits.vision.strokes import Side, Stroke, placed
from batchdigits.vision.ticks import find_ticks
from batchdigits.vision.writing import MIN_SECOND_SHARE, are_written

MAX_PASSES = 3  # each finds the lines that are fainter than those before
MIN_WALL_SPAN = 0.6  # of the picture's side: what lies beyond so long a line in its margin is outside of the cell
SURE_SIDES = 3  # of a box; with fewer, a line may be a stroke of a tightly cropped digit
MIN_REST_SHARE = 0.15  # of the picture's longer side: a thin and straight component this long is the rest of a line
# How probable it is that what may be a line is a stroke, if it touches the digit and if it does not.
TOUCHING_STROKE_PRIOR, FREE_STROKE_PRIOR = 0.75, 0.1
# The same if it touches the digit, but the crop is not tight: the digit stands on a ruled line, or crosses it.
CROSSED_STROKE_PRIOR = 0.25
MAX_TIGHT_GAP_SHARE = 0.15  # of the side across a line: with a wider gap between ink and edge, a crop is not tight
MAX_REST_SHARE = 0.25  # of the area of lines: more that is left of an empty cell belonged to a digit
MIN_GAP_SHARE = 0.05  # of the cell's side: what is this far from its walls is not the rest of one
MIN_WALL_DIGIT_SHARE = 0.2  # of both sides of the cell: what is this large may be a digit, though it lies at a wall
# The same for what is larger than the rest of a wall is: its gap, in pixels too, and its longer and shorter side.
MIN_STROKE_GAP_SHARE, MIN_STROKE_GAP = 0.02, 2
MIN_STROKE_LENGTH_SHARE, MIN_STROKE_WIDTH_SHARE = 0.2, 0.06
MIN_INSIDE = 8  # pixels of the shorter side of a cell
CROSSED_GAP_SHARE = 0.2  # of a digit's length: how far from it a part of it lies that an erased line cut off
CUT_REACH = 2  # pixels: how near to an erased line strokes end that it cut, and to the border those of a neighbour
WALL_REST_SHARE = 0.1  # of the cell's sides: how far from its walls rests of them lie

ALL_SIDES: set[Side] = {(True, True), (True, False), (False, True), (False, False)}


class Cell(NamedTuple):
    """A view without its printed lines.

    Attributes:
        view: on a background of 0, uint8 (H, W), with its ink bright.
        mask: of its ink, 255 on 0; of no pixel if the cell is empty.
        parts: those of the mask.
        written: the mask, with what lies apart from the digit and may be another one.
        stroke_prior: how probable it is that what was removed are strokes of the digit, 0-1.
        is_box: whether a line was removed at each side.
    """

    view: MatLike
    mask: MatLike
    parts: Parts
    written: MatLike
    stroke_prior: float
    is_box: bool


def remove_lines(view: MatLike, mask: MatLike, parts: Parts, ticks: Flags | None) -> Cell | None:
    """Remove the printed lines of a view.

    Args:
        view: on a background of about 0, uint8 (H, W), with its ink bright.
        mask: of its ink, 255 on 0.
        parts: those of the mask.
        ticks: which of these are ticks, from `find_ticks`.

    Returns:
        The cell; None if no lines are found.
    """
    framed = erase_frames(view, mask, parts)
    found = [] if framed else find_lines(mask)
    if not found and not framed:
        return _without_ticks(view, parts, ticks)
    left = _erase_lines(view, mask, framed, found)
    if left is None:
        return None
    digit: MatLike = np.zeros_like(mask)
    written = digit
    if _holds_ink(left):
        parts = _parts_of(left)
        comb = _without_ticks(left.rest, parts, find_ticks(parts))
        if comb:
            return comb
        digit, written = _without_rests(left.mask, parts, left.inside, left.gone)
    elif framed:  # a shadow or another side's ink may hide the digit, but not from the threshold that found the frame
        ink = cv2.subtract(mask, left.gone)
        digit, written = _without_rests(ink, parts_of(ink), left.inside, left.gone)
    if digit is not left.mask:
        parts = parts_of(digit)
    if framed:
        return Cell(left.rest, digit, parts, written, 0.0, True)
    prior = _stroke_prior(left.lines, digit, mask, left.gone)
    return Cell(left.rest, digit, parts, written, prior, sides_of(left.lines) == ALL_SIDES)


class _Left(NamedTuple):
    """What is left of a view whose lines are erased.

    Attributes:
        rest: the view without them, uint8 (H, W).
        mask: of its brighter side, 255 on 0.
        parts: those of the mask within the cell.
        inside: rows and columns of the inside of the cell.
        gone: the mask of what was erased.
        lines: those that are no frame.
    """

    rest: MatLike
    mask: MatLike
    parts: Parts
    inside: Inside
    gone: MatLike
    lines: list[Stroke]


def _erase_lines(view: MatLike, mask: MatLike, framed: Framed | None, found: list[Stroke]) -> _Left | None:
    """Erase lines, and then fainter ones, as long as there are such; None if nothing is within them.

    Args:
        view: as in `remove_lines`, like `mask`.
        mask: of its ink.
        framed: the view without its frames, if it has some.
        found: lines, if it has none.
    """
    lines: list[Stroke] = []
    gone = framed.gone if framed else np.zeros(mask.shape, np.uint8)
    for _ in range(MAX_PASSES):
        lines += found
        if found:
            gone |= erased(found, lines, mask)
        rest = cv2.subtract(view, gone)
        inside = _inside(lines, mask.shape, framed.inside if framed else None)
        if min(rest[inside].shape) < MIN_INSIDE:
            return None
        level, _, parts = framed.rest if framed and not lines else split_ink(rest[inside])
        mask = cv2.threshold(rest, level, 255, cv2.THRESH_BINARY)[1]
        shape = mask[inside].shape
        is_touched_frame = framed and not lines and is_frame_sized(longest_box(parts), *shape)
        if not is_touched_frame and not may_have_more_lines(parts, *shape):
            break
        found = find_lines(np.ascontiguousarray(mask[inside]), ALL_SIDES if framed else _walls(lines))
        if not found:
            break
        found = [placed(line, inside[0].start, inside[1].start, mask.shape) for line in found]
    return _Left(rest, mask, parts, inside, gone, lines)


def _holds_ink(left: _Left) -> bool:
    """Whether there is ink in a cell, by its share and contrast, or as writing."""
    rest, area = left.rest[left.inside], cv2.countNonZero(left.mask[left.inside])
    counts = histogram(rest)
    counts[0] -= cv2.countNonZero(left.gone[left.inside])  # what was erased is 0 in the rest
    return is_ink(counts, area) or (area > 0 and _is_written(rest))


def _parts_of(left: _Left) -> Parts:
    """The parts of a mask, in less time where all of it is one component."""
    is_one = not isinstance(left.parts, Components)
    if is_one and cv2.countNonZero(left.mask) == cv2.countNonZero(left.mask[left.inside]):
        return cv2.boundingRect(left.mask)
    return parts_of(left.mask)


def _is_written(rest: MatLike) -> bool:
    """Whether there is writing in the middle of a cell's inside, uint8 (H, W), too little to be told by its share."""
    rows, columns = rest.shape
    y, x = round(WALL_REST_SHARE * rows), round(WALL_REST_SHARE * columns)
    return are_written(np.ascontiguousarray(rest[y : rows - y, x : columns - x]))


def _without_ticks(view: MatLike, parts: Parts, ticks: Flags | None) -> Cell | None:
    """Remove the ticks of a comb; None if there are none."""
    if ticks is None or not isinstance(parts, Components):
        return None
    rest = cv2.subtract(view, cv2.dilate(select(parts, ticks), rectangle(3, 3)))
    mask = otsu(rest)  # the digit may be fainter than the ticks
    if not is_ink(histogram(rest), cv2.countNonZero(mask)):
        mask = select(parts, ~ticks)
    return Cell(rest, mask, parts_of(mask), mask, FREE_STROKE_PRIOR if cv2.hasNonZero(mask) else 0.0, False)


def _stroke_prior(lines: Sequence[Stroke], digit: MatLike, whole: MatLike, gone: MatLike) -> float:
    """How probable it is that removed lines are strokes of a digit.

    Args:
        lines: the lines.
        digit: the mask of the digit without them.
        whole: the mask of all ink.
        gone: the mask of what was removed.
    """
    sides = sides_of(lines)
    if not cv2.hasNonZero(digit):
        is_large = min(whole.shape) >= SMALL_SIDE
        is_line = len(sides) > 1 or any(
            line.margin < OUTER_MARGIN_SHARE or (line.is_level and is_large) for line in lines
        )
        rest = cv2.countNonZero(cv2.bitwise_and(whole, cv2.bitwise_not(gone)))
        return 0.0 if is_line and rest <= MAX_REST_SHARE * sum(cv2.countNonZero(line.ink) for line in lines) else 1.0
    if len(sides) >= SURE_SIDES and min(whole.shape) >= SMALL_SIDE:
        return 0.0
    _, labels = cv2.connectedComponents(whole, ltype=cv2.CV_16U)
    of_digit = np.bincount(np.asarray(labels)[np.asarray(cv2.bitwise_and(digit, whole)) > 0]) > 0
    for line in lines:
        at_line = np.asarray(labels)[line.place][line.ink > 0]
        if of_digit[at_line[at_line < of_digit.size]].any():
            return TOUCHING_STROKE_PRIOR if _is_tight(lines, whole) else CROSSED_STROKE_PRIOR
    return FREE_STROKE_PRIOR


def _is_tight(lines: Sequence[Stroke], whole: MatLike) -> bool:
    """Whether a crop may be so tight that strokes run from edge to edge: its ink nearly does so across them, too.

    Such a stroke is in doubt wherever it does not quite do so.
    """
    rows, columns = whole.shape
    x, y, width, height = cv2.boundingRect(whole)
    gaps = {True: max(y, rows - y - height) / rows, False: max(x, columns - x - width) / columns}
    is_small = min(rows, columns) < SMALL_SIDE
    return is_small or all(line.span < RULED_SHARE or gaps[line.is_level] <= MAX_TIGHT_GAP_SHARE for line in lines)


def _inside(lines: Sequence[Stroke], shape: Sequence[int], framed: Inside | None) -> Inside:
    """Rows and columns of the inside of the cell: of its lines, in that of its frame if it has one."""
    ends = [[axis.start, axis.stop] for axis in framed] if framed else [[0, shape[0]], [0, shape[1]]]
    is_ruled = {line.is_level for line in lines if line.margin >= MARGIN_SHARE}  # such a page has no cell that way
    for line in lines:
        if _is_wall(line) and line.is_level not in is_ruled:
            axis = ends[not line.is_level]
            _, is_farther = line.side
            axis[is_farther] = min(axis[1], line.near) if is_farther else max(axis[0], line.far)
    return slice(*ends[0]), slice(*ends[1])


def _is_wall(line: Stroke) -> bool:
    return line.span >= MIN_WALL_SPAN and line.margin < MARGIN_SHARE


def _walls(lines: Sequence[Stroke]) -> set[Side]:
    return {line.side for line in lines if _is_wall(line)}


def _without_rests(mask: MatLike, parts: Parts, inside: Inside, gone: MatLike) -> tuple[MatLike, MatLike]:
    """Keep the components of a mask that are written in the middle of a cell, and those near them.

    What erased lines, the mask `gone`, cut off the digit is kept, too.

    Returns:
        The mask of these, and the same with what else may be a digit.
    """
    (top, bottom), (left, right) = ((axis.start, axis.stop) for axis in inside)
    height, width = bottom - top, right - left
    y, x = round(OUTER_MARGIN_SHARE * height), round(OUTER_MARGIN_SHARE * width)
    middle = slice(top + y, bottom - y), slice(left + x, right - x)
    if not isinstance(parts, Components) and cv2.hasNonZero(mask[middle]):
        return mask, mask
    components = parts if isinstance(parts, Components) else components_of(mask)
    is_central = present(components.labels[middle], components)
    if not is_central.any():
        is_central = _may_be_digits(components, inside)
    length = components.length
    is_main = is_central & (length >= MIN_FREE_SHARE * (length * is_central).max(initial=0))
    if not is_main.any():
        return np.zeros_like(mask), np.zeros_like(mask)
    if is_main.all():
        return mask, mask
    may_be_rest = _may_be_rests(components)
    is_near = near(components, is_main) | _are_cut_off(components, is_main, gone)
    kept = is_central | is_near & ~may_be_rest
    digit = select(components, kept)
    others = ~kept & ~may_be_rest & (length >= MIN_SECOND_SHARE * length[is_main].max())
    others = others & _may_be_digits(components, inside) if others.any() else others
    return digit, select(components, kept | others) if others.any() else digit


def _are_cut_off(components: Components, main: Flags, gone: MatLike) -> Flags:
    """Whether each component ends at an erased line, opposite to a main one, and none is a neighbour's stroke."""
    side = 2 * CUT_REACH + 1
    at_line = present(components.labels[np.asarray(cv2.dilate(gone, rectangle(side, side))) > 0], components)
    crossing = at_line & main
    if not crossing.any():
        return crossing
    inner = components.labels[CUT_REACH:-CUT_REACH, CUT_REACH:-CUT_REACH]
    is_whole = np.bincount(inner.ravel(), minlength=len(main) + 1)[1:] == components.area
    return np.asarray(at_line & is_whole & near(components, crossing, CROSSED_GAP_SHARE), np.bool_)


def _may_be_rests(components: Components) -> Flags:
    """Whether each component is as thin, straight and long as the rest of a line."""
    length, side = components.length, max(components.labels.shape)
    thickness = components.area / length
    is_straight = np.minimum(components.width, components.height) <= 2 * thickness + MAX_SLOPE * length + 1
    return np.asarray((thickness <= THIN_SHARE * side + 1) & is_straight & (length > MIN_REST_SHARE * side), np.bool_)


def _may_be_digits(components: Components, inside: Inside) -> Flags:
    """Whether each component, though not in the middle of the cell, is no rest of a wall by its distance or size."""
    (top, bottom), (left, right) = ((axis.start, axis.stop) for axis in inside)
    height, width = bottom - top, right - left
    gap_x = np.minimum(components.x - left, right - components.x - components.width) / width
    gap_y = np.minimum(components.y - top, bottom - components.y - components.height) / height
    shorter = np.minimum(components.width / width, components.height / height)
    longer = np.maximum(components.width / width, components.height / height)
    gap = np.minimum(gap_x, gap_y)
    is_apart = gap >= max(MIN_STROKE_GAP_SHARE, MIN_STROKE_GAP / min(height, width))
    is_stroke = is_apart & (longer >= MIN_STROKE_LENGTH_SHARE) & (shorter >= MIN_STROKE_WIDTH_SHARE)
    return np.asarray((gap >= MIN_GAP_SHARE) | is_stroke | (shorter >= MIN_WALL_DIGIT_SHARE), np.bool_)
