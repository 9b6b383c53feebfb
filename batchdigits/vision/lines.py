"""Find printed lines in a mask of ink: ruled lines, the box of a form's cell, what is left of a grid along an edge.

A line is long, thin and nearly straight. It runs from edge to edge of the picture, or from one to a line across, or it
is a side of a box. No stroke of a digit has all of this, unless the crop is tight.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from functools import cache
from itertools import product
from typing import NamedTuple

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

# Shares are of the picture's side along which the line runs, unless another side is named.
MIN_RUN_SHARE = 0.25  # the straight runs of a line, which a tilt or a bad print breaks
MIN_LENGTH_SHARE = 0.4
MAX_THICKNESS_SHARE = 0.2  # of the picture's longer side: the thick side of a box, out of focus
MAX_GAP_SHARE = 0.14  # a gap in a line, where a stroke crosses it
MIN_FILLED_SHARE = 0.6  # of a line's own length
MAX_SLOPE = 0.14  # rise over run, 8 degrees; a perspective or a curved page is within it
TILT_SHARE = 0.0125  # rows that a line may rise, either way, within a run
MAX_BEND = 0.012  # mean deviation from straightness, of a line's own length: a curved page bends its lines
MAX_DEVIATION, FITS = 0.5, 4  # of its thickness: columns that lie off the fitted line are left out, and it is fitted again
MAX_BULGE = 1.7  # of a line's median thickness: where it is thicker, a stroke meets it
SPANNING_SHARE = 0.85  # a line of this length runs from edge to edge
EDGE_SPANNING_SHARE = 0.75  # the same, for a line next to the edge
EDGE_MARGIN_SHARE = 0.12  # of the side across: how near that is
THIN_SHARE, THIN_SPANNING_SHARE = 0.02, 0.7  # a line so thin is told from a pen's stroke if it is shorter, too
MAX_CORNER_SHARE = 0.2  # how far a line may run on through a corner, where lines across it are thick
BOX_SIDE_SHARE = 0.55  # least length of the sides of a box that lies inside the picture
HALF_SIDE_SHARE = 0.5  # least length of a fourth side
CORNER_SHARE = 0.06  # distance at which the end of a line still meets an edge, or a line across
RULED_SHARE = 0.92  # the same, for a line that is not in the margin: a stroke of a large digit is shorter
MARGIN_SHARE = 0.3  # of the side across: the margin of the picture, in which the sides of a box lie
OUTER_MARGIN_SHARE = 0.2  # the same, for a line that only its place in a box tells from a stroke


Columns = NDArray[np.intp]
Side = tuple[bool, bool]  # of a picture: whether it is level, and whether it is the farther one


class Line(NamedTuple):
    """A line, or a stroke that may be one.

    Attributes:
        ink: its pixels in a mask of the picture's size, 255 on 0, uint8 (H, W).
        is_level: whether it runs along the rows, and not along the columns.
        length: pixels along it.
        start: first pixel along it, where it runs on through the corners at its ends.
        end: one past the last such pixel.
        near: first row or column across it.
        far: one past the last row or column across it.
        thickness: its median, in pixels.
    """

    ink: MatLike
    is_level: bool
    length: int
    start: int
    end: int
    near: int
    far: int
    thickness: float

    @property
    def along(self) -> int:
        """Pixels of the picture's side that the line runs along."""
        return int(self.ink.shape[self.is_level])

    @property
    def across(self) -> int:
        """Pixels of the picture's other side."""
        return int(self.ink.shape[not self.is_level])

    @property
    def span(self) -> float:
        """Its length with its corners, as a share of the picture's side."""
        return (self.end - self.start) / self.along

    @property
    def side(self) -> Side:
        """The side of the picture that it is nearest to."""
        return self.is_level, self.near + self.far > self.across

    @property
    def margin(self) -> float:
        """Its distance from the nearest edge along it, as a share of the picture's side."""
        position = (self.near + self.far) / 2 / self.across
        return min(position, 1.0 - position)


def find_lines(mask: MatLike, walls: Set[Side] = frozenset()) -> list[Line]:
    """Find the printed lines of a mask.

    Args:
        mask: uint8 (H, W), 255 on 0.
        walls: the sides at which the picture ends with a line that was found before.
    """
    strokes = [*_level_strokes(mask), *map(_turned, _level_strokes(cv2.transpose(mask)))]
    lines, strokes = _part(strokes, lambda stroke: _is_spanning(stroke, walls) or _is_side_of_box(stroke, strokes))
    thin, strokes = _part(strokes, lambda stroke: _is_thin_side(stroke, strokes))
    lines += thin
    joined, strokes = _part(strokes, lambda stroke: _joins(stroke, lines, walls))
    lines += joined
    return lines + [stroke for stroke in strokes if _completes_box(stroke, lines, walls)]


def sides_of(lines: Iterable[Line]) -> set[Side]:
    """The sides of the picture that have a line in their margin."""
    return {line.side for line in lines if line.margin < MARGIN_SHARE}


