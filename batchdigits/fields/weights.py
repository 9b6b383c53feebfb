"""How likely it is that some ink is a digit or none, by its glyph and by its shape and place.

All costs are in nats. They were chosen on development sets; results hardly depend on them, as each may be doubled.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from batchdigits.fields.close_up import CloseUp
from batchdigits.fields.lattice import Step
from batchdigits.fields.pieces import Pieces
from batchdigits.fields.segments import Segment
from batchdigits.inference.card import DIGIT_NAMES
from batchdigits.inference.runtime import Logits

LABELS = 3  # of a glyph that are considered
MAX_LAG = 12.0  # of such a label behind the likeliest one
TEMPERATURE = 2.0  # the network is too sure of glyphs that were cut out of a number
CONTEXT_SHARE = 0.5  # of the network for contexts in the log probabilities
BOX_LEAD = 3.0  # log odds that ink in a box is a digit, before it is looked at
NOISE_COST = 4.0  # the same, for each digit that a component of the number has room for
SKIP_COST, SKIP_POWER = 6.0, 1.5  # of ink as high as a digit; of smaller ink by this power of its size
DOUBTFUL_COST = 0.3  # of leaving out what may be the rest of a wall
# Ink between digits that hangs from the base line may be a comma: where it begins and ends, from the number's middle
# down, its width at most, and how far below its neighbours it ends, in heights.
HANGING_TOP, HANGING_END, HANGING_WIDTH, HANGING_DEPTH = -0.3, 0.52, 0.55, 0.05
COMMA_WEIGHT = 2.0  # of such ink, where commas are told of
HEIGHT_COST = 4.0  # times the square of the log of its height over the number's
PLACE_COST = 8.0  # times the square of its distance from the number's middle row, in heights
GAP_COST = 4.0  # times the widest gap in it, in heights
WIDTH_COST, WIDE = 2.0, 0.9  # times what its width exceeds this by, in heights
DIGIT_WIDTH = 0.8  # in heights: that of a digit with the gap beside it


def log_probabilities(logits: Logits, labels: Sequence[str], of_contexts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Those of ten digits, and of an outlier at the end, float64 (N, 11).

    They are means of what two networks say, as in a product of experts: neither may find a digit unlikely.

    Args:
        logits: of the glyphs, float32 (N, classes).
        labels: those of the classes, the ten digits among them; others are no digits, as an outlier is.
        of_contexts: log probabilities of their contexts, float64 (N, 11), see `classify_contexts`.
    """
    full = np.concatenate([logits.astype(np.float64), np.zeros((len(logits), 1))], axis=1) / TEMPERATURE
    full -= np.logaddexp.reduce(full, axis=1, keepdims=True)
    digits = [labels.index(digit) for digit in DIGIT_NAMES]
    others = [column for column in range(full.shape[1]) if column not in digits]
    log_p: NDArray[np.float64] = np.append(full[:, digits], np.logaddexp.reduce(full[:, others], axis=1)[:, None], 1)
    log_p += CONTEXT_SHARE * (of_contexts - log_p)
    return log_p


def steps_of_boxes(boxes: Sequence[int], log_p: NDArray[np.float64]) -> list[Step]:
    """The steps of a comb.

    Args:
        boxes: the glyph of each box; -1 for an empty one.
        log_p: of each glyph, float64 (N, 11).
    """
    steps = []
    likeliest = _likeliest_labels(log_p)
    for box, glyph in enumerate(boxes):
        if glyph < 0:
            steps.append(Step(box, box + 1, "", 0.0))
        else:
            steps += [Step(box, box + 1, text, weight, glyph) for text, weight in likeliest[glyph]]
            steps.append(Step(box, box + 1, "", float(log_p[glyph, -1]) - BOX_LEAD, glyph))
    return steps


def steps_of_pieces(
    pieces: Pieces, segments: Sequence[Segment], log_p: NDArray[np.float64], close: CloseUp, comma: str = ""
) -> list[Step]:
    """The steps of a lattice of pieces that read them as digits, as no part of the value, or as a large comma.

    Args:
        pieces: those of the number.
        segments: those of the pieces.
        log_p: of each segment's glyph, float64 (N, 11).
        close: the number.
        comma: what a comma is read as that is as high as a digit; empty if it is left out.
    """
    steps: list[Step] = []
    parents, likeliest = pieces.parents.tolist(), _likeliest_labels(log_p)
    for index, segment in enumerate(segments):
        start, end, _, _ = segment
        log_prior = _log_prior(segment, close)
        steps += [Step(start, end, text, weight + log_prior, index) for text, weight in likeliest[index]]
        if not count_cuts(start, end, parents):
            log_none = float(log_p[index, -1])
            steps.append(Step(start, end, "", log_none - _cost_of_noise(segment, pieces, close)))
            if start > 0 and end < len(parents) and _may_be_comma(segment, pieces, close):
                steps.append(Step(start, end, comma, log_none + (COMMA_WEIGHT if comma else 0.0)))
    return steps + _skips(pieces, close.height)


def _may_be_comma(segment: Segment, pieces: Pieces, close: CloseUp) -> bool:
    """Whether ink between others hangs from the base line, as a comma does, which may be as high as a digit."""
    left, top, right, bottom = (side / close.height for side in segment.box)
    middle = close.middle / close.height
    if top - middle < HANGING_TOP or bottom - middle < HANGING_END or right - left > HANGING_WIDTH:
        return False
    beside = np.isin(pieces.parents, pieces.parents[[segment.start - 1, segment.end]])
    return bool(bottom - pieces.boxes[beside, 3].max() / close.height >= HANGING_DEPTH)


def _cost_of_noise(segment: Segment, pieces: Pieces, close: CloseUp) -> float:
    """The cost of leaving a segment out, as what is no digit."""
    if pieces.doubtful[segment.start : segment.end].all():
        return DOUBTFUL_COST
    width = (segment.box[2] - segment.box[0]) / close.height
    return NOISE_COST * max(1.0, width / DIGIT_WIDTH)


def _likeliest_labels(log_p: NDArray[np.float64]) -> list[list[tuple[str, float]]]:
    """The likeliest digits of each glyph, with their log probabilities."""
    labels = np.argsort(-log_p[:, :-1], axis=1, kind="stable")[:, :LABELS].tolist()
    return [
        [(str(label), row[label]) for label in best if row[label] >= row[best[0]] - MAX_LAG]
        for best, row in zip(labels, log_p.tolist(), strict=True)
    ]


def count_cuts(start: int, end: int, parents: Sequence[int] | NDArray[np.int32]) -> int:
    """At how many of its ends a segment is cut from a component.

    Args:
        start: its first piece.
        end: one past its last piece.
        parents: the component of each piece.
    """
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
