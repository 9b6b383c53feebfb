"""Find the number among the ink of a field: components of like height in one row, and what belongs to them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from statistics import median
from typing import NamedTuple

import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from batchdigits.fields.lines.form_lines import Ruled
from batchdigits.fields.lines.row_limits import filled, row_limits
from batchdigits.vision.components import Components, Flags, select, thickness_of
from batchdigits.vision.lines import MARGIN_SHARE
from batchdigits.vision.strokes import Stroke

MIN_HEIGHT_SHARE = 0.1  # of the field's shorter side: a digit is higher
# Height over width, and over the stroke's thickness: a component below both is an underline or a dash.
MIN_FLATNESS, MAX_STROKE = 0.3, 4.0
# Of the field's side: what lies this near to an edge, whole, is the rest of a line, or may be one.
EDGE_DEPTH_SHARE, DOUBTFUL_DEPTH_SHARE = 0.1, 0.15
DOUBTFUL_DEPTH = 0.3  # of the height at most: in a long field, a digit lies there
MAX_SIDE_DEPTH = 0.5  # of the height: an upright line farther from the edge may have digits on both sides
AT_EDGE = 2  # pixels from an edge
MAX_WALL = 8  # pixels: a wall that a digit crosses, which is cut by it
MAX_CORNER_AREA = 0.25  # of its box: what a corner of a frame fills
MIN_REST, MAX_NARROW = 0.1, 0.35  # width over height of what is the rest of a wall, and of what may be one
MAX_LIKENESS = 0.35  # difference of the log heights of digits of one number
MIN_THICKNESS = 0.8  # of the strokes of a number: thinner ones are the rests of lines
MAX_COMPONENTS = 100  # of all rows: the highest are looked at
MAX_HEIGHT_RATIO, MAX_WIDE_RATIO = 2.2, 1.4  # of neighbours in a row, and of such with a wide gap between them
MIN_OVERLAP = 0.4  # of the lower one's height: rows that neighbours share
# Of the higher one's height: the gap between neighbours in a row, and between such as are about as high in a field that
# is too low for two rows.
MAX_GAP, MAX_WIDE_GAP, ONE_ROW = 2.0, 3.0, 3.5
# Beside a printed label: of the highest member, the gap; how many times as high as that the number is; and its letters.
MIN_LABEL_GAP, MIN_LABEL_RATIO, MIN_LETTERS = 0.4, 1.6, 2
# What is added to a row: components this far from its members at most, as shares of its height.
REACH_X, REACH_Y = 0.5, 0.15
REACH_COMMA = 0.45  # the same below the row, for what begins within it and is no wider than high, as a comma
MIN_UNDERLINE = 2.5  # width over height
MIN_SHARED_ROWS = 0.5  # of the number's height: with less, a component lies above or below it
MIN_CUT_DIGIT = 0.35  # of the number's height: what touches a wall and may be the rest of a digit that crosses it
MIN_PIECE, MIN_BROKEN = 0.15, 0.6  # of the number's height: a piece of a broken digit, and all of them
MAX_WALL_DIGIT = 1.5  # of the number's height: the length of a wall that may be a digit
MIN_ROW_DIGITS = 2  # as high as those of a number: another row with so many may be the number
EDGE_WEIGHT = 0.3  # of a component that touches the picture's edge, as against another one
CENTRE_WEIGHT = 2.0  # how fast a row's weight falls with its distance from the middle


class Inside(NamedTuple):
    """What lies within the field's own lines.

    Attributes:
        top: its first row at each component.
        bottom: one past its last row there.
        columns: its columns.
    """

    top: NDArray[np.intp]
    bottom: NDArray[np.intp]
    columns: slice


class Number(NamedTuple):
    """A row of components that may be a number.

    Attributes:
        mask: of its ink, 255 on 0.
        doubtful: of that part of the ink that may be the rest of a wall, 255 on 0.
        height: of its digits, in pixels.
        weight: how likely it is the number of the field, as against other rows.
        is_part: whether a digit of it may have been left out, or taken for a wall.
    """

    mask: MatLike
    doubtful: MatLike
    height: float
    weight: float
    is_part: bool


def find_number(ruled: Ruled) -> Number | None:
    """The likeliest row of digits in a field; None without any."""
    components = ruled.components
    if components is None:
        return None
    inside = _inside(ruled, components)
    thickness = thickness_of(ruled.mask, components)
    is_rest, is_like_line = _rests(components, thickness, inside)
    is_flat = (components.height < MIN_FLATNESS * components.width) & (components.height < MAX_STROKE * thickness)
    is_digit = (components.height >= MIN_HEIGHT_SHARE * min(ruled.mask.shape)) & ~is_flat & ~is_rest
    digits = np.flatnonzero(is_digit)
    if len(digits) > MAX_COMPONENTS:
        digits = digits[np.argsort(-components.height[digits], kind="stable")[:MAX_COMPONENTS]]
    at_wall = _are_at_wall(ruled.walls, components) & ~is_rest & ~is_like_line
    numbers, rows = [], []
    for row in chain.from_iterable(_without_print(components, row) for row in _rows(components, digits)):
        sure = row[~is_like_line[row]]
        if not sure.size:
            continue
        height = float(median(components.height[sure].tolist()))
        is_thin = thickness < MIN_THICKNESS * median(thickness[sure].tolist())
        is_other = np.abs(np.log(components.height / height)) > MAX_LIKENESS
        members = _members(components, row, height, is_rest)
        doubtful = select(components, members & is_like_line & (is_thin | is_other))
        is_part = bool((is_digit & ~members & ~components.touches & _are_beside(components, sure, height)).any())
        is_part = is_part or _has_wall_like_digit(ruled, components, sure, height)
        is_part = is_part or bool((at_wall & (components.height >= MIN_CUT_DIGIT * height)).any())
        is_part = is_part or _may_be_walls(components, sure)
        is_part = is_part or _has_pieces_beside(components, ~(members | is_rest | is_like_line), sure, height)
        weight = _weight(components, sure, inside)
        numbers.append(Number(select(components, members), doubtful, height, weight, is_part))
        rows.append(sure[~components.touches[sure]])
    best = max(range(len(numbers)), key=lambda row: numbers[row].weight, default=None)
    if best is None:
        return None
    has_other = any(_is_like_row(components, row, rows[best], numbers[best].height) for row in rows)
    return numbers[best]._replace(is_part=numbers[best].is_part or has_other)


def _is_like_row(components: Components, row: NDArray[np.intp], number: NDArray[np.intp], height: float) -> bool:
    """Whether a row above or below a number has several digits as high, so that it may be the number as well."""
    _, _, y, _, tall, _ = components
    is_alike = np.abs(np.log(tall[row] / height)) <= MAX_LIKENESS
    if not number.size or np.count_nonzero(is_alike) < MIN_ROW_DIGITS:
        return False
    middles = (y + tall / 2)[row[is_alike]]
    return bool((np.abs(middles - np.median((y + tall / 2)[number])) >= height).all())


def _inside(ruled: Ruled, components: Components) -> Inside:
    """What lies within the field's own lines."""
    height, width = ruled.mask.shape
    highest, lowest = row_limits(ruled.rules, ruled.mask.shape)
    at = components.x + components.width // 2
    left, right = 0, width
    for wall in ruled.walls:
        if wall.margin < MARGIN_SHARE and wall.margin * width <= MAX_SIDE_DEPTH * height:
            left, right = (left, min(right, wall.near)) if wall.side[1] else (max(left, wall.far), right)
    return Inside(filled(highest, 0)[at], filled(lowest, height)[at], slice(left, right))


