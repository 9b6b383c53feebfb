"""Find printed lines in a mask of ink: ruled lines, the box of a form's cell, what is left of a grid along an edge.

A line runs from edge to edge of the picture, or from an edge to a line across it, or it is a side of a box. No stroke
of a digit does, unless the crop is tight.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from typing import NamedTuple

from cv2.typing import MatLike

from batchdigits.vision.strokes import Side, Stroke, find_strokes

# Shares are of the picture's side along which a line runs, unless another side is named.
SPANNING_SHARE = 0.85  # a line of this length runs from edge to edge
RULED_SHARE = 0.92  # the same, for a line that is not in the margin: a stroke of a large digit is shorter
EDGE_SPANNING_SHARE = 0.75  # the same, for a line next to the edge
EDGE_MARGIN_SHARE = 0.12  # of the side across: how near that is
THIN_SHARE, THIN_SPANNING_SHARE = 0.02, 0.7  # a line so thin is told from a pen's stroke if it is shorter, too
BOX_SIDE_SHARE = 0.55  # least length of the sides of a box that lies inside the picture
FOURTH_SIDE_SHARE = 0.5  # least length of a side of a box of which two sides were found
CORNER_SHARE = 0.06  # distance at which the end of a line still meets an edge, or a line across
MARGIN_SHARE = 0.3  # of the side across: the margin of the picture, in which the sides of a box lie
OUTER_MARGIN_SHARE = 0.2  # the same, for a line that only its place in a box tells from a stroke


def find_lines(mask: MatLike, walls: Set[Side] = frozenset()) -> list[Stroke]:
    """Find the printed lines of a mask.

    Args:
        mask: uint8 (H, W), 255 on 0.
        walls: the sides at which the picture ends with a line that was found before.
    """
    strokes = sorted(find_strokes(mask), key=lambda stroke: stroke.margin)
    lines: list[Stroke] = []
    sides = set(walls)
    for stroke in strokes:  # from the edges on
        if _is_spanning(stroke, sides):
            lines.append(stroke)
            sides |= sides_of([stroke])
    lines = lines or _box(strokes)
    strokes = _without(strokes, lines)
    thin = [stroke for stroke in strokes if _is_thin(stroke)]
    if len(sides_of(thin)) >= 3:
        lines, strokes = lines + thin, _without(strokes, thin)
    joined = [stroke for stroke in strokes if _joins(stroke, lines, walls)]
    lines, strokes = lines + joined, _without(strokes, joined)
    return lines + [stroke for stroke in strokes if _completes_box(stroke, lines, walls)]


def sides_of(lines: Iterable[Stroke]) -> set[Side]:
    """The sides of the picture that have a line in their margin."""
    return {line.side for line in lines if line.margin < MARGIN_SHARE}


def _without(strokes: Iterable[Stroke], lines: Iterable[Stroke]) -> list[Stroke]:
    """The strokes that are not among the lines."""
    taken = {id(line) for line in lines}
    return [stroke for stroke in strokes if id(stroke) not in taken]


def _is_spanning(stroke: Stroke, walls: Set[Side]) -> bool:
    """Whether a stroke runs from edge to edge of the picture."""
    if stroke.margin >= MARGIN_SHARE:
        return stroke.length >= RULED_SHARE * stroke.along
    if stroke.side in walls:
        return stroke.length >= (THIN_SPANNING_SHARE if _is_thin(stroke) else SPANNING_SHARE) * stroke.along
    least = SPANNING_SHARE if stroke.margin >= EDGE_MARGIN_SHARE else EDGE_SPANNING_SHARE
    return stroke.span >= least and stroke.length >= BOX_SIDE_SHARE * stroke.along


def _box(strokes: Sequence[Stroke]) -> list[Stroke]:
    """The strokes that form at least three sides of a box: one that joins two others, and these."""
    sides = [stroke for stroke in strokes if stroke.span >= BOX_SIDE_SHARE and stroke.margin < MARGIN_SHARE]
    box: dict[int, Stroke] = {}
    for side in sides:
        at_ends = [[other for other in sides if _meets(side, end, other)] for end in (side.start, side.end)]
        if all(at_ends):
            box |= {id(stroke): stroke for stroke in (side, *at_ends[0], *at_ends[1])}
    return list(box.values())


def _is_thin(stroke: Stroke) -> bool:
    """Whether a stroke in the margin is as thin as a printed line."""
    return stroke.margin < MARGIN_SHARE and stroke.thickness <= THIN_SHARE * stroke.along + 1


def _joins(stroke: Stroke, lines: Sequence[Stroke], walls: Set[Side]) -> bool:
    """Whether a stroke in the margin runs from a line across to another one, or to an edge of the picture."""
    if stroke.margin >= MARGIN_SHARE or stroke.length < BOX_SIDE_SHARE * stroke.along:
        return False
    reach = CORNER_SHARE * stroke.along + 1
    meets = [any(_meets(stroke, end, line) for line in lines) for end in (stroke.start, stroke.end)]
    at_edge = (stroke.start <= reach, stroke.end >= stroke.along - reach)
    is_held = bool(walls) or any(meets)
    return is_held and all(map(max, meets, at_edge)) and stroke.side not in walls | sides_of(lines)


def _completes_box(stroke: Stroke, lines: Sequence[Stroke], walls: Set[Side]) -> bool:
    """Whether a stroke in the margin meets a line or an edge, and at least two sides but not its own have lines."""
    if stroke.margin >= OUTER_MARGIN_SHARE or stroke.length < FOURTH_SIDE_SHARE * stroke.along:
        return False
    meets = any(_meets(stroke, end, line) for end in (stroke.start, stroke.end) for line in lines)
    sides = walls | sides_of(lines)
    return (meets or stroke.start == 0 or stroke.end == stroke.along) and len(sides) >= 2 and stroke.side not in sides


def _meets(stroke: Stroke, end: int, line: Stroke) -> bool:
    """Whether an end of a stroke lies at a line across it."""
    reach = CORNER_SHARE * stroke.along + 1
    return line.is_level != stroke.is_level and line.lies_at(end, reach)


def corners_of(lines: Sequence[Stroke]) -> list[tuple[slice, slice]]:
    """Rows and columns of the corners and crossings of lines."""
    level = [_band(line) for line in lines if line.is_level]
    upright = [_band(line) for line in lines if not line.is_level]
    return [
        (row.pixels, column.pixels)
        for row in level
        for column in upright
        if row.start <= column.far and column.near <= row.end and column.start <= row.far and row.near <= column.end
    ]


class _Band(NamedTuple):
    """A line's rows or columns, and from where to where it crosses others: it may end that near to them."""

    pixels: slice
    near: int
    far: int
    start: float
    end: float


def _band(line: Stroke) -> _Band:
    reach = CORNER_SHARE * line.along + 1
    pixels = slice(max(0, line.near - 1), line.far + 1)
    return _Band(pixels, line.near, line.far, line.start - reach, line.end + reach)
