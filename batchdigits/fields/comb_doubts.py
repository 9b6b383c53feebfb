"""Whether a digit of a comb may be lost: it was taken for a wall, or stands in no box."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import numpy as np

from batchdigits.fields.comb import TOLERANCE, Comb
from batchdigits.fields.form_lines import Ruled

# Thickness of a line over that of most walls, and pixels, with more of which it is a stroke of a digit; and with less,
# the soft edge of a wall.
MAX_THICKER, SOFT, MIN_LIKE = 1.5, 2, 0.75
MIN_LENGTH = 0.5  # of that of most walls: a shorter one may be a 1
MIN_HEIGHT, MIN_WIDTH = 0.6, 0.2  # of the height of digits: ink beside a comb that may be one
NEAR = 1.0  # box from the end of a comb


def may_have_lost_digit(ruled: Ruled, comb: Comb, places: Sequence[tuple[int, int, int, int]]) -> bool:
    """Whether a digit may have been taken for a wall of a comb, or stands beside it.

    Args:
        ruled: the field without its lines.
        comb: the comb.
        places: of the digits in boxes: first column and row, and one past the last.
    """
    return _has_odd_walls(ruled, comb) or _has_ink_beside(ruled, comb, places)


def _has_odd_walls(ruled: Ruled, comb: Comb) -> bool:
    """Whether a line was removed at an edge that is much shorter or thicker than the walls, or two such as they."""
    reach = TOLERANCE * comb.pitch + 1
    at_edges = [[wall for wall in ruled.walls if abs(wall.middle - edge) <= reach] for edge in comb.edges.tolist()]
    removed = [wall for walls in at_edges for wall in walls]
    if not removed or not comb.walls:
        return False
    if min(wall.length for wall in removed) < MIN_LENGTH * median([wall.length for wall in comb.walls]):
        return True
    usual = median([max(wall.thickness for wall in walls) for walls in at_edges if walls])
    is_thick = [wall.thickness > MAX_THICKER * usual + SOFT for wall in removed]
    is_double = [sum(wall.thickness >= MIN_LIKE * usual for wall in walls) > 1 for walls in at_edges]
    return any(is_thick) or any(is_double)


def _has_ink_beside(ruled: Ruled, comb: Comb, places: Sequence[tuple[int, int, int, int]]) -> bool:
    """Whether ink as large as a digit stands within a box's width of an end of a comb."""
    components = ruled.components
    if components is None or not places:
        return False
    height = median(bottom - top for _, top, _, bottom in places)
    middle = components.x + components.width / 2
    beside = np.maximum(comb.edges[0] - middle, middle - comb.edges[-1]) / comb.pitch
    is_large = (components.height >= MIN_HEIGHT * height) & (components.width >= MIN_WIDTH * height)
    return bool((is_large & (beside > 0) & (beside <= NEAR)).any())