def _rests(components: Components, thickness: NDArray[np.float64], inside: Inside) -> tuple[Flags, Flags]:
    """Whether each component lies outside of a field's lines or along them, and whether it may be the rest of one."""
    _, x, y, width, height, area = components
    top, bottom, columns = inside
    middle_x, middle_y = x + width / 2, y + height / 2
    reaches_in = (x + width >= columns.start - MAX_WALL) & (x <= columns.stop + MAX_WALL) & ~components.touches
    is_outside = ((middle_x < columns.start) | (middle_x > columns.stop)) & ~reaches_in
    is_outside |= (middle_y < top) | (middle_y > bottom)
    deep_y = EDGE_DEPTH_SHARE * (bottom - top) + 1
    deep_x = EDGE_DEPTH_SHARE * (columns.stop - columns.start) + 1
    is_level = (y + height <= top + deep_y) | (y >= bottom - deep_y)
    is_upright = (x + width <= columns.start + deep_x) | (x >= columns.stop - deep_x)
    at_edge = (x <= columns.start + AT_EDGE) | (x + width >= columns.stop - AT_EDGE)
    is_narrow = width <= MAX_NARROW * height
    tall = components.height >= median(components.height.tolist())
    is_thin = thickness < MIN_THICKNESS * median(thickness[tall].tolist())
    is_rest = is_outside | is_level | (is_upright & at_edge & is_narrow & (is_thin | (width < MIN_REST * height)))
    wide_x = np.minimum(DOUBTFUL_DEPTH_SHARE * (columns.stop - columns.start), DOUBTFUL_DEPTH * (bottom - top))
    is_in_margin = (x + width <= columns.start + wide_x) | (x >= columns.stop - wide_x)
    is_in_part = (x <= columns.start + wide_x) | (x + width >= columns.stop - wide_x)
    is_corner = is_in_part & is_thin & (area < MAX_CORNER_AREA * width * height)
    return np.asarray(is_rest, np.bool_), np.asarray(((is_in_margin & is_narrow) | is_corner) & ~is_rest, np.bool_)


