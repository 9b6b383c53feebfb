"""How likely it is that some ink is a digit, a separator or neither, by its glyph and by its shape and place.

All costs are in nats. They were chosen on development sets; results hardly depend on them, as each may be doubled.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from batchdigits.fields.close_up import CloseUp
from batchdigits.fields.lattice import Step
from batchdigits.fields.pieces import Pieces
from batchdigits.fields.reading import ReadOptions
from batchdigits.fields.segments import Segment
from batchdigits.inference.runtime import Logits

LABELS = 3  # of a glyph that are considered
MAX_LAG = 12.0  # of such a label behind the likeliest one
TEMPERATURE = 2.0  # the network is too sure of glyphs that were cut out of a number
BOX_LEAD = 4.0  # log odds that ink in a box is a digit, before it is looked at
NOISE_COST = 4.0  # the same, for each digit that a component of the number has room for
SKIP_COST, SKIP_POWER = 4.0, 1.5  # of ink as high as a digit; of smaller ink by this power of its size
DOUBTFUL_COST = 0.3  # of leaving out what may be the rest of a wall
CUT_COST = 0.3  # for each end at which a segment is cut from a component
HEIGHT_COST = 4.0  # times the square of the log of its height over the number's
PLACE_COST = 8.0  # times the square of its distance from the number's middle row, in heights
GAP_COST = 4.0  # times the widest gap in it, in heights
WIDTH_COST, WIDE = 2.0, 0.9  # times what its width exceeds this by, in heights
DIGIT_WIDTH = 0.8  # in heights: that of a digit with the gap beside it
SEPARATOR_COST = 0.2
# The shape of a point or comma, in heights: how high and how wide, and how far above the number's middle it may begin.
POINT_HEIGHT, POINT_WIDTH, POINT_RISE = 0.75, 0.5, 0.05
COMMA_HEIGHT = 0.3  # in heights: a lower one is a point
# The shape of a dash or minus, in heights: how high and how wide, and how far off the middle it may be.
DASH_HEIGHT, DASH_WIDTHS, DASH_OFFSET = 0.3, (0.2, 1.2), 0.25
# Of what may be a slash where none are expected, or a 1: height, lean, how well a line fits, cost of leaving it out.
UNTOLD_HEIGHT, UNTOLD_LEAN, UNTOLD_STRAIGHTNESS, UNTOLD_COST = 1.1, 0.3, 0.9, 1.0
SLASH_HEIGHT, SLASH_WIDTHS, SLASH_LEAN = 0.9, (0.1, 1.0), 0.08  # the same; and columns to the left for each row down


def log_probabilities(logits: Logits) -> NDArray[np.float64]:
    """Those of every class, and of the outlier at the end, float64 (N, classes + 1)."""
    full = np.concatenate([logits.astype(np.float64), np.zeros((len(logits), 1))], axis=1) / TEMPERATURE
    normalised: NDArray[np.float64] = full - np.logaddexp.reduce(full, axis=1, keepdims=True)
    return normalised


def steps_of_boxes(boxes: Sequence[int], log_p: NDArray[np.float64]) -> list[Step]:
    """The steps of a comb.

    Args:
        boxes: the glyph of each box; -1 for an empty one.
        log_p: of each glyph, float64 (N, classes + 1).
    """
    steps = []
    likeliest = _likeliest_labels(log_p)
    for box, glyph in enumerate(boxes):
        if glyph < 0:
            steps.append(Step(box, box + 1, "", 0.0))
        else:
            steps += [Step(box, box + 1, text, weight, glyph) for text, weight in likeliest[glyph]]
            steps.append(Step(box, box + 1, "", float(log_p[glyph, -1]) - BOX_LEAD))
    return steps


def steps_of_pieces(
    pieces: Pieces, segments: Sequence[Segment], log_p: NDArray[np.float64], close: CloseUp
) -> list[Step]:
    """The steps of a lattice of pieces that read them as digits, or as no part of the value.

    Args:
        pieces: those of the number.
        segments: those of the pieces.
        log_p: of each segment's glyph, float64 (N, classes + 1).
        close: the number.
    """
    steps: list[Step] = []
    parents, likeliest = pieces.parents.tolist(), _likeliest_labels(log_p)
    for index, segment in enumerate(segments):
        start, end, box, _ = segment
        cuts = _cuts(segment, parents)
        log_prior = _log_prior(segment, close) - CUT_COST * cuts
        steps += [Step(start, end, text, weight + log_prior, index) for text, weight in likeliest[index]]
        if not cuts:
            width = (box[2] - box[0]) / close.height
            is_doubtful = pieces.doubtful[start:end].all()
            cost = DOUBTFUL_COST if is_doubtful else NOISE_COST * max(1.0, width / DIGIT_WIDTH)
            steps.append(Step(start, end, "", float(log_p[index, -1]) - cost))
    return steps + _skips(pieces, close.height)


def _likeliest_labels(log_p: NDArray[np.float64]) -> list[list[tuple[str, float]]]:
    """The likeliest digits of each glyph, with their log probabilities."""
    labels = np.argsort(-log_p[:, :-1], axis=1, kind="stable")[:, :LABELS].tolist()
    return [
        [(str(label), row[label]) for label in best if row[label] >= row[best[0]] - MAX_LAG]
        for best, row in zip(labels, log_p.tolist(), strict=True)
    ]


def _cuts(segment: Segment, parents: Sequence[int]) -> int:
    """At how many of its ends a segment is cut from a component."""
    start, end = segment.start, segment.end
    at_start = start > 0 and parents[start] == parents[start - 1]
    return int(at_start) + int(end < len(parents) and parents[end] == parents[end - 1])


def _log_prior(segment: Segment, close: CloseUp) -> float:
    """How likely it is that a digit has a segment's shape and place."""
    left, top, right, bottom = (side / close.height for side in segment.box)
    offset = (top + bottom) / 2 - close.middle / close.height
    cost = HEIGHT_COST * math.log(bottom - top) ** 2 + PLACE_COST * offset**2
    return -cost - GAP_COST * segment.gap / close.height - WIDTH_COST * max(0.0, right - left - WIDE)


