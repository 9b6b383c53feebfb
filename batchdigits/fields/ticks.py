"""Find the boxes of a comb whose walls are short: ticks that stand on a rule between digits higher than they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from cv2.typing import MatLike

from batchdigits.fields.comb import Comb, fit_boxes
from batchdigits.fields.walls import AT_RULE
from batchdigits.vision.components import components_of, select
from batchdigits.vision.morphology import rectangle
from batchdigits.vision.strokes import Stroke

MIN_LENGTH, MAX_LENGTH = 0.1, 0.7  # of the height of the picture over the rule
MAX_WIDTH = 0.45  # of its length: a wider component is no tick
MAX_DEVIATION = 0.25  # of the median length and width: all ticks are alike
MIN_DIGIT_HEIGHT = 1.15  # median height of the digits, in lengths of ticks; as ones on a rule are no ticks
SOFT = 3  # pixels: a square around a tick with its soft edge


class Ticks(NamedTuple):
    """A comb with short walls.

    Attributes:
        comb: its boxes.
        mask: of its ticks with their soft edges, 255 on 0.
    """

    comb: Comb
    mask: MatLike


def find_ticks(mask: MatLike, rules: Sequence[Stroke]) -> Ticks | None:
    """The ticks in the ink of a view; None without such a comb.

    Args:
        mask: of the ink without its rules, uint8 (H, W), 255 on 0.
        rules: level lines.
    """
    height, width = mask.shape
    base = min((rule.near for rule in rules if rule.near > height / 2), default=0)
    if not base or not cv2.hasNonZero(mask):
        return None
    low = [rule for rule in rules if rule.near > height / 2]
    reach = max(rule.thickness for rule in low) + AT_RULE
    parts = components_of(mask)
    is_low = parts.y + parts.height >= base - reach
    is_tick = is_low & (parts.width <= MAX_WIDTH * parts.height)
    is_tick &= (parts.height >= MIN_LENGTH * base) & (parts.height <= MAX_LENGTH * base)
    for _ in range(2):  # the second time without digits
        if np.count_nonzero(is_tick) < 3:
            return None
        length, thick = (float(np.median(sizes[is_tick])) for sizes in (parts.height, parts.width))
        is_tick &= np.abs(parts.height - length) <= MAX_DEVIATION * length + 1
        is_tick &= np.abs(parts.width - thick) <= MAX_DEVIATION * thick + 1
    middles = parts.x + parts.width / 2
    edges = fit_boxes(sorted(middles[is_tick].tolist()), base, width)
    if edges is None:
        return None
    pitch = float(np.median(np.diff(edges)))
    is_tick &= np.abs(edges[:, None] - middles).min(axis=0) <= MAX_DEVIATION * pitch / 2
    others = parts.height[~is_tick & (parts.height >= length / 2)]
    ends = min(rule.left for rule in low), max(rule.place[1].stop for rule in low)
    first, last = float(middles[is_tick].min()), float(middles[is_tick].max())
    is_corner = ends[0] > 0 and first - ends[0] <= reach and ends[1] < width and ends[1] - last <= reach
    if not is_corner and (not others.size or np.median(others) < MIN_DIGIT_HEIGHT * length):
        return None
    return Ticks(Comb(edges, pitch, [], edges), cv2.dilate(select(parts, is_tick), rectangle(SOFT, SOFT)))
