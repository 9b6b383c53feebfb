"""Find the separators of a number by their shape and place: points, commas, dashes and slashes.

All weights are in nats, and are round numbers: results hardly depend on them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from batchdigits.fields.close_up import CloseUp
from batchdigits.fields.lattice import Step
from batchdigits.fields.line_digits import MAX_SPREAD, lean_of
from batchdigits.fields.pieces import Pieces
from batchdigits.fields.reading import ReadOptions
from batchdigits.fields.segments import Segment
from batchdigits.fields.weights import count_cuts

# Of ink with the shape and place of a point, comma or dash that is told of: it is hardly dust. Above or below a digit,
# it may be a part of that.
MARK_WEIGHT, UNSURE_WEIGHT = 2.0, 0.3
CLEAR_WEIGHT, CLEAR_SIDE = 3.0, 0.1  # of such ink that is at least so wide and high, in heights, which dust is not
MAX_COVERED = 0.3  # of its width: what lies above or below digits
# In heights of the number: the least sides of a point, and from where on it is a comma; and its width at most.
POINT_SIDES, COMMA_HEIGHT, MAX_COMMA_HEIGHT, POINT_WIDTH, MAX_COMMA_WIDTH = (0.04, 0.06), 0.3, 0.75, 0.5, 0.65
# From the number's middle down, in heights: where a comma begins, a comma ends and the middle of a point is, at least.
COMMA_TOP, COMMA_END, POINT_MIDDLE = -0.05, 0.3, 0.2
RAISED_MIDDLE, RAISED_SIDE, MAX_RAISED_FLATNESS = -0.2, 0.1, 1.5  # of a point at half height, which is round
# The shape of a dash or minus, in heights: how high and how wide, and how far off the middle it may be.
DASH_HEIGHT, DASH_WIDTHS, DASH_OFFSET = 0.3, (0.2, 1.2), 0.25
DASH_FLATNESS = 1.5  # width over height: what may be a point, too, is rounder
# The same of a minus before the number, where there is less that it may be.
MINUS_HEIGHT, MINUS_WIDTHS, MINUS_OFFSET, MINUS_FLATNESS = 0.35, (0.15, 1.2), 0.35, 1.2
# Of what may be a slash where none are expected, or a 1: height, lean, and the cost of leaving it out.
UNTOLD_HEIGHT, UNTOLD_LEAN, UNTOLD_COST = 1.1, 0.3, 1.0
# A slash is higher than a 1 and leans more: where both are as likely, and how much each height and column tells.
EVEN_HEIGHT, EVEN_LEAN, HEIGHT_WEIGHT, LEAN_WEIGHT = 1.1, 0.25, 10.0, 3.0
# Of a dash that touches digits, which may be an arm of one; and of a minus, as few digits have an arm in front.
CUT_DASH_WEIGHT, CUT_MINUS_WEIGHT = -1.0, 0.0
CUT_COST = 0.3  # for each end at which a slash, dash or minus is cut from a component
MIN_LEAN, SLASH_WEIGHTS = -0.25, (-4.0, 2.0)  # less lean, as against the digits', is no slash's; the least and the most
MIN_DIGIT_HEIGHT, MAX_DIGIT_WIDTH = 0.6, 1.2  # of components whose lean is that of digits


def separators_of(
    pieces: Pieces, segments: Sequence[Segment], leans: Sequence[float | None], close: CloseUp, options: ReadOptions
) -> Iterator[Step]:
    """The steps that read ink as separators, by its shape and place.

    Args:
        pieces: those of the number.
        segments: those of the pieces.
        leans: of each segment, as `stroke_lean` gives it.
        close: the number.
        options: which separators it may have.
    """
    if options.separators or options.signed:
        yield from marks_of(pieces, close, options)
    if options.signed or "-" in options.separators:
        yield from _cut_dashes(pieces, close.height, options)
    strokes = [(segment, lean) for segment, lean in zip(segments, leans, strict=True) if lean is not None]
    of_digits = _lean_of_digits(pieces, close.height) if strokes and "/" in options.separators else 0.0
    for (start, end, (_, top, _, bottom), _), lean in strokes:
        tall = (bottom - top) / close.height
        if "/" in options.separators:
            weight = HEIGHT_WEIGHT * (tall - EVEN_HEIGHT) + LEAN_WEIGHT * (lean - of_digits - EVEN_LEAN)
            if lean - of_digits >= MIN_LEAN:
                cuts = count_cuts(start, end, pieces.parents)
                yield Step(start, end, "/", min(max(weight, SLASH_WEIGHTS[0]), SLASH_WEIGHTS[1]) - CUT_COST * cuts)
        elif tall >= UNTOLD_HEIGHT and lean >= UNTOLD_LEAN and not count_cuts(start, end, pieces.parents):
            yield Step(start, end, "", -UNTOLD_COST)


def marks_of(pieces: Pieces, close: CloseUp, options: ReadOptions) -> Iterator[Step]:
    """Those of the steps that read components as points, commas and dashes."""
    ends = list(_whole(pieces))
    if not ends:
        return
    boxes = np.array([_box(pieces, start, end) for start, end in ends]) / close.height
    left, top, right, bottom = boxes.T
    is_digit = bottom - top >= MIN_DIGIT_HEIGHT
    middle = _middles_of_neighbours(boxes, is_digit, close.middle / close.height)
    top, bottom = top - middle, bottom - middle
    covered = np.minimum(right[:, None], right[is_digit]) - np.maximum(left[:, None], left[is_digit])
    is_free = (covered <= MAX_COVERED * (right - left)[:, None]).all(axis=1)
    is_first = ~np.logical_or.accumulate(is_digit)
    for index, (start, end) in enumerate(ends):
        mark = _mark(right[index] - left[index], top[index], bottom[index], options, is_first=is_first[index])
        if mark:
            is_clear = min(right[index] - left[index], bottom[index] - top[index]) >= CLEAR_SIDE
            weight = (CLEAR_WEIGHT if is_clear else MARK_WEIGHT) if is_free[index] else UNSURE_WEIGHT
            yield Step(start, end, mark, weight)


def _cut_dashes(pieces: Pieces, height: float, options: ReadOptions) -> Iterator[Step]:
    """The steps that read pieces of a component as a dash that touches digits, or as a minus that touches the first."""
    is_first = True
    for first, last in _whole(pieces):
        _, highest, _, lowest = _box(pieces, first, last)
        may_be_signed = options.signed and is_first
        for start, end in combinations(range(first, last + 1), 2):
            if (start, end) == (first, last):
                continue
            left, top, right, bottom = _box(pieces, start, end)
            shape = (right - left) / height, (bottom - top) / height, (top + bottom - highest - lowest) / 2 / height
            cost = CUT_COST * count_cuts(start, end, pieces.parents)
            if may_be_signed and start == first and is_minus(*shape):
                yield Step(start, end, "-", CUT_MINUS_WEIGHT - cost)
            elif "-" in options.separators and _is_dash(*shape):
                yield Step(start, end, "-", CUT_DASH_WEIGHT - cost)
        is_first &= lowest - highest < MIN_DIGIT_HEIGHT * height


def _middles_of_neighbours(
    boxes: NDArray[np.float64], is_digit: NDArray[np.bool_], middle: float
) -> NDArray[np.float64]:
    """The middle of the digits before and behind each box, since numbers slope; without any digit, the given one."""
    middles = np.where(is_digit, (boxes[:, 1] + boxes[:, 3]) / 2, np.nan)
    digits = np.flatnonzero(is_digit)
    if not digits.size:
        return np.full(len(boxes), middle)
    places = np.arange(len(boxes))
    before = digits[(np.searchsorted(digits, places) - 1).clip(0)]
    behind = digits[np.searchsorted(digits, places, side="right").clip(None, len(digits) - 1)]
    return np.asarray((middles[before] + middles[behind]) / 2, np.float64)


def _mark(width: float, top: float, bottom: float, options: ReadOptions, *, is_first: bool) -> str:
    """The point, comma, dash or minus that ink has the shape and place of; empty for none.

    Args:
        width: of the ink, in heights of the number.
        top: where it begins, from the number's middle down.
        bottom: where it ends.
        options: which separators there may be.
        is_first: whether it is before the digits of the number.
    """
    tall, middle = bottom - top, (top + bottom) / 2
    points = options.points
    short, long = sorted((width, tall))
    is_comma = COMMA_HEIGHT <= tall <= MAX_COMMA_HEIGHT and top >= COMMA_TOP and bottom >= COMMA_END
    is_point = tall < COMMA_HEIGHT and short >= POINT_SIDES[0] and long >= POINT_SIDES[1] and middle >= POINT_MIDDLE
    is_raised = middle >= RAISED_MIDDLE and short >= RAISED_SIDE and width < MAX_RAISED_FLATNESS * tall
    is_point = width <= POINT_WIDTH and (is_point or (tall < COMMA_HEIGHT and is_raised))
    is_point |= is_comma and width <= MAX_COMMA_WIDTH
    may_be_dash = _is_dash(width, tall, middle) and "-" in options.separators
    may_be_dash |= options.signed and is_first and is_minus(width, tall, middle)
    if may_be_dash and not (points and is_point and width < DASH_FLATNESS * tall):
        return "-"
    if is_point and points:
        return points[0] if tall < COMMA_HEIGHT else points[-1]
    return ""


def _is_dash(width: float, tall: float, offset: float) -> bool:
    """Whether ink has the shape and place of a dash; as for `is_minus`."""
    return abs(offset) <= DASH_OFFSET and tall <= DASH_HEIGHT and DASH_WIDTHS[0] <= width <= DASH_WIDTHS[1]


def is_minus(width: float, tall: float, offset: float) -> bool:
    """Whether ink before a number has the shape and place of a minus.

    Args:
        width: in heights of the number.
        tall: the same.
        offset: of its middle from that of the first digit, downwards, in heights.
    """
    has_size = tall <= MINUS_HEIGHT and MINUS_WIDTHS[0] <= width <= MINUS_WIDTHS[1]
    return has_size and width >= MINUS_FLATNESS * tall and abs(offset) <= MINUS_OFFSET


def _whole(pieces: Pieces) -> Iterator[tuple[int, int]]:
    """The first piece of each component, and one past its last piece."""
    ends = np.flatnonzero(np.diff(pieces.parents, append=-1)) + 1
    return pairwise([0, *ends.tolist()]) if len(pieces.parents) else iter(())


def _box(pieces: Pieces, start: int, end: int) -> tuple[int, int, int, int]:
    """The box around pieces, as that of a segment."""
    left, top = pieces.boxes[start:end, :2].min(axis=0).tolist()
    right, bottom = pieces.boxes[start:end, 2:].max(axis=0).tolist()
    return left, top, right, bottom


def _lean_of_digits(pieces: Pieces, height: float) -> float:
    """The median lean of components that may be digits, and are no lines if there are others; 0 without any."""
    leans: list[float] = []
    lines: list[float] = []
    for start, end in _whole(pieces):
        left, top, right, bottom = box = _box(pieces, start, end)
        if bottom - top >= MIN_DIGIT_HEIGHT * height and right - left <= MAX_DIGIT_WIDTH * (bottom - top):
            lean, spread = lean_of(Segment(start, end, box, 0), pieces)
            (lines if spread <= MAX_SPREAD else leans).append(lean)
    return float(np.median(leans or lines or [0.0]))
