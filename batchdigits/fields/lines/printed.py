"""Tell printed upright lines from strokes of a pen: they are of one length, thickness and slope, and stand in a row."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from batchdigits.vision.strokes import Stroke

# How far printed lines differ from their median: pixels, and a share of their length or thickness.
ENDS, ENDS_SHARE = 1.5, 0.015
THICKNESS, THICKNESS_SHARE = 1.0, 0.1
MAX_SLOPE_DIFFERENCE = 0.03  # columns for each row
# Columns of an upright line, over its thickness, and pixels more on either side: or it is a stroke along a line.
MAX_THICKER, TRIM = 1.5, 1
MAX_SWELLING = 1.25  # mean thickness of a line over what it mostly is: pens are less even


def are_printed(strokes: Sequence[Stroke]) -> NDArray[np.bool_]:
    """Which of some upright strokes are as straight and even as a printed line, and like most of the others, bool (N,).

    Args:
        strokes: the strokes, from left to right; the row that they stand in may be tilted.
    """
    if not strokes:
        return np.zeros(0, np.bool_)
    starts = np.array([stroke.top for stroke in strokes])
    ends = starts + [len(stroke.ink) for stroke in strokes]
    thickness = np.array([stroke.thickness for stroke in strokes])
    mean = np.array([cv2.countNonZero(stroke.ink) / len(stroke.ink) for stroke in strokes])
    slopes = np.array([slope_of(stroke) for stroke in strokes])
    is_printed = are_alike(np.array([stroke.middle for stroke in strokes]), starts, ends, thickness)
    is_printed &= mean <= MAX_SWELLING * thickness + THICKNESS
    return np.asarray(is_printed & (np.abs(slopes - np.median(slopes)) <= MAX_SLOPE_DIFFERENCE), np.bool_)


def are_alike(
    middles: NDArray[np.float64], starts: NDArray[np.intp], ends: NDArray[np.intp], thickness: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Which of some upright lines have the ends and the thickness that most have, bool (N,).

    Args:
        middles: the column of each.
        starts: the first row of each.
        ends: one past the last row of each.
        thickness: of each, in pixels.
    """
    usual = float(np.median(thickness))
    is_alike = np.abs(thickness - usual) <= THICKNESS + THICKNESS_SHARE * usual
    reach = ENDS + ENDS_SHARE * float(np.median(ends - starts))
    return np.asarray(is_alike & (_off_line(middles, starts) <= reach) & (_off_line(middles, ends) <= reach), np.bool_)


def is_upright_to(stroke: Stroke, tilt: float) -> bool:
    """Whether an upright stroke stands at a right angle on a row of some tilt, in rows for each column."""
    return abs(slope_of(stroke) + tilt) <= MAX_SLOPE_DIFFERENCE


def is_even(stroke: Stroke) -> bool:
    """Whether an upright stroke is as narrow, but for its slope, as one without loops and bends."""
    return stroke.far - stroke.near <= widest(stroke, stroke.thickness, slope_of(stroke))


def widest(stroke: Stroke, thickness: float, slope: float) -> float:
    """The columns that an upright line may take that is as long as a stroke, and has a thickness and slope."""
    return MAX_THICKER * thickness + abs(slope) * stroke.length + 2 * TRIM


def slope_of(stroke: Stroke) -> float:
    """The slope of an upright stroke: columns to the right for each row down."""
    mass = cv2.moments(stroke.ink, True)
    return float(mass["mu11"] / max(mass["mu02"], 1.0))


def _off_line(x: NDArray[np.float64], y: NDArray[np.intp]) -> NDArray[np.float64]:
    """How far values are from the line that most of them lie on."""
    across, rise = x[:, None] - x, y[:, None] - y
    is_pair = across > 0
    slope = float(np.median(rise[is_pair] / across[is_pair])) if is_pair.any() else 0.0
    level = y - slope * x
    return np.abs(level - np.median(level))
