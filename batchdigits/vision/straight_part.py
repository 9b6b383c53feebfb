"""Find the straight stroke among some ink of a mask."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from batchdigits.vision.long_parts import MIN_LENGTH_SHARE

# Shares are of the mask's columns, unless something else is named.
MIN_FILLED_SHARE, MIN_THIN_SHARE = 0.6, 0.45  # of its own length: with ink, and with ink of its own thickness
MAX_SLOPE = 0.14  # rise over run, 8 degrees; a perspective or a curved page is within it
MAX_BEND = 0.012  # mean deviation from straightness, of its own length: a curved page bends its lines
MAX_DEVIATION = 0.5  # of its thickness: columns that lie off the fitted line are left out, and it is fitted again
FITS = 6
THICKNESS_RANK = 0.33  # of its columns or rows: a digit may cover the middle of a line
MAX_BULGE = 1.7  # of its thickness: where it is thicker, another stroke meets it
MAX_CORNER_SHARE = 0.2  # how far it may run on through a corner, where thick lines cross

Columns = NDArray[np.intp]


class StraightPart(NamedTuple):
    """A straight stroke along the rows of a mask.

    Attributes:
        ink: its pixels in its box, 255 on 0, uint8 (h, w).
        left: first column of its box.
        top: first row of its box.
        ends: first column, and one past the last, where it runs on through corners.
        thickness: the lower third of its columns is no thicker than so many pixels.
    """

    ink: MatLike
    left: int
    top: int
    ends: tuple[int, int]
    thickness: float


def straight_part(ink: MatLike, left: int, top: int, mask: MatLike) -> StraightPart | None:
    """The straight stroke among some ink of a mask; None if there is none that is long enough.

    Args:
        ink: uint8 (h, w), 255 on 0.
        left: its first column in the mask.
        top: its first row in the mask.
        mask: uint8 (H, W), 255 on 0.
    """
    least = MIN_LENGTH_SHARE * mask.shape[1]
    box = cv2.boundingRect(ink)
    if box[2] < least:
        return None
    sums = np.asarray(cv2.reduce(ink, 0, cv2.REDUCE_SUM, dtype=cv2.CV_32S), np.int32).ravel()
    keep = sums > 0
    filled = sums[keep]
    filled.sort()
    thickness = int(filled[int(THICKNESS_RANK * filled.size)]) / 255
    most = 255 * (MAX_BULGE * thickness + 1)
    is_whole = int(filled[-1]) <= most
    if not is_whole:
        keep &= sums <= most
        ink = ink * keep
    if not _is_straight(ink[box[1] : box[1] + box[3], box[0] : box[0] + box[2]], thickness):
        keep, is_whole = _straight_columns(ink, sums // 255, np.flatnonzero(keep), thickness, least), False
        ink = ink * keep
    thin_columns = filled_columns = filled.size
    if not is_whole:
        box = cv2.boundingRect(ink)
        thin_columns = int(np.count_nonzero(keep))
        filled_columns = int(np.count_nonzero(sums[box[0] : box[0] + box[2]]))
    x, y, wide, high = box
    if wide < least or thin_columns < MIN_THIN_SHARE * wide or filled_columns < MIN_FILLED_SHARE * wide:
        return None
    left, top = left + x, top + y
    ends = _prolonged(mask[top : top + high], left, left + wide)
    return StraightPart(ink[y : y + high, x : x + wide], left, top, ends, thickness)


def _is_straight(ink: MatLike, thickness: float) -> bool:
    """Whether a stroke follows a straight line closely, by its moments: a quick look that is enough for most lines."""
    bend = MAX_BEND * ink.shape[1]
    if len(ink) - 1 <= 2 * bend:  # so few rows bound both the slope and the variance
        return True
    mass = cv2.moments(ink)
    if mass["mu20"] <= 0.0:
        return False
    slope = mass["mu11"] / mass["mu20"]
    variance = (mass["mu02"] - slope * mass["mu11"]) / mass["m00"]  # across the fitted line
    return bool(abs(slope) <= MAX_SLOPE and variance <= (thickness**2 + 1.0) / 12.0 + bend**2)


def _straight_columns(
    ink: MatLike, counts: NDArray[np.int32], columns: Columns, thickness: float, least: float
) -> NDArray[np.bool_]:
    """Those columns of a stroke in which its middle lies on one line; none if that line bends or is too steep.

    Args:
        ink: uint8 (h, w), 255 on 0.
        counts: the number of its pixels in each column.
        columns: the columns to look at, rising.
        thickness: of the stroke.
        least: columns of a stroke that is long enough; a shorter one is given up.

    Returns:
        A flag for each column.
    """
    keep = np.zeros(len(counts), np.bool_)
    middles = (np.arange(len(ink), dtype=np.float32) @ np.asarray(ink, np.float32))[columns] / (255.0 * counts[columns])
    for _ in range(FITS):
        count = columns.size
        if count < max(2, MIN_THIN_SHARE * least) or columns[-1] - columns[0] + 1 < least:
            return keep
        x = columns - np.add.reduce(columns) / count
        slope = (x @ middles) / (x @ x)
        deviations = np.abs(middles - np.add.reduce(middles) / count - slope * x)
        is_on_line = deviations <= MAX_DEVIATION * thickness + 1.5
        if np.logical_and.reduce(is_on_line):
            break
        columns, middles = columns[is_on_line], middles[is_on_line]
    bend = np.add.reduce(deviations[is_on_line]) / count - 0.1 * thickness
    keep[columns] = abs(slope) <= MAX_SLOPE and bend <= MAX_BEND * columns.size
    return keep


def _prolonged(rows: MatLike, start: int, end: int) -> tuple[int, int]:
    """The ends of a stroke in its rows of the mask, where it runs on through a corner; gaps of 2 pixels are bridged."""
    width = rows.shape[1]
    most = round(MAX_CORNER_SHARE * width)
    first, last = max(0, start - most), min(width, end + most)
    if first == start and last == end:
        return start, end
    ink = b"\0%b\0" % np.bitwise_or.reduce(rows, axis=0).tobytes()
    gap = b"\0\0\0"  # with a pixel more on each side, so that it begins where its middle is without them
    before, after = ink.rfind(gap, first, start + 2), ink.find(gap, end, last + 2)  # the nearest ones, or -1
    return first if before < 0 else before + 1, last if after < 0 else after