def _rows(components: Components, digits: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Parts some components into rows of neighbours."""
    order = digits[np.argsort(components.x[digits], kind="stable")].tolist()
    rows: list[list[int]] = []
    for one in order:
        joined = [row for row in rows if any(_are_neighbours(components, other, one) for other in row)]
        rows = [row for row in rows if row not in joined] + [[*chain(*joined), one]]
    return [np.array(row) for row in rows]


def _without_print(components: Components, row: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """A row in parts, where several components beyond a gap are much lower, as the letters of a printed label."""
    if len(row) < 2:
        return [row]
    order = row[np.argsort(components.x[row], kind="stable")]
    left, right = components.x[order], np.maximum.accumulate((components.x + components.width)[order])
    highest = components.height[order].max()
    for at in (np.flatnonzero(left[1:] - right[:-1] >= MIN_LABEL_GAP * highest) + 1).tolist():
        heights = [_heights_of_characters(components, part) for part in (order[:at], order[at:])]
        low, high = sorted(heights, key=median)
        if median(high) >= MIN_LABEL_RATIO * median(low) and len(low) >= MIN_LETTERS:
            return [*_without_print(components, order[:at]), *_without_print(components, order[at:])]
    return [row]


def _heights_of_characters(components: Components, order: NDArray[np.intp]) -> list[int]:
    """The heights of components from left to right; such as lie above each other, as of a broken digit, are one."""
    boxes: list[tuple[int, int, int]] = []  # end, first row and one past the last
    for one in order.tolist():
        x, y = int(components.x[one]), int(components.y[one])
        end, top, bottom = x + int(components.width[one]), y, y + int(components.height[one])
        if boxes and x < boxes[-1][0]:
            before = boxes.pop()
            end, top, bottom = max(end, before[0]), min(top, before[1]), max(bottom, before[2])
        boxes.append((end, top, bottom))
    return [bottom - top for _, top, bottom in boxes]


def _are_neighbours(components: Components, left: int, right: int) -> bool:
    _, x, y, width, height, _ = components
    high, low = max(height[left], height[right]), min(height[left], height[right])
    gap = x[right] - x[left] - width[left]
    overlap = min(y[left] + height[left], y[right] + height[right]) - max(y[left], y[right])
    is_wide = len(components.labels) <= ONE_ROW * high and high <= MAX_WIDE_RATIO * low
    most = MAX_WIDE_GAP if is_wide else MAX_GAP
    return bool(high <= MAX_HEIGHT_RATIO * low and gap <= most * high and overlap >= MIN_OVERLAP * low)


def _members(components: Components, row: NDArray[np.intp], height: float, is_rest: Flags) -> Flags:
    """The components of a row, and the small ones in its band that are near to it, or to others of them."""
    _, x, y, width, tall, _ = components
    top, bottom = y[row].min() - REACH_Y * height, (y + tall)[row].max() + REACH_Y * height
    base = float(median((y + tall)[row].tolist()))
    is_underline = (width > MIN_UNDERLINE * tall) & (y + tall / 2 > base - 0.1 * height)
    is_comma = (y <= base) & (width <= tall) & (y + tall <= bottom + (REACH_COMMA - REACH_Y) * height)
    is_small = (y >= top) & ((y + tall <= bottom) | is_comma) & (tall <= MAX_HEIGHT_RATIO * height)
    is_small &= ~is_underline & ~is_rest
    members = np.zeros(len(x), np.bool_)
    members[row] = True
    while True:
        left, right = x[members].min() - REACH_X * height, (x + width)[members].max() + REACH_X * height
        more = members | (is_small & (x <= right) & (x + width >= left))
        if (more == members).all():
            return members
        members = more


def _are_beside(components: Components, row: NDArray[np.intp], height: float) -> Flags:
    """Whether each component may be a digit of a number: it shares most of its rows, and is near to it or as high."""
    _, x, y, width, tall, _ = components
    top, bottom = median(y[row].tolist()), median((y + tall)[row].tolist())
    shared = np.minimum(y + tall, bottom) - np.maximum(y, top)
    reach = MAX_GAP * height
    is_near = (x <= (x + width)[row].max() + reach) & (x + width >= x[row].min() - reach)
    is_alike = np.abs(np.log(tall / height)) <= MAX_LIKENESS
    return np.asarray((is_near | is_alike) & (shared >= MIN_SHARED_ROWS * height), np.bool_)


def _has_pieces_beside(components: Components, others: Flags, row: NDArray[np.intp], height: float) -> bool:
    """Whether other ink in the rows of a number, near to one of its ends, is as high as a broken digit."""
    _, x, y, width, tall, _ = components
    top, bottom = median(y[row].tolist()), median((y + tall)[row].tolist())
    left, right, reach = x[row].min(), (x + width)[row].max(), MAX_GAP * height
    is_piece = others & (tall >= MIN_PIECE * height) & (y < bottom) & (y + tall > top) & ~components.touches
    before = is_piece & (x + width <= left) & (x + width >= left - reach)
    after = is_piece & (x >= right) & (x <= right + reach)
    order = np.argsort(x, kind="stable")
    heights = [_heights_of_characters(components, order[side[order]]) for side in (before, after)]
    return max(chain.from_iterable(heights), default=0) >= MIN_BROKEN * height


def _has_wall_like_digit(ruled: Ruled, components: Components, row: NDArray[np.intp], height: float) -> bool:
    """Whether a stroke that was taken for a wall, and is no side of a cell, is about as high as a number near to it."""
    _, x, _, width, _, _ = components
    left, right = x[row].min() - height, (x + width)[row].max() + height
    walls = sorted(ruled.walls, key=lambda wall: wall.near)
    are_sides = bool(ruled.rules) and len(walls) > 1  # of a cell
    outer = [] if are_sides else [wall for wall in walls[:1] + walls[-1:] if wall.span < 1.0]
    return any(wall.length <= MAX_WALL_DIGIT * height and left <= wall.middle <= right for wall in walls[1:-1] + outer)


def _may_be_walls(components: Components, row: NDArray[np.intp]) -> bool:
    """Whether a row is nothing but narrow strokes from the upper to the lower edge of the picture."""
    y, width, height = components.y[row], components.width[row], components.height[row]
    return bool(((y == 0) & (height == len(components.labels)) & (width <= MAX_NARROW * height)).all())


def _are_at_wall(walls: Sequence[Stroke], components: Components) -> Flags:
    """Whether each component touches a wall, which may have cut a part of it off."""
    _, x, y, width, height, _ = components
    touches = np.zeros(len(x), np.bool_)
    for wall in walls:
        is_near = (x <= wall.far + AT_EDGE) & (x + width >= wall.near - AT_EDGE)
        touches |= is_near & (y < wall.end) & (y + height > wall.start)
    return touches


def _weight(components: Components, row: NDArray[np.intp], inside: Inside) -> float:
    """How large a row is, less for what lies off the middle or is cut by the picture's edge."""
    _, x, y, width, height, _ = components
    size = np.minimum(height, 3 * width)[row].astype(np.float64)
    size[components.touches[row]] *= EDGE_WEIGHT
    top, bottom, columns = inside
    distance = 0.0
    for start, length, first, end in ((y, height, top, bottom), (x, width, columns.start, columns.stop)):
        places = (start + length / 2 - first) / np.maximum(1, end - first)
        distance += (float((places[row] * size).sum() / size.sum()) - 0.5) ** 2
    return float(np.sqrt(size).sum() * np.sqrt(median(size.tolist())) * np.exp(-CENTRE_WEIGHT * distance))
