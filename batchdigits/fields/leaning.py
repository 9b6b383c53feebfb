"""Shear a field upright whose printed lines lean, as in a skewed scan: the walls of its comb are found only then."""

from __future__ import annotations

import cv2
import numpy as np
from cv2.typing import MatLike

from batchdigits.fields.ink import View
from batchdigits.vision.illumination import otsu_split

ROWS = 48  # of the small picture in which walls are looked for
LEANS = tuple(sign * step / 100 for step in range(9, 40, 3) for sign in (-1, 1))  # columns to the left for each row down
MIN_WALL_SHARE = 0.5  # of the height: a column with so much ink may be a wall
MIN_LIKENESS = 0.85  # of the longest wall
MIN_WALLS = 3  # of a comb: two boxes
MIN_GAIN = 1.5  # ink in walls that lean, over that in upright ones
INKED = 64  # grey levels of 255 of a pixel of the small picture with a part of a line


def upright_view(view: View) -> View | None:
    """The view sheared so that walls that lean much stand upright; None if there are none.

    Whether these are the walls of a comb is to be found out there: strokes of slanted digits lean, too.
    """
    lean = _lean_of_walls(otsu_split(view.ink)[1])
    if not lean:
        return None
    height, width = view.ink.shape
    shift = max(0.0, -lean * height)
    affine = np.array([[1.0, lean, shift], [0.0, 1.0, 0.0]])
    ink = cv2.warpAffine(view.ink, affine, (width + round(abs(lean) * height), height))
    return view._replace(ink=ink, lean=lean, shift=shift)


def _lean_of_walls(mask: MatLike) -> float:
    """The columns by which most long and thin strokes of a mask lean to the left for each row down; 0 if they do not."""
    height, width = mask.shape
    small = cv2.resize(mask, (max(1, round(width * ROWS / height)), ROWS), interpolation=cv2.INTER_AREA)
    y, x = np.nonzero(np.asarray(small) > INKED)
    if not y.size:
        return 0.0
    best, most = 0.0, MIN_GAIN * _ink_in_walls(np.bincount(x))
    for lean in LEANS:
        counts = np.bincount(x + np.round(lean * (y if lean > 0 else y - ROWS)).astype(np.intp))
        walls = np.flatnonzero(counts >= max(MIN_WALL_SHARE * ROWS, MIN_LIKENESS * counts.max()))
        ink = _ink_in_walls(counts)
        if ink > most and np.count_nonzero(np.diff(walls) > 1) >= MIN_WALLS - 1:
            best, most = lean, ink
    return best


def _ink_in_walls(counts: np.ndarray) -> float:
    """How much ink columns with so many inked pixels have beyond that of digits, squared."""
    return float((np.maximum(0.0, counts - MIN_WALL_SHARE * ROWS) ** 2).sum())