def _skips(pieces: Pieces, height: float) -> list[Step]:
    """Each piece as no part of the value."""
    boxes = pieces.boxes
    width, tall = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    size = np.maximum(tall, 0.7 * width) / height
    costs = np.where(pieces.doubtful, DOUBTFUL_COST, SKIP_COST * size**SKIP_POWER)
    return [Step(piece, piece + 1, "", -cost) for piece, cost in enumerate(costs.tolist())]


def separators_of(pieces: Pieces, close: CloseUp, options: ReadOptions) -> Iterator[Step]:
    """The steps that read components as separators, by their shape and place.

    Args:
        pieces: those of the number.
        close: the number.
        options: which separators it may have.
    """
    points = [mark for mark in ".," if mark in options.separators]
    middle = close.middle / close.height
    for start, end in _whole(pieces):
        left, top = pieces.boxes[start:end, :2].min(axis=0) / close.height
        right, bottom = pieces.boxes[start:end, 2:].max(axis=0) / close.height
        width, tall = right - left, bottom - top
        mark = ""
        if points and tall <= POINT_HEIGHT and width <= POINT_WIDTH and top >= middle - POINT_RISE:
            mark = points[0] if tall < COMMA_HEIGHT else points[-1]
        elif tall <= DASH_HEIGHT and DASH_WIDTHS[0] <= width <= DASH_WIDTHS[1]:
            is_level = abs((top + bottom) / 2 - middle) <= DASH_OFFSET
            mark = "-" if is_level and ("-" in options.separators or (options.signed and not start)) else ""
        elif tall >= SLASH_HEIGHT and SLASH_WIDTHS[0] <= width <= SLASH_WIDTHS[1]:
            if "/" in options.separators:
                mark = "/" if _lean(pieces, start, end)[0] >= SLASH_LEAN else ""
            elif tall >= UNTOLD_HEIGHT:
                lean, straightness = _lean(pieces, start, end)
                if lean >= UNTOLD_LEAN and straightness >= UNTOLD_STRAIGHTNESS:
                    yield Step(start, end, "", -UNTOLD_COST)
        if mark:
            yield Step(start, end, mark, -SEPARATOR_COST)


def _whole(pieces: Pieces) -> Iterator[tuple[int, int]]:
    """The first piece of each component, and one past its last piece."""
    ends = np.flatnonzero(np.diff(pieces.parents, append=-1)) + 1
    return pairwise([0, *ends.tolist()]) if len(pieces.parents) else iter(())


def _lean(pieces: Pieces, start: int, end: int) -> tuple[float, float]:
    """How far pieces lean to the right together, in columns for each row up; and how well a line fits them, 0-1."""
    y, x = np.nonzero((pieces.labels > start) & (pieces.labels <= end))
    lean = -float(np.polyfit(y, x, 1)[0])
    return lean, abs(lean) * float(y.std()) / max(float(x.std()), 1e-9)
