"""Read the numbers of fields that were cut: classify all glyphs together, and take the best paths."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from batchdigits.fields.brackets import is_in_brackets
from batchdigits.fields.confidence import alternatives_to, confidence_of, features
from batchdigits.fields.context_network import classify_contexts
from batchdigits.fields.cut_field import Cut, looks_empty
from batchdigits.fields.dates import prefer_dates
from batchdigits.fields.lattice import Path, Step, best_paths
from batchdigits.fields.line_digits import may_have_frame, may_have_slashes
from batchdigits.fields.printed_digits import may_be_printed
from batchdigits.fields.reading import Box, Character, FieldReading, Lattice, ReadOptions
from batchdigits.fields.struck_out import is_struck_out
from batchdigits.fields.unread_marks import marks_left_out, unread_mark, unsure_slash
from batchdigits.fields.weights import log_probabilities, steps_of_boxes, steps_of_pieces
from batchdigits.inference.runtime import Runtime

MAX_ALTERNATIVES = 5
MIN_DIGIT_HEIGHT = 0.7  # of the number's height: ink as high is hardly noise
# Of the number's height: width and height of a small digit between others, which a comma has not, and at its ends.
MIN_SMALL_DIGIT, MIN_END_DIGIT = 0.35, 0.5
MAX_DOUBTFUL_CONFIDENCE = 0.5  # of a number that may lack ink, or have ink that is none of its own
SIDES = "17"  # what the sides and corners of an empty box look like


def classify_cuts(cuts: Sequence[Cut], runtime: Runtime) -> list[NDArray[np.float64]]:
    """The log probabilities of each cut's glyphs, float64 (N, 11); the networks get all glyphs at once."""
    glyphs = [glyph for cut in cuts for glyph in cut.glyphs]
    contexts = [context for cut in cuts for context in cut.contexts]
    log_p = np.zeros((0, 11))
    if glyphs:
        logits = runtime.logits(np.array(glyphs))
        log_p = log_probabilities(logits, runtime.card.labels, classify_contexts(contexts))
    return np.split(log_p, np.cumsum([len(cut.glyphs) for cut in cuts[:-1]])) if cuts else []


def read_cut(cut: Cut, log_p: NDArray[np.float64], options: ReadOptions) -> FieldReading:
    """Read a field that was cut.

    Args:
        cut: the field.
        log_p: of its glyphs, float64 (N, 11).
        options: what is known about it.
    """
    if cut.boxes is not None:
        steps, pieces = steps_of_boxes(cut.boxes, log_p), len(cut.boxes)
    elif cut.close and cut.pieces:
        comma = options.points[-1:]
        steps = [*steps_of_pieces(cut.pieces, cut.segments, log_p, cut.close, comma), *cut.separators]
        pieces = len(cut.pieces.boxes)
    else:
        return FieldReading(has_ink=cut.has_ink)
    by_shape = best_paths(steps, pieces, options.length)
    paths = prefer_dates(by_shape)
    boxes = cut.shown if cut.has_ink else 0
    if not paths or not paths[0].value:
        return FieldReading(has_ink=cut.has_ink and not looks_empty(cut, options.ink), boxes=boxes)
    best = paths[0]
    characters = _characters([step for step in best.steps if step.text], cut, log_p)
    digits = tuple(character for character in characters if character.label.isdigit())
    separators = tuple(character for character in characters if not character.label.isdigit())
    may_be_box = all(digit.label in SIDES for digit in digits)
    is_empty = (may_be_box or len(digits) == 1) and looks_empty(cut, options.ink)
    if is_empty and len(digits) == 1:
        return FieldReading()
    lead, doubt = features(paths, log_p)
    confidence = confidence_of(lead, doubt)
    has_slashes, has_frame = _may_have_lines(best.steps, cut)
    is_other = has_frame or _may_be_no_number(best, cut)
    is_part = cut.is_part or _leaves_digit_out(best.steps, cut) or _leaves_small_digit_out(best.steps, cut)
    unread = unread_mark(best, cut, options) or unsure_slash(best, by_shape[0])
    if is_empty or is_part or has_slashes or is_other or unread:
        confidence = min(confidence, MAX_DOUBTFUL_CONFIDENCE)
    alternatives = tuple(alternatives_to(paths, confidence)[:MAX_ALTERNATIVES])
    is_full = cut.boxes is not None and len(digits) == len(cut.boxes)
    lattice = Lattice(steps, pieces, log_p.tolist(), paths, confidence, is_full)
    return FieldReading(
        best.value, confidence, digits, separators, alternatives, cut.has_ink, lead, doubt, boxes, has_slashes, lattice
    )._replace(unread=unread, left_out=marks_left_out(best.steps, cut, options))


