"""Find digits and numbers that are struck out: a straight line of the pen goes through them from end to end."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from statistics import median
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchdigits.fields.line_digits import Box
from batchdigits.fields.lines.form_lines import Ruled
from batchdigits.vision.components import Components
from batchdigits.vision.strokes import Stroke

Strike = Literal["", "level", "slash"]

TIP = 0.08  # of the number's height: how far the line goes beyond the digit on both sides
MIN_SEVERAL = 1.35  # of the number's height: the width of several digits with a line through them
MIN_TALL = 0.5  # of the number's height: what a line strikes out is as high
MAX_PEN, MAX_TIP = 2.75, 1.7  # thickness of the line at its ends: of the tip, and of that at its other end
MIN_FILLED = 0.97  # of the line between its ends
MIN_REST, MIN_SIDE = 0.35, 0.2  # of the ink: what is no part of the line; and of that, what lies on each side
MIDDLE, AT_EDGE = 0.25, 0.05  # of a number's height: its rows that a strike goes through, and what a rule may lack
BARRED = {"level": "47", "slash": "047"}  # digits that have such lines of their own


class Way(NamedTuple):
    """How a line goes from left to right that strikes something out.

    Attributes:
        length: its columns at least, as a share of the number's height.
        slopes: the least and the most rows down for each column.
        band: the rows in which its ends lie, as shares of those of the ink.
    """

    length: float
    slopes: tuple[float, float]
    band: tuple[float, float] = (0.0, 1.0)


DIGIT, NUMBER = Way(0.45, (-0.5, 0.5), (0.15, 0.85)), Way(1.2, (-1.0, 1.0))
SLASH = Way(0.8, (-1.6, -0.2))  # of the ink with its rows as columns


def strike_of(ink: NDArray[np.uint8], height: float) -> Strike:
    """The line that goes through ink, which fills its picture, 1 on 0, uint8 (h, w), in a number of some height."""
    tall, wide = ink.shape
    way = NUMBER if wide >= NUMBER.length * height else DIGIT
    if tall >= MIN_TALL * height and _has_line(ink, height, way):
        return "level"
    return "slash" if _has_line(ink.T, height, SLASH) else ""


def is_struck_out(strike: str, digit: str) -> bool:
    """Whether a line that goes through a digit is none of its own."""
    return strike in BARRED and digit not in BARRED[strike]


def are_struck_out(places: Sequence[Box], height: float, ruled: Ruled) -> bool:
    """Whether one line goes through several digits, or was removed as a printed line and goes through their middle.

    Args:
        places: the boxes of digits, or one box around them, in the view.
        height: of the digits, in pixels.
        ruled: the field without its lines.
    """
    if not places or ruled.components is None:
        return False
    lefts, tops, rights, bottoms = zip(*places, strict=True)
    band = min(lefts), int(median(tops)), max(rights), int(median(bottoms))
    return _lie_on_rule(band, ruled.rules) or _have_line(ruled.components, height)


def _lie_on_rule(band: Box, rules: Sequence[Stroke]) -> bool:
    """Whether a line that was removed goes through the middle rows of digits, and ends beside them on both sides."""
    left, top, right, bottom = band
    height = bottom - top
    return any(
        MIDDLE * height <= (rule.near + rule.far) / 2 - top <= (1 - MIDDLE) * height
        and AT_EDGE * height < rule.start
        and rule.end < rule.along - AT_EDGE * height
        and min(right, rule.end) - max(left, rule.start) >= DIGIT.length * height
        for rule in rules
    )


def _have_line(components: Components, height: float) -> bool:
    """Whether a line goes through a component that is as wide as several digits of a height."""
    for index in np.flatnonzero(components.width >= MIN_SEVERAL * height).tolist():
        x, y, width, tall = (int(side[index]) for side in components[1:5])
        ink = (components.labels[y : y + tall, x : x + width] == index + 1).view(np.uint8)
        if strike_of(ink, height) == "level":
            return True
    return False


def _has_line(ink: NDArray[np.uint8], height: float, way: Way) -> bool:
    """Whether a straight line goes through ink from its left end to its right end, alone at both of them."""
    tall, wide = ink.shape
    tip = max(2, round(TIP * height))
    if wide < max(way.length * height, 3 * tip):
        return False
    ends = [_runs(part) for part in (ink[:, :tip], ink[:, -tip:])]
    first, last = (share * tall for share in way.band)
    if any(start < first or end > last for runs in ends for start, end in runs):
        return False
    return any(_goes_through(ink, left, right, tip, way) for left, right in product(*ends))


def _goes_through(ink: NDArray[np.uint8], left: tuple[int, int], right: tuple[int, int], tip: int, way: Way) -> bool:
    """Whether a straight line goes from rows at the left end of ink to rows at its right end, with ink on both sides.

    Args:
        ink: 1 on 0, uint8 (h, w).
        left: the first row at the left end, and one past the last.
        right: the same at the right end.
        tip: the columns of an end.
        way: how it may go.
    """
    tall, wide = ink.shape
    middles = sum(left) / 2, sum(right) / 2
    slope = (middles[1] - middles[0]) / (wide - tip)
    thin, thick = sorted(end - start - abs(slope) * tip for start, end in (left, right))
    if not way.slopes[0] <= slope <= way.slopes[1] or thick > min(MAX_PEN * tip, MAX_TIP * max(thin, 1.0) + 1):
        return False
    columns = np.arange(wide)
    line = middles[0] + slope * (columns - tip / 2)
    if ink[line.astype(np.intp).clip(0, tall - 1), columns].mean() < MIN_FILLED:
        return False
    off = np.arange(tall)[:, None] + 0.5 - line
    reach = (max(thin, 1.0) / 2 + 1) * math.hypot(1, slope) + 1
    sides = [int(np.count_nonzero(ink * is_side)) for is_side in (off < -reach, off > reach)]
    return sum(sides) >= MIN_REST * int(np.count_nonzero(ink)) and min(sides) >= MIN_SIDE * sum(sides)


def _runs(part: NDArray[np.uint8]) -> list[tuple[int, int]]:
    """The runs of rows with ink: the first row of each, and one past its last."""
    ends = np.flatnonzero(np.diff(part.any(axis=1), prepend=False, append=False)).tolist()
    return list(zip(ends[::2], ends[1::2], strict=True))
