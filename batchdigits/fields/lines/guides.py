"""Remove what is printed in every box of a comb, such as a figure eight that shows where to write."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from batchdigits.fields.lines.comb import Comb
from batchdigits.vision.median_level import median_level
from batchdigits.vision.morphology import rectangle

MIN_BOXES = 3  # fewer boxes may have the same digit in the same place
SHIFT = 5  # pixels by which boxes may be shifted against each other, and blurred
MIN_GUIDE = 12  # grey levels: less is the paper's grain
# Of the grey level that so much of the ink that is darker than the guide is over: what is common to all boxes and
# darker are their digits, which may overlap where there are few boxes.
MAX_GUIDE_SHARE, MIN_DARK_SHARE = 0.54, 0.1
SPREAD = 1.4  # peak of a guide over its median
# Without writing: a guide's peak, of the level that lines are over; what is ink, of that peak; and how much of the ink
# of each box is common to all: pens vary more.
MAX_PALE, MIN_INK, MIN_COMMON = 0.7, 0.5, 0.99


def remove_guides(ink: MatLike, comb: Comb, lines: float = 0.0) -> MatLike:
    """Remove the common part of all boxes from ink, if it is fainter than the rest, or all there is.

    Args:
        ink: of a view, uint8 (H, W), bright on 0.
        comb: the boxes.
        lines: the level that printed lines are over: a guide alone is removed only if it is much fainter than they are.
    """
    edges = np.round(comb.edges).astype(int).tolist()
    is_box = comb.is_box.tolist()
    boxes = [
        slice(left, right) for (left, right), own in zip(pairwise(edges), is_box, strict=True) if own and right > left
    ]
    if len(boxes) < MIN_BOXES:
        return ink
    (height, _), wide = ink.shape, round(comb.pitch)
    stack = np.zeros((len(boxes), height + SHIFT // 2, wide), np.uint8)  # with room between boxes for the blur
    for box, own in zip(boxes, stack, strict=True):
        own[:height] = ink[:, box] if box.stop - box.start == wide else cv2.resize(ink[:, box], (wide, height))
    blurred = np.asarray(cv2.dilate(stack.reshape(-1, wide), rectangle(SHIFT, SHIFT)), np.uint8)
    stack, common = stack[:, :height], blurred.reshape(stack.shape)[:, :height].min(axis=0)
    if common.max() < MIN_GUIDE:
        return ink
    level = SPREAD * median_level(common.ravel(), MIN_GUIDE)
    dark, inked = (
        cv2.countNonZero(cv2.threshold(ink, least, 255, cv2.THRESH_BINARY)[1])
        for least in (level / MAX_GUIDE_SHARE, level)
    )
    if dark <= MIN_DARK_SHARE * inked and not (level <= MAX_PALE * lines and _are_alike(stack, common, level)):
        return ink
    guide = np.minimum(common, level).astype(np.uint8)
    guides = {width: cv2.resize(guide, (width, len(guide))) for width in {box.stop - box.start for box in boxes}}
    printed = np.zeros_like(ink)
    for box in boxes:
        printed[:, box] = guides[box.stop - box.start]
    return cv2.subtract(ink, printed)


def _are_alike(stack: NDArray[np.uint8], common: NDArray[np.uint8], level: float) -> bool:
    """Whether nearly all ink of each box is common to all of them."""
    are_inked = stack >= MIN_INK * level
    counts = np.count_nonzero(are_inked, axis=(1, 2))
    return bool((np.count_nonzero(are_inked & (common >= MIN_INK * level), axis=(1, 2)) >= MIN_COMMON * counts).all())
