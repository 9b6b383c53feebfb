"""Remove artifacts from a mask of ink: specks, ruled lines, a form's box, strokes of neighbours along the edge."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from batchdigits.vision.illumination import MIN_PAGE_SIDE

Box = Sequence[int]  # x, y, width and height

MIN_COMPONENT_SHARE = 0.15  # of the digit's length: a shorter component is a speck; the separate bar of a 5 has 0.45
MIN_FREE_SHARE = 0.3  # of the longest component's length: one this long that does not touch the border is the digit
MAX_COMPONENTS = 20  # of a digit; more are the grain of a blank page
MIN_LINE_SPAN = 0.9  # of the picture's side: a line of this length counts as running from edge to edge
MIN_RUN_SHARE = 0.25  # of the picture's side: the straight runs of a ruled line, which a tilt breaks, are this long
MAX_LINE_THICKNESS = 0.05  # of the longer side, except for a line along the edge; a pen in a tight crop is thicker
CLOSING_SIDE = 7  # pixels: side of the square that closes the gaps in strokes where a line was removed


def remove_artifacts(mask: MatLike) -> tuple[MatLike, Box]:
    """Keep only the digit in a mask of ink, uint8 (H, W), 255 on 0.

    Returns:
        The mask of the digit, and its box; both empty if no component is a digit.
    """
    digit, box = _keep_digit(mask)
    if min(mask.shape) >= MIN_PAGE_SIDE and _spans(box, mask):
        lines = cv2.bitwise_or(_level_lines(mask), cv2.transpose(_level_lines(cv2.transpose(mask))))
        if cv2.hasNonZero(lines):
            rest, rest_box = _keep_digit(_without_lines(lines, mask))
            if not _spans(rest_box, mask):  # if the rest spans it too, the line was a bar of a tightly cropped digit
                return rest, rest_box
    return digit, box


def _keep_digit(mask: MatLike) -> tuple[MatLike, Box]:
    """Remove specks, and components that touch the border if another one does not."""
    box = left, top, wide, high = cv2.boundingRect(mask)
    # Without keywords, which take longer; and never on an empty picture, on which OpenCV crashes.
    if not wide or cv2.connectedComponents(mask[top : top + high, left : left + wide], None, 8, cv2.CV_16U)[0] <= 2:
        return mask, box
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, ltype=cv2.CV_16U)
    x, y, width, height = stats[1:, : cv2.CC_STAT_AREA].T
    length = np.maximum(width, height)
    is_free = (x > 0) & (y > 0) & (x + width < mask.shape[1]) & (y + height < mask.shape[0])
    if is_free.all():
        keep = is_free
    else:
        is_central = _reach_middle(labels, len(length))
        is_digit = is_free & (length >= MIN_FREE_SHARE * length.max()) & (is_central | ~is_central[~is_free].any())
        keep = is_free if is_digit.any() else np.ones_like(is_free)
    keep &= length >= MIN_COMPONENT_SHARE * length[keep].max()
    if keep.all() and keep.size <= MAX_COMPONENTS:
        return mask, box
    if np.count_nonzero(keep) > MAX_COMPONENTS:
        keep[:] = False
    digit = _select(labels, np.append(False, keep))
    return digit, cv2.boundingRect(digit)


def _reach_middle(labels: MatLike, count: int) -> NDArray[np.bool_]:
    """Whether each component reaches the middle of the picture, as no neighbour's stroke does."""
    rows, columns = labels.shape
    middle = labels[rows // 4 : rows - rows // 4, columns // 4 : columns - columns // 4]
    return np.bincount(np.asarray(middle, np.uint16).ravel(), minlength=count + 1)[1:] > 0


def _select(labels: MatLike, keep: NDArray[np.bool_]) -> MatLike:
    """The mask of the components to keep, given a flag for each label."""
    levels: NDArray[np.uint8] = np.where(keep, 255, 0).astype(np.uint8)
    return levels.take(np.asarray(labels, np.uint16))  # faster than levels[labels]


def _spans(box: Box, mask: MatLike) -> bool:
    """Whether the box of a mask's ink runs from edge to edge of the mask, or touches its border."""
    x, y, width, height = box
    rows, columns = mask.shape
    touches = not (x and y and x + width < columns and y + height < rows)
    return bool(width) and (touches or width >= MIN_LINE_SPAN * columns or height >= MIN_LINE_SPAN * rows)


def _without_lines(lines: MatLike, mask: MatLike) -> MatLike:
    """Remove lines from a mask, and close the strokes that they crossed."""
    rest = cv2.bitwise_and(mask, cv2.bitwise_not(cv2.dilate(lines, _rectangle(3, 3))))
    closed = cv2.morphologyEx(rest, cv2.MORPH_CLOSE, _rectangle(CLOSING_SIDE, CLOSING_SIDE))
    return cv2.bitwise_or(rest, cv2.bitwise_and(closed, mask))


def _level_lines(mask: MatLike) -> MatLike:
    """The mask of the ruled lines that are level and run from edge to edge."""
    height, width = mask.shape
    lines: NDArray[np.uint8] = np.zeros((height, width), np.uint8)
    run = _rectangle(1, round(MIN_RUN_SHARE * width))
    cores = cv2.erode(mask, run)
    if not cv2.hasNonZero(cores):
        return lines
    # Only rows near a run are examined. One row before each run and two after it keep separate lines separate.
    row_has_run = cv2.reduce(cores, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32F).reshape(1, -1)
    near = cv2.dilate(row_has_run, _rectangle(1, 4))[0] > 0
    runs = _edge_to_edge(cv2.dilate(cores[near], run))
    thickness = _rectangle(round(MAX_LINE_THICKNESS * max(height, width)) + 1, 1)
    cores = cv2.erode(runs, thickness)
    if cv2.hasNonZero(cores):
        is_full = cv2.reduce(mask, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S).ravel() / width >= MIN_LINE_SPAN * 255
        is_edge = np.logical_and.accumulate(is_full) | np.logical_and.accumulate(is_full[::-1])[::-1]
        too_thick = cv2.dilate(cores, thickness)
        too_thick[is_edge[near]] = 0
        runs = cv2.subtract(runs, too_thick)
    lines[near] = runs
    return lines


def _edge_to_edge(runs: MatLike) -> MatLike:
    """Keep the level runs that together form a line from edge to edge."""
    joined = cv2.dilate(runs, _rectangle(3, 9))  # bridges the steps of a tilted line and the gaps of a bad print
    _, labels, stats, _ = cv2.connectedComponentsWithStats(joined, ltype=cv2.CV_16U)
    spans = stats[:, cv2.CC_STAT_WIDTH] >= MIN_LINE_SPAN * runs.shape[1]
    if spans[1:].all():
        return runs
    spans[0] = False
    return cv2.bitwise_and(runs, _select(labels, spans))


@cache
def _rectangle(height: int, width: int) -> MatLike:
    return np.ones((height, width), np.uint8)
