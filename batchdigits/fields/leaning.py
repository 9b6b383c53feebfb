"""Shear a field upright whose printed lines lean, as in a skewed scan: the walls of its comb are found only then."""

from __future__ import annotations

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from batchdigits.fields.ink import View
from batchdigits.fields.lines.comb import MIN_WALLS, fit_boxes
from batchdigits.vision.illumination import otsu_split

ROWS = 48  # of the small picture in which walls are looked for
# Columns to the left for each row down.
LEANS = tuple(sign * step / 100 for step in range(11, 36, 4) for sign in (-1, 1))
MIN_WALL_SHARE = 0.5  # of the height: a column with so much ink may be a wall
MIN_LIKENESS = 0.85  # of the longest wall
MIN_GAIN = 1.5  # ink in walls that lean, over that in upright ones
INKED = 64  # grey levels of 255 of a pixel of the small picture with a part of a line


def upright_view(view: View, has_rules: bool) -> View | None:
    """The view sheared so that walls that lean much stand upright; None if there are none.

    Whether these are the walls of a comb is to be found out there: strokes of slanted digits lean, too.

    Args:
        view: the view.
        has_rules: whether it has level lines, at which walls may end; else they end at its edges.
    """
    mask = np.asarray(otsu_split(view.ink)[1])
    lean = _lean_of_walls(mask) if has_rules or (mask[0].any() and mask[-1].any()) else 0.0
    if not lean:
        return None
    height, width = view.ink.shape
    shift = max(0.0, -lean * height)
    affine = np.array([[1.0, lean, shift], [0.0, 1.0, 0.0]])
    ink = cv2.warpAffine(view.ink, affine, (width + round(abs(lean) * height), height))
    return view._replace(ink=ink, beyond=None, lean=lean, shift=shift)


def _lean_of_walls(mask: MatLike) -> float:
    """The columns by which most long strokes of a mask lean to the left for each row down; 0 if they do not."""
    height, width = mask.shape
    small = cv2.resize(mask, (max(1, round(width * ROWS / height)), ROWS), interpolation=cv2.INTER_AREA)
    y, x = np.nonzero(np.asarray(small) > INKED)
    if not y.size:
        return 0.0
    best, most = 0.0, MIN_GAIN * _ink_in_walls(np.bincount(x))
    for lean in LEANS:
        counts = np.bincount(x + np.round(lean * (y if lean > 0 else y - ROWS)).astype(np.intp))
        ink = _ink_in_walls(counts)
        if ink > most and _are_regular(counts):
            best, most = lean, ink
    return best


def _are_regular(counts: NDArray[np.intp]) -> bool:
    """Whether columns with so many inked pixels stand at the regular distances of the walls of a comb."""
    walls = np.flatnonzero(counts >= max(MIN_WALL_SHARE * ROWS, MIN_LIKENESS * counts.max()))
    starts = walls[np.diff(walls, prepend=-2) > 1]
    return len(starts) >= MIN_WALLS and fit_boxes(starts.tolist(), float(counts.max()), len(counts)) is not None


def _ink_in_walls(counts: NDArray[np.intp]) -> float:
    """How much ink columns with so many inked pixels have beyond that of digits, squared."""
    return float((np.maximum(0.0, counts - MIN_WALL_SHARE * ROWS) ** 2).sum())
