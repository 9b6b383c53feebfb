"""Tell the strokes of digits along the walls of a comb from these: a pen is darker than grey or coloured walls."""

from __future__ import annotations

from statistics import median

import numpy as np
from cv2.typing import MatLike

from batchdigits.fields.lines.comb import Comb
from batchdigits.fields.lines.line_pixels import MIN_DARKER
from batchdigits.fields.lines.walls import MIN_LIKENESS
from batchdigits.vision.components import Components, Flags
from batchdigits.vision.median_level import median_level
from batchdigits.vision.strokes import Stroke

MIN_PEN_LEVEL = 0.8  # of the grey level of the digits within boxes: fainter ink along a wall is the rest of it


def is_of_pen(stroke: Stroke, comb: Comb, ink: MatLike) -> bool:
    """Whether a stroke is shorter and darker than the walls of a comb.

    Args:
        stroke: the stroke.
        comb: the comb.
        ink: uint8 (H, W), bright on 0.
    """
    if not comb.walls or stroke.length >= MIN_LIKENESS * median(wall.length for wall in comb.walls):
        return False
    return stroke.level_in(ink) > MIN_DARKER * comb.level


def are_of_pen(components: Components, along: Flags, others: Flags, ink: MatLike, comb: Comb) -> Flags:
    """Whether each component is one of those along walls, darker than these, and as dark as the digits in boxes.

    Args:
        components: of the ink.
        along: whether each lies along a wall.
        others: whether each may be a digit in a box.
        ink: uint8 (H, W), bright on 0.
        comb: the comb.
    """
    are_of_pen = np.zeros_like(along)
    if not comb.walls or not along.any():
        return are_of_pen
    digits = [_level(components, index, ink) for index in np.flatnonzero(others).tolist()]
    least = max(MIN_DARKER * comb.level, MIN_PEN_LEVEL * median(digits or [0.0]))
    for index in np.flatnonzero(along).tolist():
        are_of_pen[index] = _level(components, index, ink) > least
    return are_of_pen


def _level(components: Components, index: int, ink: MatLike) -> float:
    """The median grey level of a component."""
    x, y, width, height = (int(side[index]) for side in components[1:5])
    place = slice(y, y + height), slice(x, x + width)
    return median_level(np.asarray(ink, np.uint8)[place][components.labels[place] == index + 1])
