"""Erase lines from a mask: their pixels and soft edges, but not the strokes that meet them."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from batchdigits.vision.lines import corners_of
from batchdigits.vision.morphology import rectangle
from batchdigits.vision.strokes import Stroke

SOFT_EDGE_SHARE = 0.25  # of a line's thickness: where it is out of focus, its edges are this soft
STROKE_REACH = 3  # pixels beyond a line's thickness in which a stroke that crosses it is closed again


def erased(found: Sequence[Stroke], lines: Sequence[Stroke], mask: MatLike, min_end: int = 0) -> NDArray[np.uint8]:
    """The pixels of lines, with their soft edges and corners, but not the strokes that cross them, or end at them.

    Args:
        found: the lines.
        lines: those, and the ones that were erased before.
        mask: of the ink, uint8 (H, W), 255 on 0.
        min_end: pixels, both ways, of a stroke that ends at a line and is kept; with 0, such ends go as far as the soft
            edge reaches.
    """
    erased: NDArray[np.uint8] = np.zeros(mask.shape, np.uint8)
    for is_level in (True, False):
        parallel = [line for line in found if line.is_level == is_level]
        if parallel:
            edge = soft_edge(max(line.thickness for line in parallel))
            ink: NDArray[np.uint8] = np.zeros(mask.shape, np.uint8)
            for line in parallel:
                ink[line.place] |= np.asarray(line.ink, np.uint8)
            soft = cv2.dilate(ink, rectangle(edge, 1) if is_level else rectangle(1, edge))
            erased |= np.asarray(cv2.subtract(soft, _ends(mask, ink, min_end)) if min_end else soft, np.uint8)
    for corner in corners_of(lines):
        erased[corner] = 255
    rest = cv2.subtract(mask, erased)
    side = round(max(line.thickness for line in found)) + STROKE_REACH | 1
    closed = cv2.morphologyEx(rest, cv2.MORPH_CLOSE, rectangle(side, side))
    return np.asarray(cv2.subtract(erased, cv2.bitwise_and(closed, mask)), np.uint8)


def _ends(mask: MatLike, lines: MatLike, least: int) -> MatLike:
    """What is left of a mask without lines where it is so many pixels wide, both ways: less is a line's rough edge."""
    wide = rectangle(least, least)
    return cv2.dilate(cv2.erode(cv2.subtract(mask, lines), wide), wide, anchor=(0, 0))


def soft_edge(thickness: float) -> int:
    """The side of a structuring element that adds the soft edges of lines, in pixels."""
    return 3 + 2 * round(SOFT_EDGE_SHARE * thickness)