def placed(line: Line, top: int, left: int, shape: Sequence[int]) -> Line:
    """A line of a part of a picture, as a line of the picture with that shape."""
    height, width = line.ink.shape
    ink: NDArray[np.uint8] = np.zeros(shape, np.uint8)
    ink[top : top + height, left : left + width] = line.ink
    along, across = (left, top) if line.is_level else (top, left)
    ends, sides = (line.start + along, line.end + along), (line.near + across, line.far + across)
    return Line(ink, line.is_level, line.length, *ends, *sides, line.thickness)


def _part(strokes: list[Line], is_line: Callable[[Line], bool]) -> tuple[list[Line], list[Line]]:
    """The strokes that are lines, and the others."""
    flags = [is_line(stroke) for stroke in strokes]
    return (
        [stroke for stroke, flag in zip(strokes, flags, strict=True) if flag],
        [stroke for stroke, flag in zip(strokes, flags, strict=True) if not flag],
    )


def _is_spanning(stroke: Line, walls: Set[Side]) -> bool:
    """Whether a stroke runs from edge to edge of the picture."""
    if stroke.margin >= MARGIN_SHARE:
        return stroke.length >= RULED_SHARE * stroke.along
    if stroke.side in walls:
        return stroke.length >= (THIN_SPANNING_SHARE if _is_thin(stroke) else SPANNING_SHARE) * stroke.along
    least = SPANNING_SHARE if stroke.margin >= EDGE_MARGIN_SHARE else EDGE_SPANNING_SHARE
    return stroke.span >= least and stroke.length >= BOX_SIDE_SHARE * stroke.along


def _is_side_of_box(stroke: Line, strokes: Sequence[Line]) -> bool:
    """Whether a stroke and others form at least three sides of a box."""
    sides = [other for other in strokes if other.span >= BOX_SIDE_SHARE and other.margin < MARGIN_SHARE]

    def joins_two(side: Line) -> bool:
        return all(any(_meets(side, end, other) for other in sides) for end in (side.start, side.end))

    return any(stroke is side for side in sides) and (
        joins_two(stroke) or any(joins_two(side) and _touch(side, stroke) for side in sides)
    )


def _is_thin_side(stroke: Line, strokes: Sequence[Line]) -> bool:
    """Whether a stroke is as thin as a printed line, and so are strokes at three sides of the picture."""
    return _is_thin(stroke) and len(sides_of(other for other in strokes if _is_thin(other))) >= 3


def _is_thin(stroke: Line) -> bool:
    return stroke.margin < MARGIN_SHARE and stroke.thickness <= THIN_SHARE * max(stroke.ink.shape) + 1


def _touch(side: Line, stroke: Line) -> bool:
    return any(_meets(side, end, stroke) for end in (side.start, side.end))


def _joins(stroke: Line, lines: Sequence[Line], walls: Set[Side]) -> bool:
    """Whether a stroke in the margin runs from a line across to another one, or to an edge of the picture."""
    reach = CORNER_SHARE * stroke.along + 1
    meets = [any(_meets(stroke, end, line) for line in lines) for end in (stroke.start, stroke.end)]
    at_edge = (stroke.start <= reach, stroke.end >= stroke.along - reach)
    is_new_side = stroke.side not in walls | sides_of(lines)
    is_long = stroke.length >= BOX_SIDE_SHARE * stroke.along
    is_held = any(meets) or bool(walls)
    return stroke.margin < MARGIN_SHARE and is_new_side and is_long and is_held and all(map(max, meets, at_edge))


def _completes_box(stroke: Line, lines: Sequence[Line], walls: Set[Side]) -> bool:
    """Whether a stroke in the margin meets a line or an edge, and at least two sides but not its own have lines."""
    meets = any(_meets(stroke, end, line) for end in (stroke.start, stroke.end) for line in lines)
    meets |= stroke.start == 0 or stroke.end == stroke.along
    sides = walls | sides_of(lines)
    is_long = stroke.length >= HALF_SIDE_SHARE * stroke.along
    return meets and is_long and stroke.margin < OUTER_MARGIN_SHARE and len(sides) >= 2 and stroke.side not in sides


def _meets(stroke: Line, end: int, line: Line) -> bool:
    """Whether an end of a stroke lies at a line across it."""
    reach = CORNER_SHARE * stroke.along + 1
    return line.is_level != stroke.is_level and line.near - reach <= end <= line.far + reach


def _turned(stroke: Line) -> Line:
    return stroke._replace(ink=cv2.transpose(stroke.ink), is_level=False)


