"""Find the level lines of a field."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from batchdigits.fields.lines.printed import are_printed
from batchdigits.fields.lines.underlines import is_underline
from batchdigits.vision.lines import OUTER_MARGIN_SHARE
from batchdigits.vision.strokes import Stroke, UprightStrokes, find_level_strokes, placed

PART_WIDTH = 2.5  # width over height of a part of a field in which level lines are looked for
# Of the width of a part. A shorter level line in the margin, or elsewhere, is an underline, or strokes of digits.
MIN_RULE_SPAN, MIN_MIDDLE_RULE_SPAN = 0.5, 0.85
AT_CORNER = 4  # pixels from the end of a side of a frame to the next side
MIN_SIDE_SHARE = 0.4  # of the height: the upright sides of a frame
MIN_FRAME_SHARE, MIN_LIKENESS = 0.4, 0.95  # of the height, and of the longest side: those of narrow frames
MAX_FRAME_SIDES = 4  # of two frames: more of them make rules together
SOFT = 2  # rows by which a rule may be off where it goes on in the next part
TRIM = 1  # pixel by which a rule may be thicker than it mostly is, on either side
STEP, MIN_COLUMNS = 4, 60  # of so many columns of a stroke, each fourth is looked at
MAX_HEIGHT = 255  # pixels of a stroke, as OpenCV's median of so wide a window takes bytes only


def find_rules(mask: MatLike, upright: UprightStrokes) -> list[Stroke]:
    """The level lines of a mask. Those of a wide one are found part by part, as they are tilted or bent.

    Args:
        mask: uint8 (H, W), 255 on 0.
        upright: its upright strokes.
    """
    height, width = mask.shape
    parts = max(1, round(width / (PART_WIDTH * height)))
    rules: list[Stroke] = []
    others: list[Stroke] = []
    for part in range(parts):
        left, right = part * width // parts, (part + 1) * width // parts
        own = np.ascontiguousarray(mask[:, left:right])
        for stroke in find_level_strokes(own):
            is_rule = _is_rule(stroke) or is_underline(stroke, own) or _is_rail(stroke, left, mask.shape, upright)
            if is_rule:
                rules.append(placed(_trimmed(stroke, own), 0, left, mask.shape))
            else:
                others.append(placed(stroke, 0, left, mask.shape))
    return rules + [stroke for stroke in others if any(_goes_on(rule, stroke) for rule in rules)]


def rails_of_frames(mask: MatLike, upright: UprightStrokes) -> list[Stroke]:
    """The level sides of a few frames that are too narrow for rules: both join the ends of two upright ones.

    Args:
        mask: uint8 (H, W), 255 on 0.
        upright: its upright strokes.
    """
    sides = upright.select(MIN_FRAME_SHARE * mask.shape[0])
    longest = max((side.length for side in sides), default=0)
    sides = sorted((side for side in sides if side.length >= MIN_LIKENESS * longest), key=lambda side: side.near)
    rails: list[Stroke] = []
    for left, right in pairwise(sides) if len(sides) <= MAX_FRAME_SIDES else ():
        if are_printed([left, right]).all():
            own = np.ascontiguousarray(mask[:, left.near : right.far])
            found = [stroke for stroke in find_level_strokes(own) if stroke.span >= MIN_MIDDLE_RULE_SPAN]
            ends = [
                [stroke for stroke in found if all(stroke.lies_at(row, AT_CORNER) for row in rows)]
                for rows in ((left.start, right.start), (left.end, right.end))
            ]
            if all(ends):
                rails += [placed(_trimmed(stroke, own), 0, left.near, mask.shape) for rail in ends for stroke in rail]
    return rails


def _goes_on(rule: Stroke, stroke: Stroke) -> bool:
    """Whether a stroke is the rest of a rule that goes on in the next part."""
    is_next = rule.end == stroke.start or stroke.end == rule.start
    return is_next and rule.near <= stroke.far + SOFT and stroke.near <= rule.far + SOFT


def _trimmed(stroke: Stroke, mask: MatLike) -> Stroke:
    """A level stroke of a mask without what lies along it, such as the bottom of a 0, and also where digits meet it."""
    ink = np.asarray(stroke.ink) > 0
    height = len(ink)
    counts, most = ink.sum(axis=0), round(stroke.thickness) + 2 * TRIM
    if height > MAX_HEIGHT or (counts.all() and counts.max() <= most):
        return stroke
    first, rows = _course(ink, round(stroke.thickness)) - TRIM, np.arange(height)[:, None]
    kept = (rows >= first) & (rows < first + most) & (np.asarray(mask)[stroke.place] > 0)
    inked = np.flatnonzero(kept.any(axis=1))
    top, bottom = int(inked[0]), int(inked[-1]) + 1
    trimmed = np.where(kept[top:bottom], 255, 0).astype(np.uint8)
    return stroke._replace(ink=trimmed, top=stroke.top + top, near=stroke.top + top, far=stroke.top + bottom)


def _course(ink: NDArray[np.bool_], thickness: int) -> NDArray[np.float64]:
    """The first row of a level line in each column, by the more even one of its two edges.

    Args:
        ink: that of the line with what lies along it, bool (h, w).
        thickness: of the line.
    """
    height, width = ink.shape
    columns = np.flatnonzero(ink.any(axis=0))
    columns = columns[:: STEP if columns.size > MIN_COLUMNS else 1]
    edges = ink[:, columns].argmax(axis=0), height - ink[::-1, columns].argmax(axis=0)
    window = min(MAX_HEIGHT, columns.size // 3) | 1
    tops, ends = (cv2.medianBlur(edge.astype(np.uint8)[None], window).ravel().astype(np.float64) for edge in edges)
    is_top = np.count_nonzero(edges[0] != tops) < np.count_nonzero(edges[1] != ends)
    return np.asarray(np.interp(np.arange(width), columns, tops if is_top else ends - thickness).round(), np.float64)


def _is_rule(stroke: Stroke) -> bool:
    """Whether a level stroke of a part is a printed line."""
    return stroke.span >= (MIN_RULE_SPAN if stroke.margin < OUTER_MARGIN_SHARE else MIN_MIDDLE_RULE_SPAN)


def _is_rail(stroke: Stroke, left: int, shape: Sequence[int], upright: UprightStrokes) -> bool:
    """Whether a level stroke of a part is a side of a frame: at its ends are corners, or the next part.

    Args:
        stroke: the stroke.
        left: first column of its part.
        shape: of the whole mask.
        upright: the upright strokes of that.
    """
    place = placed(stroke, 0, left, shape)
    corners = [
        side
        for side in upright.select(MIN_SIDE_SHARE * shape[0])
        if any(place.lies_at(end, AT_CORNER) for end in (side.start, side.end))
    ]
    at_end = [any(side.lies_at(end, AT_CORNER) for side in corners) for end in (place.start, place.end)]
    goes_on = stroke.start == 0 < left, stroke.end == stroke.along < shape[1] - left
    return any(at_end) and all(map(max, at_end, goes_on))
