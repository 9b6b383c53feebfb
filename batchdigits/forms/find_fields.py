"""Find the combs and boxes that are printed on a form."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import compress, pairwise
from typing import NamedTuple

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from batchdigits.errors import BatchdigitsError
from batchdigits.fields.values.rules import MAX_LENGTH
from batchdigits.forms.reference import ink_of, reduced
from batchdigits.forms.template import Box
from batchdigits.vision.grey import Scan

LONG_SIDE = 2500  # pixels of a page in which lines are found: A4 with 210 dots an inch
MIN_LINE = 0.007  # of the longer side: 2 mm of A4; the strokes of print are shorter
MIN_HEIGHT, MAX_HEIGHT = 0.009, 0.09  # of the longer side: of a box
MIN_OPEN_HEIGHT = 0.012  # of one that is open above: letters are as high as smaller ones
MIN_WIDTH, MAX_WIDTH = 0.55, 30.0  # of its height
MIN_FILLED, MIN_FILLED_BLANK = 0.8, 0.9  # of its (turned) rectangle; on a blank form, where no ink crosses its sides
MAX_CORNER, LEAST_CORNER = 0.15, 2.1  # of its shorter side, and pixels: how far a corner of that may be, as if rounded
LINE_CONTRAST = 5  # grey levels that lines are darker than the paper around them: the walls of boxes are often faint
MAX_BOX_WIDTH = 1.4  # of the height: of a box for one digit; what is wider holds a number
MAX_DIFFERENCE = 0.25  # of the height: between the boxes of a comb
MAX_GAP, MAX_GAP_CHANGE = 0.8, 0.3  # of a box's width: between two of a comb, and from one such gap to the next
MAX_MISSING = 4  # boxes in a row that are not found on a filled form, as ink crosses their walls
MIN_WALLS, MAX_WALL = 3, 6  # of an open comb; pixels, and 0.05 of their height: how thick they are, made thicker by 2
MIN_RULE = 0.9  # of the width of an open comb: the line below it
MARGIN = 0.08  # of the height: around a comb, so that its outer walls are in the picture
MAX_CELLS = 5_000  # of a page: more are a pattern
PATTERN = "a pattern, such as that of graph paper; paint it white on a copy of the form, and give that"
MIN_SIDE, MAX_TILT = 0.9, 0.03  # of a box's side: the part with a line; and how far that may rise
LINE = 3  # pixels of the reduced page: the thickness of a line with its soft edges
INNER = 0.15  # of a box's sides: not looked at for print, as its lines are there
MAX_PRINT = 0.03  # of a box's inside


class Found(NamedTuple):
    """A comb, or a box for a number.

    Attributes:
        box: in pixels of the scan.
        comb: how many boxes it has; 1 for a box without walls.
    """

    box: Box
    comb: int


class _Cell(NamedTuple):
    """An area between lines, in pixels of the reduced page."""

    x: int
    y: int
    width: int
    height: int


def find_fields(scan: Scan, is_filled: bool = False) -> list[Found]:
    """The combs and boxes of a form, in the order of reading.

    Args:
        scan: its page, uint8 (H, W), dark on light.
        is_filled: whether somebody has written into it; if not, boxes with print in them are labels, and left out.

    Raises:
        BatchdigitsError: there are more than MAX_CELLS boxes.
    """
    page, scale = reduced(scan, LONG_SIDE)
    side = max(page.shape)
    ink = ink_of(page, LINE_CONTRAST)
    cells = _cells(ink, side, MIN_FILLED if is_filled else MIN_FILLED_BLANK)
    if not is_filled:
        dark = ink_of(page)
        cells = [cell for cell in cells if _is_empty(cell, dark)]
    found = [_comb(run) for run in _runs(cells, MAX_MISSING if is_filled else 0)]
    level, upright = _lines(ink, max(10, round(MIN_LINE * side)))
    found += _open_combs(level, upright, cells, side)
    inside = [_inside(_scaled(one, scale), scan.shape) for one in found]
    return _in_reading_order(inside)


def _lines(ink: MatLike, least: int) -> tuple[MatLike, MatLike]:
    """The masks of level and upright lines with at least so many pixels; a little tilt does not break them."""
    tall, wide = np.ones((LINE, 1), np.uint8), np.ones((1, LINE), np.uint8)
    level = cv2.morphologyEx(cv2.dilate(ink, tall), cv2.MORPH_OPEN, np.ones((1, least), np.uint8))
    upright = cv2.morphologyEx(cv2.dilate(ink, wide), cv2.MORPH_OPEN, np.ones((least, 1), np.uint8))
    return level, upright


def _cells(ink: MatLike, side: int, filled: float) -> list[_Cell]:
    """The rectangles enclosed by ink that have the size of boxes, each without others inside.

    A rectangle that holds several is around boxes, and one that is held alone is the loop of a digit.
    """
    closed = cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones((LINE, LINE), np.uint8))
    outlines, hierarchy = cv2.findContours(closed, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    holes = [outline for outline, (_, _, _, parent) in zip(outlines, _rows(hierarchy), strict=True) if parent >= 0]
    cells = []
    for hole in holes:
        cell = _Cell(*cv2.boundingRect(hole))
        is_tall = MIN_HEIGHT * side <= cell.height <= MAX_HEIGHT * side
        is_wide = MIN_WIDTH * cell.height <= cell.width <= MAX_WIDTH * cell.height
        if is_tall and is_wide and _has_sides(cell, ink) and _is_rectangle(hole, filled):
            cells.append(cell)
    if len(cells) > MAX_CELLS:
        raise BatchdigitsError(f"more than {MAX_CELLS:,} boxes on a page: {PATTERN}")
    holds = _holds(cells)
    held = holds.sum(axis=1)
    is_loop = holds[held == 1].any(axis=0)
    return list(compress(cells, (held < 2) & ~is_loop))


def _rows(hierarchy: MatLike | None) -> list[list[int]]:
    """For each outline its relatives, as OpenCV orders them; none without outlines."""
    return [] if hierarchy is None else np.asarray(hierarchy)[0].tolist()


def _holds(cells: Sequence[_Cell]) -> NDArray[np.bool_]:
    """Whether each cell, in the rows, has each other one inside, in the columns."""
    left, top, width, height = np.array(cells, np.int32).reshape(-1, 4).T
    right, bottom = left + width, top + height
    across = (left[:, None] <= left) & (right <= right[:, None])
    holds: NDArray[np.bool_] = across & (top[:, None] <= top) & (bottom <= bottom[:, None])
    np.fill_diagonal(holds, False)
    return holds


def _has_sides(cell: _Cell, ink: MatLike) -> bool:
    """Whether straight lines are on all four sides of a box, and not the curves of large print."""
    (left, top), reach = (cell.x, cell.y), LINE + round(MAX_TILT * max(cell.width, cell.height))
    right, bottom = left + cell.width, top + cell.height
    level = (slice(max(0, top - reach), top + reach), slice(bottom - reach, bottom + reach))
    upright = (slice(max(0, left - reach), left + reach), slice(right - reach, right + reach))
    sides = [(ink[rows, left:right], 0) for rows in level] + [(ink[top:bottom, columns], 1) for columns in upright]
    return all(float(np.asarray(side).any(axis=axis).mean()) >= MIN_SIDE for side, axis in sides)


def _is_rectangle(hole: MatLike, filled: float) -> bool:
    """Whether a hole fills so much of its rectangle, and three of its corners, and is not the bowl of a large letter.

    A fourth corner may be under the ink of a digit.
    """
    rectangle = cv2.minAreaRect(hole)
    sides = rectangle[1]
    gaps = np.hypot(*(cv2.boxPoints(rectangle)[:, None] - hole[:, 0]).transpose(2, 0, 1)).min(axis=1)
    has_corners = np.sort(gaps)[2] <= max(LEAST_CORNER, MAX_CORNER * min(sides))
    return bool(has_corners) and cv2.contourArea(hole) >= filled * math.prod(sides)


def _is_empty(cell: _Cell, ink: MatLike) -> bool:
    """Whether nothing is printed in a box."""
    x, y = round(INNER * min(cell.width, cell.height)), round(INNER * cell.height)
    inner = ink[cell.y + y : cell.y + cell.height - y, cell.x + x : cell.x + cell.width - x]
    return inner.size > 0 and cv2.countNonZero(inner) <= MAX_PRINT * inner.size


def _runs(cells: Sequence[_Cell], missing: int) -> list[list[_Cell]]:
    """Cells by the combs that they form, between two of which so many may be missing; one alone if it forms none."""
    runs: list[list[_Cell]] = []
    for cell in sorted(cells, key=lambda cell: (cell.x, cell.y)):
        for run in runs:
            between = _between(run, cell, missing)
            if between is not None:
                run += [*between, cell]
                break
        else:
            runs.append([cell])
    return runs


def _between(run: Sequence[_Cell], cell: _Cell, missing: int) -> list[_Cell] | None:
    """The missing boxes before a cell that is the next one of a comb; None if it is not."""
    last = run[-1]
    reach = MAX_DIFFERENCE * last.height
    if max(cell.width, last.width) > MAX_BOX_WIDTH * last.height:
        return None
    if any(abs(a - b) > reach for a, b in ((cell.y, last.y), (cell.height, last.height), (cell.width, last.width))):
        return None
    pitches = [after.x - one.x for one, after in pairwise(run)]
    pitch = float(np.median(pitches)) if pitches else cell.x - last.x
    if not pitches and cell.x - last.x > (1 + MAX_GAP) * last.width:
        pitch = last.width + LINE
    steps = round((cell.x - last.x) / pitch)
    if not 1 <= steps <= 1 + missing or len(run) + steps > MAX_LENGTH or cell.x < last.x + last.width:
        return None
    if abs(cell.x - last.x - steps * pitch) > MAX_GAP_CHANGE * last.width:
        return None
    return [last._replace(x=last.x + round(step * pitch)) for step in range(1, steps)]


def _comb(run: Sequence[_Cell]) -> Found:
    """The field of a run of cells."""
    left, top = run[0].x, min(cell.y for cell in run)
    right, bottom = run[-1].x + run[-1].width, max(cell.y + cell.height for cell in run)
    around = LINE + (MARGIN * (bottom - top) if len(run) > 1 else 0.0)
    return Found((left - around, top - around, right - left + 2 * around, bottom - top + 2 * around), len(run))


def _open_combs(level: MatLike, upright: MatLike, cells: Sequence[_Cell], side: int) -> list[Found]:
    """Combs without a rule above: upright lines of one height at regular distances that stand on a rule."""
    stats = np.asarray(cv2.connectedComponentsWithStats(upright)[2][1:], np.int64)
    width, height = stats[:, 2], stats[:, 3]
    fits = (height >= MIN_OPEN_HEIGHT * side) & (height <= MAX_HEIGHT * side) & (width <= MAX_WALL + 0.05 * height)
    walls = [_Cell(*map(int, row[:4])) for row in stats[fits]]
    walls = [wall for wall in walls if not any(_touches(cell, wall) for cell in cells)]
    found = []
    for run in _wall_runs(walls):
        left, right = run[0].x, run[-1].x + run[-1].width
        top, bottom = min(wall.y for wall in run), max(wall.y + wall.height for wall in run)
        rows = level[max(0, bottom - 3 * LINE) : bottom + 2 * LINE, left:right]
        rule = cv2.morphologyEx(rows, cv2.MORPH_OPEN, np.ones((1, run[1].x - run[0].x), np.uint8))  # no feet of letters
        if float(np.asarray(rule).any(axis=0).mean()) >= MIN_RULE:
            around = MARGIN * (bottom - top)
            box = left - around, top - around, right - left + 2 * around, bottom - top + 2 * around
            found.append(Found(box, len(run) - 1))
    return found


def _touches(cell: _Cell, wall: _Cell) -> bool:
    """Whether a wall is a side of a cell, or in it."""
    reach = 3 * LINE
    across = cell.x - reach <= wall.x <= cell.x + cell.width + reach
    return across and wall.y < cell.y + cell.height and cell.y < wall.y + wall.height


def _wall_runs(walls: Sequence[_Cell]) -> list[list[_Cell]]:
    """Walls of one height at regular distances, three or more."""
    runs: list[list[_Cell]] = []
    for wall in sorted(walls, key=lambda wall: (wall.x, wall.y)):
        for run in runs:
            last = run[-1]
            reach = MAX_DIFFERENCE * last.height
            pitch = wall.x - last.x
            known = run[1].x - run[0].x if len(run) > 1 else pitch
            is_level = abs(wall.y - last.y) <= reach and abs(wall.height - last.height) <= reach
            is_next = MIN_WIDTH * last.height <= pitch <= MAX_BOX_WIDTH * last.height
            if is_level and is_next and abs(pitch - known) <= MAX_DIFFERENCE * known and len(run) <= MAX_LENGTH:
                run.append(wall)
                break
        else:
            runs.append([wall])
    return [run for run in runs if len(run) >= MIN_WALLS]


def _scaled(found: Found, scale: float) -> Found:
    """A field of the reduced page, in pixels of the scan."""
    left, top, width, height = (side / scale for side in found.box)
    return Found((left, top, width, height), found.comb)


def _inside(found: Found, shape: tuple[int, ...]) -> Found:
    """A field, in whole pixels of the scan."""
    left, top, width, height = found.box
    x, y = max(0, round(left)), max(0, round(top))
    right, bottom = min(shape[1], round(left + width)), min(shape[0], round(top + height))
    return Found((float(x), float(y), float(right - x), float(bottom - y)), found.comb)


def _in_reading_order(found: Sequence[Found]) -> list[Found]:
    """Fields row by row, from left to right; a row is what overlaps with its first field by half."""
    left = sorted(found, key=lambda one: (one.box[1], one.box[0]))
    ordered: list[Found] = []
    while left:
        _, top, _, height = left[0].box
        row = [one for one in left if one.box[1] + one.box[3] / 2 < top + height and one.box[1] <= top + height / 2]
        row = row or left[:1]
        ordered += sorted(row, key=lambda one: one.box[0])
        placed = set(row)
        left = [one for one in left if one not in placed]
    return ordered
