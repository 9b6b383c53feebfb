"""Whether a digit of a comb may be lost: it was taken for a wall, or stands in no box."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress, pairwise
from statistics import median

import cv2
import numpy as np
from cv2.typing import MatLike

from batchdigits.fields.line_digits import Box
from batchdigits.fields.lines.comb import TOLERANCE, Comb
from batchdigits.fields.lines.form_lines import WALL_DEPTH, Ruled
from batchdigits.vision.components import Components, Flags, thickness_of

MAX_OVER_WALLS, SOFT = 1.5, 2  # thickness of a line over that of most walls, and pixels: a thicker one is a stroke
MIN_LIKE_WALLS = 0.75  # the same: a thinner line is the soft edge of a wall, and no stroke beside it
# Of the length of most walls: a shorter line may be a 1, and one beside another may be a stem.
MIN_WALL_LENGTH, MIN_LIKENESS = 0.5, 0.9
# Of the height of digits: ink that may be one, beside the boxes and along a wall; and of the walls, such along a wall.
MIN_LARGE_HEIGHT, MIN_LARGE_WIDTH, MIN_ALONG_HEIGHT, MAX_ALONG_HEIGHT = 0.6, 0.2, 0.7, 0.92
MIN_PEN = 0.8  # of the thickness of digits
NEAR = 1.0  # box from the end of a comb


def may_have_lost_digit(ruled: Ruled, comb: Comb, places: Sequence[Box]) -> bool:
    """Whether a digit may have been taken for a wall of a comb, or for the rest of one, or stands beside it.

    Args:
        ruled: the field without its lines.
        comb: the comb.
        places: of the digits in boxes.
    """
    if not places or ruled.components is None:
        return _has_odd_walls(ruled, comb)
    height = median(bottom - top for _, top, _, bottom in places)
    are_beside = _are_beside(ruled.components, comb, height)
    are_along = _are_along_walls(ruled.mask, ruled.components, comb, places, height)
    is_lost = bool((are_beside | are_along).any()) or _reaches_into_empty_box(ruled.mask, comb, places, height)
    return is_lost or _has_odd_walls(ruled, comb)


def _has_odd_walls(ruled: Ruled, comb: Comb) -> bool:
    """Whether a line was removed at an edge that is much shorter or thicker than the walls, or lower beside one."""
    reach = TOLERANCE * comb.pitch + 1
    at_edges = [[wall for wall in ruled.walls if abs(wall.middle - edge) <= reach] for edge in comb.edges.tolist()]
    removed = [wall for walls in at_edges for wall in walls]
    if not removed or not comb.walls:
        return False
    length = median([wall.length for wall in comb.walls])
    thickness = median([max(wall.thickness for wall in walls) for walls in at_edges if walls])
    if min(wall.length for wall in removed) < MIN_WALL_LENGTH * length:
        return True
    if max(wall.thickness for wall in removed) > MAX_OVER_WALLS * thickness + SOFT:
        return True
    strokes = [[wall for wall in walls if wall.thickness >= MIN_LIKE_WALLS * thickness] for walls in at_edges]
    return any(len(walls) > 1 and any(wall.length < MIN_LIKENESS * length for wall in walls) for walls in strokes)


def _reaches_into_empty_box(mask: MatLike, comb: Comb, places: Sequence[Box], height: float) -> bool:
    """Whether ink as large as a digit reaches from one box into another without a digit: two may be taken for one."""
    depth, least = WALL_DEPTH * comb.pitch + 1, (MIN_LARGE_WIDTH * height, MIN_LARGE_HEIGHT * height)
    boxes = compress(pairwise(comb.edges.tolist()), comb.is_box.tolist())
    empty = [box for box in boxes if not any(box[0] <= (left + right) / 2 <= box[1] for left, _, right, _ in places)]
    for start, end in empty:
        for left, top, right, bottom in places:
            first, last = max(left, round(start + depth)), min(right, round(end - depth))
            if last - first >= least[0]:
                inner = np.asarray(mask)[top:bottom, first:last]
                sizes = cv2.connectedComponentsWithStats(inner, ltype=cv2.CV_16U)[2][1:, 2:4]
                if (sizes >= least).all(axis=1).any():
                    return True
    return False


def _are_beside(components: Components, comb: Comb, height: float) -> Flags:
    """Whether each component is as large as a digit of a height, and within a box of an end of a comb."""
    middle = components.x + components.width / 2
    beside = np.maximum(comb.edges[0] - middle, middle - comb.edges[-1]) / comb.pitch
    is_large = (components.height >= MIN_LARGE_HEIGHT * height) & (components.width >= MIN_LARGE_WIDTH * height)
    return np.asarray(is_large & (beside > 0) & (beside <= NEAR), np.bool_)


def _are_along_walls(mask: MatLike, components: Components, comb: Comb, places: Sequence[Box], height: float) -> Flags:
    """Whether each component lies along a wall, in no digit, and is as high as a digit and lower than the walls."""
    _, x, y, width, tall, _ = components
    depth = WALL_DEPTH * comb.pitch + 1
    highest = MAX_ALONG_HEIGHT * median([wall.length for wall in comb.walls]) if comb.walls else 0.0
    is_along = (tall >= MIN_ALONG_HEIGHT * height) & (tall <= highest)
    is_along &= np.any([(x >= edge - depth) & (x + width <= edge + depth) for edge in comb.edges], axis=0)
    is_own = np.zeros_like(is_along)
    for left, top, right, bottom in places:
        is_own |= (x >= left) & (x + width <= right) & (y >= top) & (y + tall <= bottom)
    is_along &= ~is_own
    if not is_along.any() or not is_own.any():
        return np.asarray(is_along, np.bool_)
    thickness = thickness_of(mask, components)
    return np.asarray(is_along & (thickness >= MIN_PEN * np.median(thickness[is_own])), np.bool_)
