"""Find the ink of a mask that may be strokes along its rows: runs that are long and not thick."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from batchdigits.vision.morphology import LONG_WINDOW, dilate_columns, erode_columns, opposite, rectangle

# Shares are of the mask's columns, unless another side is named.
MIN_RUN_SHARE = 0.25  # straight runs, which a tilt or a bad print breaks
MIN_LENGTH_SHARE = 0.4
MAX_THICKNESS_SHARE = 0.2  # of the mask's longer side: the thick side of a box, out of focus
MAX_GAP_SHARE = 0.14  # a gap in a stroke, where another one crosses
TILT_SHARE = 0.0125  # rows that a stroke may rise, either way, within a run


def long_parts(mask: MatLike, turned: MatLike, where: bytes = b"") -> Iterator[tuple[MatLike, int, int]]:
    """The ink of what may be strokes along the rows of a mask, in its box, with the box's first column and row.

    Args:
        mask: uint8 (H, W), 255 on 0.
        turned: the same, transposed: a window along contiguous rows takes less time.
        where: 1 for each row of the mask in which they are looked for, else 0; empty for all.
    """
    height, width = mask.shape
    run = max(5, round(MIN_RUN_SHARE * width))
    rows = 2 * max(1, round(TILT_SHARE * width)) + 1  # a tilt of so many rows within a run does not break it
    cores = erode_columns(cv2.dilate(turned, rectangle(3, rows)), run)
    if not cv2.hasNonZero(cores):
        return
    if where and not np.bitwise_or.reduce(cores, axis=0)[np.frombuffer(where, np.bool_)].any():
        return
    runs = np.asarray(cv2.bitwise_and(dilate_columns(cores, run), turned), np.uint8)
    _remove_tall(runs, mask, turned, max(2, round(MAX_THICKNESS_SHARE * max(height, width))) + 1)
    if cv2.boundingRect(runs)[3] < MIN_LENGTH_SHARE * width:
        return
    joined = dilate_columns(runs, max(3, round(MAX_GAP_SHARE * width)) | 1, 3)
    yield from _wide_components(cv2.transpose(runs), joined, MIN_LENGTH_SHARE * width, where)


def _remove_tall(runs: NDArray[np.uint8], mask: MatLike, turned: MatLike, tall: int) -> None:
    """Remove ink from runs where it is so many pixels thick.

    Args:
        runs: of the turned mask, uint8 (W, H), 255 on 0; changed in place.
        mask: uint8 (H, W), 255 on 0.
        turned: the same, transposed.
        tall: pixels.
    """
    step = tall // (4 if tall >= LONG_WINDOW else 2)
    few = mask[::step]
    count = tall // step  # of these rows, each of which is inked where ink is so thick
    if len(few) < count:
        return
    for _ in range(count - 1):
        few = cv2.bitwise_and(few[:-1], few[1:])
    if cv2.hasNonZero(few):
        is_long = tall >= LONG_WINDOW  # else it takes longer to find the columns than to look at all
        columns = np.flatnonzero(np.bitwise_or.reduce(few, axis=0)) if is_long else slice(None)
        element = rectangle(1, tall)
        ink = np.asarray(turned)[columns]
        cores = cv2.erode(ink, element, borderType=cv2.BORDER_CONSTANT, borderValue=0)
        runs[columns] = cv2.subtract(runs[columns], cv2.dilate(cores, element, anchor=opposite(element)))


def _wide_components(runs: MatLike, joined: MatLike, least: float, where: bytes) -> Iterator[tuple[MatLike, int, int]]:
    """The ink of each component that is wide enough, in its box, with the box's first column and row.

    Rows without ink part a picture into bands. Most bands have one component, and it takes less time to count than to
    measure.

    Args:
        runs: the mask of the ink, uint8 (H, W).
        joined: the mask in which components are connected, turned, uint8 (W, H).
        least: columns of a component.
        where: as for `long_parts`.
    """
    has_ink = np.bitwise_or.reduce(joined, axis=0).tobytes()
    joined = cv2.transpose(joined)
    top = has_ink.find(255)
    while top >= 0:
        bottom = has_ink.find(0, top)
        bottom = len(has_ink) if bottom < 0 else bottom
        if not where or where.find(1, top, bottom) >= 0:
            band = joined[top:bottom]
            left, _, wide, _ = cv2.boundingRect(band)
            count, labels = cv2.connectedComponents(band, None, 8, cv2.CV_16U) if wide >= least else (0, band)
            if count == 2:
                yield runs[top:bottom, left : left + wide], left, top
            elif count:
                _, labels, stats, _ = cv2.connectedComponentsWithStats(band, labels, None, None, 8, cv2.CV_16U)
                for label, (left, y, wide, high, _) in enumerate(stats.tolist()):
                    if label and wide >= least and (not where or where.find(1, top + y, top + y + high) >= 0):
                        box = slice(y, y + high), slice(left, left + wide)
                        yield runs[top:bottom][box] * (labels[box] == label), left, top + y
        top = has_ink.find(255, bottom)
