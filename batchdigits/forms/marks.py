"""Find the corner marks of a page: solid, compact blobs near its corners."""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from batchdigits.forms.reference import Points, reduced

LONG_SIDE = 1400  # pixels of a page in which marks are found
MIN_SIDE, MAX_SIDE = 0.005, 0.05  # of the longer side of the page: 1.5 to 15 mm on A4
MAX_ELONGATION = 1.5  # of a mark, longer side over shorter one
MIN_FILLED = 0.7  # of its box: a disc has 0.79
CORNER_SHARE = 0.12  # of the page's sides, from each corner: where marks are looked for on a blank form
MAX_ASKEW = 0.05  # of the longer side: how far the marks of a blank form may be from a parallelogram
MAX_DISTANCE = 0.25  # of the page's diagonal: how far a scan may have moved a mark
CANDIDATES = 5  # of each mark: the nearest ones
MAX_SIZE_RATIO = 1.6  # of the areas' square roots, among marks of one page
MAX_RESIDUAL = 0.02  # of the diagonal: how far marks may lie off a turned, scaled and moved page


class Blobs(NamedTuple):
    """What may be marks.

    Attributes:
        centres: in pixels of the scan.
        sides: square roots of their areas, float64 (N,).
    """

    centres: Points
    sides: NDArray[np.float64]


def find_blobs(scan: MatLike) -> Blobs:
    """The solid, compact blobs of a scan, uint8 (H, W)."""
    small, scale = reduced(scan, LONG_SIDE)
    window = max(3, round(4 * MAX_SIDE * max(small.shape)) | 1)
    mask = cv2.adaptiveThreshold(small, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, window, 40)
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))  # without lines that meet them
    _, _, stats, centres = cv2.connectedComponentsWithStats(mask, connectivity=4)
    width, height, area = (np.asarray(stats[1:, column], np.float64) for column in (2, 3, 4))
    shorter, longer = np.minimum(width, height), np.maximum(width, height)
    side = max(small.shape)
    fits = (shorter >= MIN_SIDE * side) & (longer <= MAX_SIDE * side) & (longer <= MAX_ELONGATION * shorter)
    fits &= area >= MIN_FILLED * width * height
    return Blobs((np.asarray(centres)[1:][fits] + 0.5) / scale, np.sqrt(area[fits]) / scale)


def find_corner_marks(scan: MatLike) -> list[tuple[float, float]] | None:
    """The centres of the four marks of a blank form, clockwise from the top left one; None if a corner has none."""
    height, width = scan.shape
    centres, sides = find_blobs(scan)
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)
    found: list[int] = []
    for corner in corners:
        off = np.abs(centres - corner)
        near = np.flatnonzero((off[:, 0] < CORNER_SHARE * width) & (off[:, 1] < CORNER_SHARE * height))
        if not near.size:
            return None
        found.append(int(near[off[near].sum(axis=1).argmin()]))
    top_left, top_right, bottom_right, bottom_left = centres[found]
    askew = float(np.abs(top_left + bottom_right - top_right - bottom_left).max())
    if sides[found].max() > MAX_SIZE_RATIO * sides[found].min() or askew > MAX_ASKEW * max(width, height):
        return None
    return [(float(x), float(y)) for x, y in centres[found]]


def match_marks(marks: Points, blobs: Blobs, diagonal: float) -> Points | None:
    """Where the marks of a template are in a scan; None if they are not found.

    Args:
        marks: at least three, where they are expected in the scan.
        blobs: those of the scan.
        diagonal: of the scan, in pixels.
    """
    nearest = []
    for mark in marks:
        distance = np.linalg.norm(blobs.centres - mark, axis=1)
        order = np.argsort(distance, kind="stable")[:CANDIDATES]
        nearest.append([int(index) for index in order if distance[index] <= MAX_DISTANCE * diagonal])
    best, least = None, MAX_RESIDUAL * diagonal
    for chosen in product(*nearest):
        sides = blobs.sides[list(chosen)]
        if len(set(chosen)) < len(chosen) or sides.max() > MAX_SIZE_RATIO * sides.min():
            continue
        found = blobs.centres[list(chosen)]
        residual = _residual(marks, found)
        if residual < least:
            best, least = found, residual
    return best


def _residual(marks: Points, found: Points) -> float:
    """The greatest distance between points and others that are turned, scaled and moved to fit them best."""
    here, there = (points[:, 0] + 1j * points[:, 1] for points in (marks, found))
    here, there = here - here.mean(), there - there.mean()
    turn = np.vdot(here, there) / np.vdot(here, here).real
    return float(np.abs(turn * here - there).max())
