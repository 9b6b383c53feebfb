"""Find the level lines of a field."""

from __future__ import annotations

import numpy as np
from cv2.typing import MatLike

from batchdigits.vision.lines import OUTER_MARGIN_SHARE
from batchdigits.vision.strokes import Stroke, find_level_strokes, placed

PART_WIDTH = 2.5  # width over height of a part of a field in which level lines are looked for
# Of the width of a part. A shorter level line in the margin, or elsewhere, is an underline, or strokes of digits.
MIN_RULE_SPAN, MIN_MIDDLE_RULE_SPAN = 0.5, 0.85


def find_rules(mask: MatLike) -> list[Stroke]:
    """The level lines of a mask. Those of a wide one are found part by part, as they are tilted or bent."""
    height, width = mask.shape
    parts = max(1, round(width / (PART_WIDTH * height)))
    rules: list[Stroke] = []
    for part in range(parts):
        left, right = part * width // parts, (part + 1) * width // parts
        found = find_level_strokes(np.ascontiguousarray(mask[:, left:right]))
        rules += [placed(stroke, 0, left, mask.shape) for stroke in found if _is_rule(stroke)]
    return rules


def _is_rule(stroke: Stroke) -> bool:
    """Whether a level stroke of a part is a printed line."""
    return stroke.span >= (MIN_RULE_SPAN if stroke.margin < OUTER_MARGIN_SHARE else MIN_MIDDLE_RULE_SPAN)