def _level_strokes(mask: MatLike) -> list[Line]:
    """The long, thin and nearly straight strokes along the rows of a mask."""
    height, width = mask.shape
    run = rectangle(1, max(5, round(MIN_RUN_SHARE * width)))
    rows = 2 * max(1, round(TILT_SHARE * width)) + 1  # a tilt of so many rows within a run does not break it
    cores = cv2.erode(cv2.dilate(mask, rectangle(rows, 3)), run)
    if not cv2.hasNonZero(cores):
        return []
    runs = cv2.bitwise_and(cv2.dilate(cores, run), mask)
    tall = rectangle(max(2, round(MAX_THICKNESS_SHARE * max(height, width))) + 1, 1)
    tall_cores = cv2.erode(mask, tall, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    runs = cv2.subtract(runs, cv2.dilate(tall_cores, tall, anchor=opposite(tall)))
    bridge = rectangle(3, max(3, round(MAX_GAP_SHARE * width)) | 1)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(cv2.dilate(runs, bridge), ltype=cv2.CV_16U)
    strokes = []
    for label, (x, y, wide, high, _) in enumerate(stats.tolist()):
        if label and wide >= MIN_LENGTH_SHARE * width:
            rows, columns = slice(y, y + high), slice(x, x + wide)
            ink: NDArray[np.uint8] = np.zeros((height, width), np.uint8)
            np.copyto(ink[rows, columns], runs[rows, columns], where=np.asarray(labels)[rows, columns] == label)
            stroke = _level_stroke(ink, mask)
            strokes += [stroke] if stroke else []
    return strokes


def _level_stroke(ink: NDArray[np.uint8], mask: MatLike) -> Line | None:
    """The stroke that consists of some ink of a mask; None if it is not thin and straight. Changes the ink."""
    counts = cv2.reduce(ink, 0, cv2.REDUCE_SUM, dtype=cv2.CV_32S).ravel() // 255
    if not counts.any():
        return None
    thickness = float(np.median(counts[counts > 0]))
    columns = np.flatnonzero((counts > 0) & (counts <= MAX_BULGE * thickness + 1))
    columns = _straight_columns(ink, counts, columns, thickness)
    if not columns.size:
        return None
    start, wide = int(columns[0]), int(columns[-1] - columns[0] + 1)
    if wide < MIN_LENGTH_SHARE * ink.shape[1] or columns.size < MIN_FILLED_SHARE * wide:
        return None
    is_other = np.ones(ink.shape[1], bool)
    is_other[columns] = False
    ink[:, is_other] = 0
    _, y, _, high = cv2.boundingRect(ink)
    return Line(ink, True, wide, *_prolonged(mask[y : y + high], start, start + wide), y, y + high, thickness)


def _straight_columns(ink: MatLike, counts: Columns, columns: Columns, thickness: float) -> Columns:
    """Those columns of a stroke in which its middle lies on one line; none if that line bends or is too steep.

    Args:
        ink: uint8 (H, W), 255 on 0.
        counts: the number of its pixels in each column.
        columns: the columns to look at, rising.
        thickness: of the stroke.
    """
    middles = (np.arange(len(ink), dtype=np.float32) @ np.asarray(ink, np.float32))[columns] / (255.0 * counts[columns])
    for _ in range(FITS):
        if columns.size < 2:
            break
        x = columns - columns.mean()
        slope = (x @ middles) / (x @ x)
        deviations = np.abs(middles - middles.mean() - slope * x)
        is_on_line = deviations <= MAX_DEVIATION * thickness + 1.5
        if is_on_line.all():
            bend = deviations.mean() - 0.1 * thickness
            is_straight = abs(slope) <= MAX_SLOPE and bend <= MAX_BEND * columns.size
            return columns if is_straight else columns[:0]
        columns, middles = columns[is_on_line], middles[is_on_line]
    return columns[:0]


def _prolonged(rows: MatLike, start: int, end: int) -> tuple[int, int]:
    """The ends of a stroke in its rows of the mask, where it runs on through a corner; gaps of 2 pixels are bridged."""
    gaps = np.flatnonzero(cv2.dilate(cv2.reduce(rows, 0, cv2.REDUCE_MAX), rectangle(1, 3))[0] == 0)
    before, after = gaps[gaps < start], gaps[gaps >= end]
    most = round(MAX_CORNER_SHARE * rows.shape[1])
    return (
        max(start - most, int(before[-1]) + 1 if before.size else 0),
        min(end + most, int(after[0]) if after.size else rows.shape[1]),
    )


def corners_of(lines: Sequence[Line]) -> list[tuple[slice, slice]]:
    """Rows and columns of the corners and crossings of lines."""
    return [
        (slice(max(0, level.near - 1), level.far + 1), slice(max(0, upright.near - 1), upright.far + 1))
        for level, upright in product(lines, lines)
        if level.is_level and not upright.is_level and _cross(level, upright) and _cross(upright, level)
    ]


def _cross(line: Line, other: Line) -> bool:
    reach = CORNER_SHARE * line.along + 1
    return line.start - reach <= other.far and other.near <= line.end + reach


def opposite(element: MatLike) -> tuple[int, int]:
    """The anchor (x, y) with which a dilation by a structuring element undoes the shift of an erosion by it."""
    height, width = element.shape
    return width - 1 - width // 2, height - 1 - height // 2


@cache
def rectangle(height: int, width: int) -> MatLike:
    """A structuring element."""
    return np.ones((height, width), np.uint8)
