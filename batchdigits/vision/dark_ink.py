"""Tell a pen's ink from paler ink that touches it: of a stamp, a printed letter, a fold, a shadow, the other side."""

from __future__ import annotations

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from batchdigits.vision.components import Box
from batchdigits.vision.contrast import LEVELS, NEIGHBOURS, SQUARES, histogram

# Mean grey levels of 255: ink with paler parts is below both, most other ink above one, which saves a closer look.
MAX_MEAN, MAX_MEAN_INSIDE = 195, 230  # with the grey edges of strokes, and without them
MAX_PALE_LEVEL = 0.6  # of the level of the dark part; the strokes of one pen vary less
MIN_SHARE = 0.08  # of the area: the least of either part
MIN_SEPARATION = 0.85  # share of the variance between the parts (Otsu's criterion); evenly spread levels have 0.75


def darker_ink(ink: MatLike, mask: MatLike, box: Box) -> tuple[MatLike, MatLike] | None:
    """The darker part of ink that has two levels.

    Strokes are grey at their edges, so each pixel has the level of the darkest one beside it.

    Args:
        ink: uint8 (H, W), stretched to 255 on a background of 0.
        mask: of what may be a digit, 255 on 0.
        box: its box.

    Returns:
        The darker part, stretched to 255 on the paler one, and its mask; None if there are no two levels.
    """
    x, y, width, height = box
    inside = slice(y, y + height), slice(x, x + width)
    part, of_part = ink[inside], mask[inside]
    area = cv2.countNonZero(of_part)
    if cv2.norm(part, cv2.NORM_L1, of_part) > MAX_MEAN * area:
        return None
    part = cv2.dilate(part, NEIGHBOURS)
    if cv2.norm(part, cv2.NORM_L1, of_part) > MAX_MEAN_INSIDE * area:
        return None
    levels = _two_levels(histogram(part, of_part).astype(np.float64))
    if levels is None:
        return None
    pale, dark = levels
    darker = cv2.bitwise_and(mask, cv2.threshold(ink, round((pale + dark) / 2), 255, cv2.THRESH_BINARY)[1])
    gain = 255.0 / (255.0 - pale)
    return cv2.addWeighted(ink, gain, ink, 0.0, -gain * pale), darker


def _two_levels(counts: NDArray[np.float64]) -> tuple[float, float] | None:
    """The mean levels of the two parts that Otsu's threshold makes of a histogram, if they are two inks."""
    area, mass = counts.cumsum(), (counts * LEVELS).cumsum()
    rest, rest_mass = area[-1] - area, mass[-1] - mass
    pale, dark = mass / np.maximum(area, 1.0), rest_mass / np.maximum(rest, 1.0)
    between = area * rest * (dark - pale) ** 2
    split = int(between.argmax())
    variance = float(counts @ SQUARES) * area[-1] - mass[-1] ** 2
    if between[split] < MIN_SEPARATION * variance or min(area[split], rest[split]) < MIN_SHARE * area[-1]:
        return None
    return (float(pale[split]), float(dark[split])) if pale[split] <= MAX_PALE_LEVEL * dark[split] else None
