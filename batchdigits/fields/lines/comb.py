"""Find the boxes of a comb: upright lines at regular distances."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from statistics import median

import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from batchdigits.fields.lines.walls import MIN_WALL_SHARE, Strokes, is_narrow
from batchdigits.vision.strokes import Stroke

MIN_WALLS = 3  # of a comb: two boxes
MIN_PITCH, MAX_PITCH = 0.4, 2.0  # from box to box, as a share of the height of the walls
TOLERANCE = 0.1  # of the pitch: how far a wall may be from its place
MIN_FOUND_SHARE = 0.6  # of the walls between the first and the last one
MAX_STEPS = 4  # walls on from one that may be a box away: the others are strokes, or sides of frames
MAX_MISSING_SHARE = 0.25  # of the walls found: with more missing, they are looked for among fainter strokes, too
MISSING_COST = 0.3  # of a wall that was not found, in walls that were; a comb of twice the pitch misses none
MIN_OUTER_SHARE = 0.9  # of the tallest upright stroke: the outer wall of a group of boxes, and no digit in a gap
MIN_GAP, MAX_GAP = 0.35, 0.85  # of the pitch: between two groups of boxes, as of a date's day and month
MAX_BOX_DEVIATION = 2 * TOLERANCE  # of the pitch: what is wider or narrower by more is such a gap
GAP_COST = 0.5  # of such a gap, in walls that were found
MIN_END_SHARE = 0.6  # of the pitch: a box whose outer wall the picture's edge has cut off
MIN_PART_PITCH = 0.75  # of equal parts of a view that is as wide as its comb: the pitch of boxes, and not of strokes


@dataclass(frozen=True, eq=False)
class Comb:
    """Boxes of one digit each, from left to right, maybe with gaps between groups of them.

    Attributes:
        edges: float64 (N + 1,), the columns at which boxes and gaps begin and the last one ends.
        pitch: from box to box, in pixels.
        walls: the upright strokes as tall as its walls.
        shown: the edges of all boxes that walls show, as `edges`, which has as many as are known; None if they show
            none.
        level: the median grey level of these strokes, bright on 0; 0 without any.
        filled: which of the gaps are boxes all the same, as digits stand there: a comb may have boxes of two widths.
    """

    edges: NDArray[np.float64]
    pitch: float
    walls: list[Stroke]
    shown: NDArray[np.float64] | None
    level: float = 0.0
    filled: tuple[int, ...] = ()

    @cached_property
    def is_box(self) -> NDArray[np.bool_]:
        """Whether there is a box, and no gap, between each two edges, bool (N,)."""
        is_box = _is_box(self.edges)
        is_box[list(self.filled)] = True
        return is_box

    @property
    def boxes(self) -> int:
        """How many boxes it has, without the gaps."""
        return int(np.count_nonzero(self.is_box))


def find_comb(found: Strokes, ink: MatLike, boxes: int | None = None, *, is_as_wide: bool = False) -> Comb | None:
    """The comb of a view; None without one.

    Args:
        found: the straight strokes in its ink.
        ink: uint8 (H, W), bright on 0.
        boxes: how many boxes it has, if that is known: then there always is one.
        is_as_wide: whether the comb is about as wide as the view.
    """
    width = ink.shape[1]
    strokes = found.dark()
    walls, edges, is_whole = _fit_walls(strokes, width)
    if not is_whole and (edges is None or _count(edges) != boxes):
        tall = max((stroke.length for stroke in strokes if is_narrow(stroke)), default=0)
        more_walls, more, _ = _fit_walls(strokes + found.faint(MIN_WALL_SHARE * tall), width)
        if edges is None or boxes is None or (more is not None and _count(more) > _count(edges)):
            walls, edges = more_walls, more
    shown = edges
    if boxes is not None:
        if is_as_wide and edges is not None and _are_too_narrow(edges, boxes, width):
            walls, edges = [], None
        edges = _with_count(edges, boxes, ink)
    level = median([wall.level_in(ink) for wall in walls] or [0.0])
    return None if edges is None else Comb(edges, _pitch(edges), walls, shown, level)


def fit_boxes(columns: Sequence[float], tall: float, width: int) -> NDArray[np.float64] | None:
    """The edges of boxes whose walls stand at some columns; None if few of these are at regular distances.

    Args:
        columns: of the walls, rising.
        tall: the height of the boxes.
        width: of the view.
    """
    edges, _ = _best_fit(columns, columns, tall)
    return None if edges is None else _with_ends(edges, width)


def _fit_walls(strokes: list[Stroke], width: int) -> tuple[list[Stroke], NDArray[np.float64] | None, bool]:
    """The walls among upright strokes, the edges of the boxes that most of them fit, and whether few are missing."""
    narrow = [stroke for stroke in strokes if is_narrow(stroke)]
    tall = max((stroke.length for stroke in narrow), default=0)
    walls = [stroke for stroke in narrow if stroke.length >= MIN_WALL_SHARE * tall]
    columns = _apart(sorted(stroke.middle for stroke in walls), MIN_PITCH * tall / 8)
    outer = [stroke.middle for stroke in walls if stroke.length >= MIN_OUTER_SHARE * tall]
    edges, found = _best_fit(columns, sorted(set(outer) & set(columns)), tall)
    if edges is None:
        return walls, None, False
    whole = _with_ends(edges, width)
    return walls, whole, len(whole) - found <= MAX_MISSING_SHARE * found and found > MIN_WALLS


def _apart(columns: Sequence[float], least: float) -> list[float]:
    """Rising columns without those that are too near to the one before: both edges of a wall, or a wall found twice."""
    return [column for before, column in pairwise([-math.inf, *columns]) if column - before > least]


def _best_fit(columns: Sequence[float], outer: Sequence[float], tall: float) -> tuple[NDArray[np.float64] | None, int]:
    """The edges of boxes of one width that most walls of a height fit, None if few do; and how many do.

    Args:
        columns: of the walls, rising.
        outer: of those at which a group of boxes may begin or end, rising.
        tall: the height of the tallest one.
    """
    best: list[float] | None = None
    best_found, best_score = 0, -math.inf
    for first in range(len(columns)):
        for second in range(first + 1, min(first + 1 + MAX_STEPS, len(columns))):
            pitch = columns[second] - columns[first]
            if not MIN_PITCH * tall <= pitch <= MAX_PITCH * tall:
                continue
            cost = abs(math.log(pitch / tall))
            if len(columns) - cost <= best_score:  # not even if all fit
                continue
            edges, found = _fit(columns, outer, columns[first], pitch)
            score = found - MISSING_COST * (len(edges) - found) - cost
            reach = MAX_BOX_DEVIATION * pitch + 1
            gaps = sum(abs(right - left - pitch) > reach for left, right in pairwise(edges))
            if gaps:  # on checked paper, other lines stand within such boxes
                score -= GAP_COST * gaps + len(set(outer) - set(edges))
            if found >= MIN_WALLS and found >= MIN_FOUND_SHARE * len(edges) and score > best_score:
                best, best_found, best_score = edges, found, score
    return None if best is None else np.array(best), best_found


def _fit(columns: Sequence[float], outer: Sequence[float], origin: float, pitch: float) -> tuple[list[float], int]:
    """Walls from the first to the last one that fit a pitch, with those not found put in; and how many were found.

    From wall to wall the pitch may change by a little, as in a perspective.
    """
    walls, found = [origin], 1
    for way in (1.0, -1.0):
        at = origin
        missing: list[float] = []
        limit = columns[-1] if way > 0 else columns[0]
        while (limit - at) * way > (1 - TOLERANCE) * pitch - 1:
            at += way * pitch
            after = bisect_left(columns, at)
            nearest = columns[min(after, len(columns) - 1)]
            if after and at - columns[after - 1] <= abs(nearest - at):
                nearest = columns[after - 1]
            if abs(nearest - at) <= TOLERANCE * pitch + 1:
                walls += [*missing, nearest]
                found, missing, at = found + 1, [], nearest
            elif not missing and (after_gap := _after_gap(columns, outer, at - way * pitch, way * pitch)):
                walls.append(after_gap)
                found, at = found + 1, after_gap
            else:
                missing.append(at)
    return sorted(walls), found


def _after_gap(columns: Sequence[float], outer: Sequence[float], wall: float, step: float) -> float | None:
    """The wall at which the next group of boxes begins after a gap; None without one.

    Args:
        columns: of the walls, rising.
        outer: of those at which a group may begin or end, rising.
        wall: the last one of a group.
        step: from box to box; below 0 towards the left.
    """
    after = [column for column in outer if (column - wall) / step > TOLERANCE]
    start = min(after, key=lambda column: abs(column - wall), default=wall)
    reach = TOLERANCE * abs(step) + 1
    is_gap = MIN_GAP <= (start - wall) / step <= MAX_GAP
    return start if is_gap and any(abs(column - start - step) <= reach for column in columns) else None


def _count(edges: NDArray[np.float64]) -> int:
    """How many boxes some edges have, without the gaps between groups of them."""
    return int(np.count_nonzero(_is_box(edges)))


def _are_too_narrow(edges: NDArray[np.float64], boxes: int, width: int) -> bool:
    """Whether edges are of more or fewer boxes, which are much narrower than so many equal parts of the view."""
    return _count(edges) != boxes and _pitch(edges) < MIN_PART_PITCH * width / boxes


def _is_box(edges: NDArray[np.float64]) -> NDArray[np.bool_]:
    widths = edges[1:] - edges[:-1]
    pitch = _pitch(edges)
    is_box = np.asarray(np.abs(widths - pitch) <= MAX_BOX_DEVIATION * pitch + 1, np.bool_)
    is_box[[0, -1]] = True  # the picture's edge may cut them off
    return is_box


def _with_ends(edges: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Edges of boxes with those towards the ends of the view, whose walls were not found."""
    pitch = _pitch(edges)
    before = np.arange(edges[0] - pitch, -(1.0 - MIN_END_SHARE) * pitch, -pitch)[::-1]
    after = np.arange(edges[-1] + pitch, width + (1.0 - MIN_END_SHARE) * pitch, pitch)
    return np.asarray(np.clip(np.concatenate((before, edges, after)), 0.0, float(width)))


def _pitch(edges: NDArray[np.float64]) -> float:
    """The median distance from one edge to the next."""
    return float(median([right - left for left, right in pairwise(edges.tolist())]))


def _with_count(edges: NDArray[np.float64] | None, boxes: int, ink: MatLike) -> NDArray[np.float64]:
    """The edges of a known number of boxes: those neighbours that hold most ink, or equal parts of the view."""
    if edges is None or len(edges) <= boxes:
        return np.linspace(0.0, ink.shape[1], boxes + 1)
    if _count(edges) == boxes:
        return edges
    ends = np.round(edges).astype(int)
    total = np.concatenate(([0.0], np.asarray(ink, np.float64).sum(axis=0).cumsum()))
    held = [total[ends[first + boxes]] - total[ends[first]] for first in range(len(edges) - boxes)]
    first = int(np.argmax(held))
    return edges[first : first + boxes + 1]
