"""How likely it is that some ink is a digit, a separator or neither, by its glyph and by its shape and place."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from batchdigits.fields.close_up import CloseUp
from batchdigits.fields.lattice import Step
from batchdigits.fields.pieces import Pieces
from batchdigits.fields.segments import Segment
from batchdigits.inference.runtime import Logits

LABELS = 3  # of a glyph that are considered
DIGIT_LEAD = 4.0  # log odds that ink in a box is a digit, before it is looked at
TEMPERATURE = 2.0
CUT_COST = 0.3
HEIGHT_COST = 4.0
PLACE_COST = 8.0
GAP_COST = 4.0
WIDTH_COST, WIDE = 2.0, 0.9
SKIP_COST, SKIP_POWER = 4.0, 1.5
NOISE_COST, NOISE_WIDTH = 4.0, 0.8
DOUBTFUL_COST = 0.3
SEPARATOR_COST = 0.5
SEP_HIGH, SEP_WIDE, SEP_TOP = 0.75, 0.5, -0.05


def log_probabilities(logits: Logits) -> NDArray[np.float64]:
    """Those of every class, and of the outlier at the end, float64 (N, classes + 1)."""
    full = np.concatenate([logits.astype(np.float64), np.zeros((len(logits), 1))], 1) / TEMPERATURE
    normalised: NDArray[np.float64] = full - np.logaddexp.reduce(full, axis=1, keepdims=True)
    return normalised


def steps_of_pieces(
    pieces: Pieces, segments: list[Segment], log_p: NDArray[np.float64], close: CloseUp
) -> list[Step]:
    """The steps of a lattice of pieces."""
    steps = []
    height = close.height
    for index, segment in enumerate(segments):
        prior = _prior(segment, close)
        prior -= CUT_COST * _cuts(segment, pieces)
        row = log_p[index]
        for label in np.argsort(-row[:-1])[:LABELS].tolist():
            steps.append(Step(segment.start, segment.end, str(label), row[label] + prior, index))
        if not _cuts(segment, pieces):
            wide = segment.box[2] - segment.box[0]
            cost = DOUBTFUL_COST if pieces.doubtful[segment.start : segment.end].all() else NOISE_COST * max(1.0, wide / (NOISE_WIDTH * height))
            steps.append(Step(segment.start, segment.end, "", row[-1] - cost, index))
    boxes = pieces.boxes
    wide, tall = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    size = np.maximum(tall, 0.7 * wide) / height
    costs = np.where(pieces.doubtful, DOUBTFUL_COST, SKIP_COST * size**SKIP_POWER)
    for piece, cost in enumerate(costs.tolist()):
        steps.append(Step(piece, piece + 1, "", -cost))
        left, top, right, bottom = boxes[piece].tolist()
        if (
            bottom - top <= SEP_HIGH * height
            and right - left <= SEP_WIDE * height
            and top >= close.middle + SEP_TOP * height
        ):
            steps.append(Step(piece, piece + 1, ".", -SEPARATOR_COST))
    return steps


def _cuts(segment: Segment, pieces: Pieces) -> int:
    """At how many of its ends a segment is cut from a component."""
    parents, start, end = pieces.parents, segment.start, segment.end
    at_start = start > 0 and parents[start] == parents[start - 1]
    return int(at_start) + int(end < len(parents) and parents[end] == parents[end - 1])


def _prior(segment: Segment, close: CloseUp) -> float:
    left, top, right, bottom = segment.box
    taller = math.log((bottom - top) / close.height)
    wide = (right - left) / close.height
    off = ((top + bottom) / 2 - close.middle) / close.height
    log = -HEIGHT_COST * taller**2 - PLACE_COST * off**2
    return log - GAP_COST * segment.gap / close.height - WIDTH_COST * max(0.0, wide - WIDE)


def steps_of_boxes(boxes: list[int], log_p: NDArray[np.float64]) -> list[Step]:
    """The steps of a comb.

    Args:
        boxes: the glyph of each box; -1 for an empty one.
        log_p: of each glyph.
    """
    steps = []
    for box, glyph in enumerate(boxes):
        if glyph < 0:
            steps.append(Step(box, box + 1, "", 0.0))
            continue
        row = log_p[glyph]
        for label in np.argsort(-row[:-1])[:LABELS].tolist():
            steps.append(Step(box, box + 1, str(label), row[label], glyph))
        steps.append(Step(box, box + 1, "", row[-1] - DIGIT_LEAD, glyph))
    return steps
