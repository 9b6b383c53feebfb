"""Find a piece of paper that something else surrounds, such as a note on a desk, and leave out what surrounds it."""

from __future__ import annotations

import math

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from batchdigits.vision.illumination import MIN_PAGE_SIDE, remove_background

MAX_PIXELS = 250_000  # that are looked at: of more, every so many-th row and column
MIN_BORDER_SHARE = 0.75  # of the picture's border: what surrounds the paper
MIN_PAPER_SHARE = 0.25  # of the picture: the paper
MIN_FILLED_SHARE = 0.5  # of the paper's outline: pixels of its own colour, and not of ink
MIN_RADIUS = 0.12  # of the picture's shorter side: of a disc in it; the strokes of digits are thinner
EDGE = 0.03  # of the picture's shorter side: how far inside its outline the paper is sure to begin
LIGHT_REACH = 0.25  # of the shorter side: how far the paper's light goes on
MIN_STROKE_STRENGTH = 0.5  # of those on the paper: with such strokes, what surrounds it is paper in a shadow, too
STROKE_RANKS = 50, 99.5  # percentiles of the pixels without their background: of grain, and of strokes


def find_paper(scan: MatLike, lighter: MatLike) -> NDArray[np.uint8] | None:
    """The inside of a piece of paper of one colour that another one surrounds; None without one.

    Args:
        scan: grey, uint8 (H, W).
        lighter: the mask of its lighter side, 255 on 0.

    Returns:
        The mask of the paper, 255 on 0, uint8 (H, W).
    """
    if min(scan.shape) < MIN_PAGE_SIDE:
        return None
    border = np.concatenate((lighter[0], lighter[-1], lighter[:, 0], lighter[:, -1]))
    share = np.count_nonzero(border) / border.size
    if 1.0 - MIN_BORDER_SHARE < share < MIN_BORDER_SHARE:
        return None
    inner = cv2.countNonZero(lighter) / lighter.size
    if (inner if share < 0.5 else 1.0 - inner) < MIN_FILLED_SHARE * MIN_PAPER_SHARE:
        return None
    step = max(1, math.ceil(math.sqrt(lighter.size / MAX_PIXELS)))
    few = np.ascontiguousarray(lighter[::step, ::step])
    outline = _outline(few if share < 0.5 else cv2.bitwise_not(few))
    if outline is None:
        return None
    small = _inside(outline, few.shape)
    if _is_written(np.ascontiguousarray(scan[::step, ::step]), small):
        return None
    return small if step == 1 else _inside(outline * step, scan.shape)


def light_beyond(page: MatLike, paper: MatLike) -> NDArray[np.uint8]:
    """A page, uint8 (H, W), on which the light of the paper, as `find_paper` gives it, goes on over the rest."""
    is_paper = np.asarray(paper) > 0
    reach = LIGHT_REACH * min(page.shape)
    weight = is_paper.astype(np.float32)
    light = cv2.GaussianBlur(page * weight, (0, 0), reach) / np.maximum(cv2.GaussianBlur(weight, (0, 0), reach), 1e-3)
    return np.where(is_paper, page, light.round().clip(0, 255)).astype(np.uint8)


def _outline(mask: MatLike) -> NDArray[np.int32] | None:
    """The convex hull of a mask's component that may be a piece of paper; None without one."""
    height, width = mask.shape
    framed = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    _, radius, _, (x, y) = cv2.minMaxLoc(cv2.distanceTransform(framed, cv2.DIST_L2, 3))
    if radius < MIN_RADIUS * min(height, width):
        return None
    labels = np.asarray(cv2.connectedComponents(mask, ltype=cv2.CV_16U)[1])
    own = (labels == labels[y - 1, x - 1]).view(np.uint8)
    hull = np.asarray(cv2.convexHull(cv2.findNonZero(own)), np.int32)
    area = cv2.contourArea(hull)
    is_paper = area >= MIN_PAPER_SHARE * mask.size and cv2.countNonZero(own) >= MIN_FILLED_SHARE * area
    return hull if is_paper else None


def _inside(outline: NDArray[np.int32], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """The mask of what is so far within an outline that it is none of its soft edge."""
    filled = cv2.fillConvexPoly(np.zeros(shape, np.uint8), outline, 255)
    side = 2 * max(1, round(EDGE * min(shape))) + 1
    return np.asarray(cv2.erode(filled, np.ones((side, side), np.uint8), borderValue=255), np.uint8)


def _is_written(scan: MatLike, paper: NDArray[np.uint8]) -> bool:
    """Whether there are strokes around what may be a piece of paper, half as strong as those on it."""
    side = 2 * max(1, round(2 * EDGE * min(scan.shape))) + 1
    around = cv2.dilate(paper, np.ones((side, side), np.uint8)) == 0
    if not around.any():
        return False
    ink = np.asarray(remove_background(np.invert(scan))[0])
    strengths = [float(np.diff(np.percentile(ink[part], STROKE_RANKS))[0]) for part in (paper > 0, around)]
    return strengths[1] >= MIN_STROKE_STRENGTH * strengths[0]
