"""Find the boxes of a comb: upright lines at regular distances."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from batchdigits.vision.strokes import Stroke

MIN_WALLS = 3  # of a comb: two boxes
MIN_WALL_SHARE = 0.75  # of the tallest upright stroke: walls are of one height, and higher than digits
MIN_PITCH, MAX_PITCH = 0.4, 2.0  # from box to box, as a share of the height of the walls
TOLERANCE = 0.1  # of the pitch: how far a wall may be from its place
MIN_FOUND_SHARE = 0.6  # of the walls between the first and the last one
MISSING_COST = 0.3  # of a wall that was not found, in walls that were; a comb of twice the pitch misses none
MAX_WIDTH_SHARE = 0.2  # of its length: a wider wall is a shadow
MIN_END_SHARE = 0.6  # of the pitch: a box whose outer wall the picture's edge has cut off


class Comb(NamedTuple):
    """Boxes of one digit each, from left to right.

    Attributes:
        edges: float64 (N + 1,), the columns at which they begin and the last one ends.
        pitch: from box to box, in pixels.
        walls: the upright strokes as tall as its walls.
    """

    edges: NDArray[np.float64]
    pitch: float
    walls: list[Stroke]


def find_comb(strokes: Sequence[Stroke], width: int) -> Comb | None:
    """The comb among upright strokes of a view; None without one.

    Args:
        strokes: what may be walls.
        width: of the view, in pixels.
    """
    tall = max((stroke.length for stroke in strokes), default=0)
    walls = [stroke for stroke in strokes if stroke.length >= MIN_WALL_SHARE * tall and _is_narrow(stroke)]
    columns = np.sort([(stroke.near + stroke.far) / 2 for stroke in walls])
    best, best_score = None, -np.inf
    for first in range(len(columns)):
        for second in range(first + 1, len(columns)):
            pitch = columns[second] - columns[first]
            if not MIN_PITCH * tall <= pitch <= MAX_PITCH * tall:
                continue
            edges, found = _fit(columns, columns[first], pitch)
            score = found - MISSING_COST * (len(edges) - found) - abs(np.log(pitch / tall))
            if found >= MIN_WALLS and found >= MIN_FOUND_SHARE * len(edges) and score > best_score:
                best, best_score = edges, score
    if best is None:
        return None
    return Comb(_with_ends(best, width), float(np.median(np.diff(best))), walls)


def _is_narrow(stroke: Stroke) -> bool:
    return stroke.far - stroke.near <= MAX_WIDTH_SHARE * stroke.length


def _fit(columns: NDArray[np.float64], origin: float, pitch: float) -> tuple[NDArray[np.float64], int]:
    """Walls from the first to the last one that fit a pitch, with those not found put in; and how many were found.

    From wall to wall the pitch may change by a little, as in a perspective.
    """
    walls, found = [origin], 1
    for way in (1.0, -1.0):
        at, missing = origin, []
        limit = columns[-1] if way > 0 else columns[0]
        while (limit - at) * way > (1 - TOLERANCE) * pitch - 1:
            at += way * pitch
            nearest = float(columns[np.abs(columns - at).argmin()])
            if abs(nearest - at) <= TOLERANCE * pitch + 1:
                walls += [*missing, nearest]
                found, missing, at = found + 1, [], nearest
            else:
                missing.append(at)
    return np.sort(np.array(walls)), found


def _with_ends(edges: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Edges of boxes with those towards the ends of the view, whose walls were not found."""
    pitch = float(np.median(np.diff(edges)))
    before = np.arange(edges[0] - pitch, -(1.0 - MIN_END_SHARE) * pitch, -pitch)[::-1]
    after = np.arange(edges[-1] + pitch, width + (1.0 - MIN_END_SHARE) * pitch, pitch)
    return np.clip(np.concatenate((before, edges, after)), 0.0, float(width))