def _leaves_digit_out(steps: Sequence[Step], cut: Cut) -> bool:
    """Whether ink as high as a digit is left out, or, in a comb, that of a box between digits."""
    if cut.boxes is not None:
        digits = [place for place, step in enumerate(steps) if step.text]
        return any(cut.boxes[step.start] >= 0 and not step.text for step in steps[digits[0] : digits[-1]])
    assert cut.close is not None
    assert cut.pieces is not None
    left_out = [piece for step in steps if not step.text for piece in range(step.start, step.end)]
    _, boxes, parents, doubtful = cut.pieces
    top, bottom, before = 0, 0, -2
    for piece in left_out:
        _, y0, _, y1 = boxes[piece].tolist()
        if piece == before + 1 and parents[piece] == parents[before]:  # a digit that was cut
            top, bottom = min(top, y0), max(bottom, y1)
        else:
            top, bottom = y0, y1
        if bottom - top >= MIN_DIGIT_HEIGHT * cut.close.height and not doubtful[piece]:
            return True
        before = piece
    return False


def _leaves_small_digit_out(steps: Sequence[Step], cut: Cut) -> bool:
    """Whether ink between the digits of a number, or at its ends, is left out that is as large as a small digit."""
    if cut.close is None or cut.pieces is None:
        return False
    digits = [place for place, step in enumerate(steps) if step.text.isdigit()]
    for place, step in enumerate(steps):
        if step.text or cut.pieces.doubtful[step.start]:
            continue
        boxes = cut.pieces.boxes[step.start : step.end]
        size = (boxes[:, 2:].max(axis=0) - boxes[:, :2].min(axis=0)).min()
        is_between = digits[0] < place < digits[-1]
        if size >= (MIN_SMALL_DIGIT if is_between else MIN_END_DIGIT) * cut.close.height:
            return True
    return False


def _may_have_lines(steps: Sequence[Step], cut: Cut) -> tuple[bool, bool]:
    """Whether there may be an unread slash, and whether a digit may be the rest of a frame."""
    if cut.close is None:
        return False, False
    digits, height = [step for step in steps if step.text.isdigit()], cut.close.height
    has_slashes = any(not step.text and step in cut.separators for step in steps)  # left out as one
    if "/" not in [step.text for step in steps]:
        has_slashes = has_slashes or may_have_slashes(digits, cut.segments, cut.leans, height)
    return has_slashes, may_have_frame(digits, cut.segments, height)


def _may_be_no_number(path: Path, cut: Cut) -> bool:
    """Whether digits may be struck out, stand in brackets, or be printed."""
    digits = [step for step in path.steps if step.text.isdigit()]
    shapes = [cut.shapes[step.glyph] for step in digits]
    are_struck = [is_struck_out(shape, step.text) for shape, step in zip(shapes, digits, strict=True)]
    return any(are_struck) or is_in_brackets(path.value, shapes) or may_be_printed(digits, cut.places)


def _characters(steps: Sequence[Step], cut: Cut, log_p: NDArray[np.float64]) -> list[Character]:
    """The digits and separators of steps."""
    digits = log_p[[step.glyph for step in steps if step.glyph >= 0], :-1]
    shares = iter(np.exp(digits - np.logaddexp.reduce(digits, axis=1, keepdims=True)).tolist())
    characters = []
    for step in steps:
        if step.glyph >= 0:
            confidence, box = next(shares)[int(step.text)], cut.places[step.glyph]
        else:
            assert cut.pieces is not None
            x0, y0, x1, y1 = cut.pieces.boxes[step.start : step.end].T
            confidence = min(1.0, math.exp(step.log_weight))
            box = int(x0.min()), int(y0.min()), int(x1.max()), int(y1.max())
        characters.append(Character(step.text, confidence, _in_scan(box, cut)))
    return characters


def _in_scan(box: tuple[int, int, int, int], cut: Cut) -> Box:
    """A box of the view or its close-up, in pixels of the scan."""
    left, top, right, bottom = box
    corners = [(left, top), (right, top), (left, bottom), (right, bottom)]
    if cut.close:
        (a, b, c), (d, e, f) = cut.close.back.tolist()
        corners = [(a * x + b * y + c, d * x + e * y + f) for x, y in corners]
    view = cut.view
    x, y = zip(*((x - view.lean * y - view.shift, y) for x, y in corners), strict=True)
    left, top, right, bottom = (end / view.scale for end in (min(x), min(y), max(x), max(y)))
    return left + view.left, top + view.top, right + view.left, bottom + view.top
