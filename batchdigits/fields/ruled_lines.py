"""Find the level lines of a field."""

from __future__ import annotations

import numpy as np
from cv2.typing import MatLike

from batchdigits.vision.lines import OUTER_MARGIN_SHARE
from batchdigits.vision.strokes import Stroke, find_level_strokes, placed

PART_WIDTH = 2.5  # width over height of a part of a field in which level lines are looked for
# Of the width of a part. A shorter level line in the margin, or elsewhere, is an underline, or strokes of digits.
MIN_RULE_SPAN, MIN_MIDDLE_RULE_SPAN = 0.5, 0.85
# An underline is longer than digits are high, and they hardly reach below it. Between them it lies alone, and is even.
MIN_UNDERLINE, MAX_BELOW, MIN_ALONE, MAX_UNEVENNESS, SOFT = 1.4, 0.35, 0.12, 0.15, 2


def find_rules(mask: MatLike) -> list[Stroke]:
    """The level lines of a mask. Those of a wide one are found part by part, as they are tilted or bent."""
    height, width = mask.shape
    parts = max(1, round(width / (PART_WIDTH * height)))
    rules: list[Stroke] = []
    for part in range(parts):
        left, right = part * width // parts, (part + 1) * width // parts
        own = np.ascontiguousarray(mask[:, left:right])
        for stroke in find_level_strokes(own):
            if _is_rule(stroke) or _is_underline(stroke, own):
                rules.append(placed(stroke, 0, left, mask.shape))
    return rules


def _is_rule(stroke: Stroke) -> bool:
    """Whether a level stroke of a part is a printed line."""
    return stroke.span >= (MIN_RULE_SPAN if stroke.margin < OUTER_MARGIN_SHARE else MIN_MIDDLE_RULE_SPAN)


def _is_underline(stroke: Stroke, mask: MatLike) -> bool:
    """Whether a level stroke of a part lies under several digits."""
    columns = stroke.place[1]
    above = np.asarray(mask[: stroke.near, columns]) > 0
    rows, inked = np.flatnonzero(above.any(axis=1)), np.asarray(above.any(axis=0))
    if not rows.size or stroke.length < MIN_UNDERLINE * (tall := stroke.near - int(rows[0])):
        return False
    first, last = np.flatnonzero(inked)[[0, -1]].tolist()
    alone = np.count_nonzero(np.asarray(stroke.ink) > 0, axis=0)[first:last][~inked[first:last]]
    if alone.size < MIN_ALONE * stroke.length or not alone.all() or alone.std() > MAX_UNEVENNESS * stroke.thickness:
        return False
    below = mask[stroke.far + SOFT + round(MAX_BELOW * tall) : stroke.far + tall, columns]
    return not below.any()
