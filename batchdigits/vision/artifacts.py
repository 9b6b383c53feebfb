"""Wipe away what is not the digit: specks, ruled lines, a form's box, the neighbours' feet along the edge."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from batchdigits.vision.illumination import ROOM

Box = Sequence[int]  # x, y, width and height

SPECK = 0.15  # a blot shorter than this part of the digit is a speck; the free bar of a 5 is three times as long
MAIN = 0.3  # what stands free of the border is the digit if it has this part of the length of what hangs on it
CROWD = 20  # more pieces than a digit breaks into are the grain of a blank page
ACROSS = 0.9  # a line runs from edge to edge if it does for this part of the picture's side
RUN = 0.25  # and is ruled if it does so in straight runs of this part of it: a scan's tilt breaks it into a few
FINE = 0.05  # and is no thicker than this part, unless it lies along the edge; pens in a tight crop are thicker
GAP = 7  # pixels, within which strokes are closed where a line was taken out


def remove_artifacts(mask: MatLike) -> tuple[MatLike, Box]:
    """Keep the digit of a mask of ink, uint8 (H, W), 255 on 0; nothing is left where there is no digit.

    Returns:
        The mask of the digit, and its box.
    """
    kept, box = _body(mask)
    if min(mask.shape) >= ROOM and _spans(box, mask):
        rules = cv2.bitwise_or(_rules(mask), cv2.transpose(_rules(cv2.transpose(mask))))
        if cv2.hasNonZero(rules):
            bare, inner = _body(_without(rules, mask))
            if not _spans(inner, mask):  # a bar of a digit in a tight crop runs from edge to edge, but so does the rest
                return bare, inner
    return kept, box


def _body(mask: MatLike) -> tuple[MatLike, Box]:
    """Drop specks, and what hangs on the border while something else stands free of it."""
    box = left, top, wide, high = cv2.boundingRect(mask)
    # By name, the arguments cost 0.3 us; of no pixels, OpenCV crashes.
    if not wide or cv2.connectedComponents(mask[top : top + high, left : left + wide], None, 8, cv2.CV_16U)[0] <= 2:
        return mask, box
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, ltype=cv2.CV_16U)
    x, y, width, height = stats[1:, : cv2.CC_STAT_AREA].T
    length = np.maximum(width, height)
    free = (x > 0) & (y > 0) & (x + width < mask.shape[1]) & (y + height < mask.shape[0])
    if free.all():
        keep = free
    else:
        middle = _in_middle(labels, len(length))
        digit = free & (length >= MAIN * length.max()) & (middle | ~middle[~free].any())
        keep = free if digit.any() else np.ones_like(free)
    keep &= length >= SPECK * length[keep].max()
    if keep.all() and keep.size <= CROWD:
        return mask, box
    if np.count_nonzero(keep) > CROWD:
        keep[:] = False
    kept = _pieces(labels, np.append(False, keep))
    return kept, cv2.boundingRect(kept)


def _in_middle(labels: MatLike, count: int) -> NDArray[np.bool_]:
    """Tell for each component whether it reaches the middle of the picture, where no neighbour's foot does."""
    rows, columns = labels.shape
    middle = labels[rows // 4 : rows - rows // 4, columns // 4 : columns - columns // 4]
    return np.bincount(middle.ravel(), minlength=count + 1)[1:] > 0


def _pieces(labels: MatLike, keep: NDArray[np.bool_]) -> MatLike:
    """Make the mask of some of the components, by a flag for each label."""
    levels: NDArray[np.uint8] = np.where(keep, 255, 0).astype(np.uint8)
    return levels.take(np.asarray(labels, np.uint16))  # in half of the time of levels[labels]


def _spans(box: Box, mask: MatLike) -> bool:
    """Tell whether what is in a box of a mask runs from edge to edge, or touches the border."""
    x, y, width, height = box
    rows, columns = mask.shape
    touches = not (x and y and x + width < columns and y + height < rows)
    return bool(width) and (touches or width >= ACROSS * columns or height >= ACROSS * rows)


def _without(rules: MatLike, mask: MatLike) -> MatLike:
    """Take lines out of a mask, and close the strokes that they crossed."""
    rest = cv2.bitwise_and(mask, cv2.bitwise_not(cv2.dilate(rules, _brick(3, 3))))
    healed = cv2.morphologyEx(rest, cv2.MORPH_CLOSE, _brick(GAP, GAP))
    return cv2.bitwise_or(rest, cv2.bitwise_and(healed, mask))


def _rules(mask: MatLike) -> MatLike:
    """Find the level lines of a mask that run from edge to edge."""
    height, width = mask.shape
    rules: NDArray[np.uint8] = np.zeros((height, width), np.uint8)
    run = _brick(1, round(RUN * width))
    cores = cv2.erode(mask, run)
    if not cv2.hasNonZero(cores):
        return rules
    # Most rows hold no run. One of them before those that do, and two after, keep apart what is apart.
    near = cv2.dilate(cv2.reduce(cores, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32F).reshape(1, -1), _brick(1, 4))[0] > 0
    runs = _across(cv2.dilate(cores[near], run))
    thick = _brick(round(FINE * max(height, width)) + 1, 1)
    cores = cv2.erode(runs, thick)
    if cv2.hasNonZero(cores):
        full = cv2.reduce(mask, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S).ravel() / width >= ACROSS * 255
        edge = np.logical_and.accumulate(full) | np.logical_and.accumulate(full[::-1])[::-1]
        broad = cv2.dilate(cores, thick)
        broad[edge[near]] = 0
        runs = cv2.subtract(runs, broad)
    rules[near] = runs
    return rules


def _across(runs: MatLike) -> MatLike:
    """Keep those level runs that make up lines from edge to edge."""
    joined = cv2.dilate(runs, _brick(3, 9))  # over the steps of a tilt and the nicks of a bad print
    _, labels, stats, _ = cv2.connectedComponentsWithStats(joined, ltype=cv2.CV_16U)
    across = stats[:, cv2.CC_STAT_WIDTH] >= ACROSS * runs.shape[1]
    if across[1:].all():
        return runs
    across[0] = False
    return cv2.bitwise_and(runs, _pieces(labels, across))


@cache
def _brick(height: int, width: int) -> MatLike:
    return np.ones((height, width), np.uint8)
