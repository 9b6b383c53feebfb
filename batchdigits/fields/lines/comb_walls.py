"""Find the walls of a comb where digits touch or cross them: all have about one thickness, slope and height."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from batchdigits.fields.lines.comb import TOLERANCE, Comb
from batchdigits.fields.lines.pen_strokes import is_of_pen
from batchdigits.fields.lines.printed import TRIM, slope_of, widest
from batchdigits.vision.strokes import Stroke, make_stroke

MIN_FILLED = 0.85  # of the pixels of a hidden wall, between the ends of the others: ink
MIN_LIKELY = 0.4  # the same with the lean of the others: with less, no other lean is tried
MIN_ALIKE = 2  # walls that show how the others are
MAX_SLOPE_DIFFERENCE = 0.12  # columns for each row, from that of the other walls
LEANS = 0.0, -0.04, 0.04, -0.08, 0.08  # of a hidden wall, from the others


def comb_walls(
    upright: Sequence[Stroke], comb: Comb, ink: MatLike, mask: MatLike, known: Sequence[Stroke] = ()
) -> list[Stroke]:
    """The walls of a comb: those of some strokes that are such, and those that digits hide.

    Args:
        upright: the strokes.
        comb: the comb.
        ink: uint8 (H, W), bright on 0.
        mask: of the ink, 255 on 0.
        known: lines that were removed before.
    """
    upright = [stroke for stroke in upright if not is_of_pen(stroke, comb, ink)]
    reach = TOLERANCE * comb.pitch + 1
    before = [line for line in known if not line.is_level]
    found = [stroke for stroke in upright if _is_wall_of(stroke, comb) and not _is_near(before, stroke.middle, reach)]
    slopes = {id(wall): slope_of(wall) for wall in before or found}
    if not slopes:
        return []
    thickness, slope = median(wall.thickness for wall in before or found), median(slopes.values())
    alike = [wall for wall in before or found if _is_thin(wall, slopes[id(wall)], thickness, slope)]
    if len(alike) < MIN_ALIKE:
        return found
    walls = [wall for wall in found if _is_thin(wall, slope_of(wall), thickness, slope)] if before else alike
    rows = slice(round(median(wall.top for wall in alike)), round(median(wall.top + wall.length for wall in alike)))
    hidden = [
        _hidden(mask, edge, reach, thickness, slope, rows)
        for edge in comb.edges.tolist()
        if not _is_near([*walls, *before], edge, reach)
    ]
    return walls + [wall for wall in hidden if wall]


def _is_near(walls: Sequence[Stroke], column: float, reach: float) -> bool:
    """Whether one of some walls is so near to a column."""
    return any(abs(wall.middle - column) <= reach for wall in walls)


def columns_of_walls(comb: Comb, width: int) -> bytes:
    """For each column of a view whether the middle of a stroke that `_is_wall_of` a comb may lie in it, as 1 or 0."""
    walls = np.array([wall.middle for wall in comb.walls])
    middles = np.concatenate((comb.edges, walls - comb.pitch, walls + comb.pitch))
    reach = math.ceil(TOLERANCE * comb.pitch + 1) + 2
    near = np.round(middles).astype(int)[:, None] + np.arange(-reach, reach + 1)
    columns = np.zeros(width, np.uint8)
    columns[near[(near >= 0) & (near < width)]] = 1
    return columns.tobytes()


def _is_wall_of(stroke: Stroke, comb: Comb) -> bool:
    """Whether a stroke is a wall of a comb, or of boxes with gaps between them: another one is a box away."""
    middle = stroke.middle
    reach = TOLERANCE * comb.pitch + 1
    if min(abs(edge - middle) for edge in comb.edges.tolist()) <= reach:
        return True
    if not comb.is_box.all():  # the walls of one group are a box away from the digits of another
        return False
    tall = min([wall.length for wall in comb.walls], default=0)
    distances = [abs(wall.middle - middle) for wall in comb.walls]
    return stroke.length >= tall and any(abs(distance - comb.pitch) <= reach for distance in distances)


def _is_thin(wall: Stroke, own: float, thickness: float, slope: float) -> bool:
    """Whether a stroke with a slope of its own is as thick as the walls of a comb, and leans as they do."""
    return wall.far - wall.near <= widest(wall, thickness, own) and abs(own - slope) <= MAX_SLOPE_DIFFERENCE


def _hidden(mask: MatLike, edge: float, reach: float, thickness: float, slope: float, rows: slice) -> Stroke | None:
    """The wall at an edge of a comb, in the ink of digits that touch it; None if there is no such line.

    Args:
        mask: of the ink, uint8 (H, W), 255 on 0.
        edge: the column of its middle.
        reach: how many columns it may be off.
        thickness: of the walls.
        slope: of the walls.
        rows: those of the walls.
    """
    y, wide = np.arange(rows.start, rows.stop), max(1, round(thickness))
    first, width = round(edge - reach - wide / 2), mask.shape[1]
    x = np.arange(first, first + 2 * round(reach) + wide)
    best: tuple[float, NDArray[np.intp]] = 0.0, y
    for lean in LEANS:
        shift = np.round((slope + lean) * (y - y.mean())).astype(int)
        columns = x + shift[:, None]
        ink = (np.asarray(mask)[y[:, None], columns.clip(0, width - 1)] > 0) & (columns >= 0) & (columns < width)
        filled = np.convolve(ink.mean(axis=0), np.ones(wide) / wide, "valid")
        at = int(filled.argmax())
        if filled[at] > best[0]:
            best = float(filled[at]), first + at + shift
        if best[0] < MIN_LIKELY:
            return None
    return _wall_at(mask, rows, best[1], wide) if best[0] >= MIN_FILLED else None


def _wall_at(mask: MatLike, rows: slice, starts: NDArray[np.intp], wide: int) -> Stroke:
    """The wall that begins at some column of each row, and is so many pixels wide, with its soft edges."""
    left, right = max(0, int(starts.min()) - TRIM), min(mask.shape[1], int(starts.max()) + wide + TRIM)
    x, starts = np.arange(left, right), starts[:, None]
    own = (x >= starts - TRIM) & (x < starts + wide + TRIM) & (np.asarray(mask)[rows, left:right] > 0)
    ink = np.where(own, 255, 0).astype(np.uint8)
    return make_stroke(ink, rows.start, left, False, (rows.start, rows.stop), mask.shape, float(wide))
