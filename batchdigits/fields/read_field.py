"""Read the numbers of fields: find the ink, cut it, classify all glyphs together, and take the best paths."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import takewhile
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from batchdigits.fields.boxes import count_boxes, glyphs_of_boxes
from batchdigits.fields.close_up import CloseUp, close_up
from batchdigits.fields.comb import Comb
from batchdigits.fields.confidence import alternatives_to, confidence_of, features
from batchdigits.fields.dates import prefer_dates
from batchdigits.fields.form_lines import Ruled, has_printed_walls, remove_form_lines
from batchdigits.fields.grain import is_ink
from batchdigits.fields.ink import View, view_of
from batchdigits.fields.lattice import Step, best_paths
from batchdigits.fields.leaning import upright_view
from batchdigits.fields.line_digits import may_be_marks, may_have_frame, may_have_slashes, stroke_lean
from batchdigits.fields.minus import minus_before, with_minus
from batchdigits.fields.number import Number, find_number
from batchdigits.fields.pieces import Pieces, pieces_of
from batchdigits.fields.reading import Box, Character, FieldReading, Lattice, ReadOptions
from batchdigits.fields.segments import Segment, glyph_of, segments_of
from batchdigits.fields.separators import separators_of
from batchdigits.fields.weights import log_probabilities, steps_of_boxes, steps_of_pieces
from batchdigits.inference.runtime import Runtime
from batchdigits.vision.normalise import Glyph, propose

MAX_PIECES = 120  # of a field: one with more is no number, and would take long
MAX_ALTERNATIVES = 5
MIN_DIGIT_HEIGHT = 0.7  # of the number's height: ink as high is hardly noise
AT_EDGE = 2  # pixels from the edge of the paper at which ink ends there
POINTS = (".", ",")
MAX_DOUBTFUL_CONFIDENCE = 0.5  # of a number where the normaliser of single digits finds nothing but printed lines
NOTHING_KNOWN = ReadOptions()
NO_PICTURE = np.zeros((0, 0), np.uint8)


class Cut(NamedTuple):
    """A field that was cut.

    Attributes:
        view: its view.
        glyphs: the glyphs that may be its digits.
        boxes: of a comb, the glyph in each box, -1 for an empty one; None without a comb.
        close: the close-up of its number, if it has no comb.
        pieces: those of the close-up.
        segments: those of the pieces, one for each glyph.
        leans: of each glyph that may be a slash by its shape; None for others.
        places: the box of each glyph in the view.
        separators: the steps that read pieces as separators.
        has_ink: whether there is any ink but printed lines.
        looks_empty: whether the normaliser of single digits, which knows printed cells better, finds no ink; False for
            a comb.
        shown: how many boxes the walls of a comb show, which may be more or fewer than it should have.
        is_part: whether a digit may have been left out: there is ink beside the number, or an empty box within it.
        may_have_minus: whether a minus may stand in a box before the first digit, where it is not read.
    """

    view: View
    glyphs: list[Glyph]
    boxes: list[int] | None = None
    close: CloseUp | None = None
    pieces: Pieces | None = None
    segments: Sequence[Segment] = ()
    leans: Sequence[float | None] = ()
    places: Sequence[tuple[int, int, int, int]] = ()
    separators: Sequence[Step] = ()
    has_ink: bool = True
    looks_empty: bool = False
    shown: int = 0
    is_part: bool = False
    may_have_minus: bool = False


def read_fields(
    scans: Sequence[NDArray[np.uint8]], runtime: Runtime, options: ReadOptions = NOTHING_KNOWN
) -> list[FieldReading]:
    """Read the number of each field.

    Args:
        scans: grey, uint8 (H, W), each of one field with one number.
        runtime: the network for single digits.
        options: what is known about the fields.

    Returns:
        A reading for each scan. A field without ink has none of value, digits and alternatives.
    """
    cuts = [cut_field(scan, options) for scan in scans]
    rows = classify_cuts(cuts, runtime)
    return [read_cut(cut, own, options) for cut, own in zip(cuts, rows, strict=True)]


def classify_cuts(cuts: Sequence[Cut], runtime: Runtime) -> list[NDArray[np.float64]]:
    """The log probabilities of each cut's glyphs, float64 (N, classes + 1); the network gets all glyphs at once."""
    glyphs = [glyph for cut in cuts for glyph in cut.glyphs]
    log_p = log_probabilities(runtime.logits(np.array(glyphs))) if glyphs else np.zeros((0, 0))
    return np.split(log_p, np.cumsum([len(cut.glyphs) for cut in cuts[:-1]])) if cuts else []


def cut_field(scan: NDArray[np.uint8], options: ReadOptions) -> Cut:
    """Cut a field into what may be its digits."""
    view = view_of(scan, options.ink)
    ruled = remove_form_lines(view.ink, options.boxes)
    if not ruled.has_walls:
        view, ruled = _upright(view, ruled, options)
    return _cut_boxes(view, ruled, ruled.comb, options) if ruled.comb else _cut_number(view, ruled, scan, options)


def _upright(view: View, ruled: Ruled, options: ReadOptions) -> tuple[View, Ruled]:
    """A view without a comb, sheared if it has one whose walls lean; and its ink without lines."""
    upright = upright_view(view, bool(ruled.rules))
    if upright:
        found = remove_form_lines(upright.ink, options.boxes)
        if found.has_walls and found.comb and has_printed_walls(found.comb):
            return upright, found
    return view, ruled


def _cut_boxes(view: View, ruled: Ruled, comb: Comb, options: ReadOptions) -> Cut:
    """Cut a field into the digits of the boxes of its comb."""
    found = glyphs_of_boxes(ruled, comb)
    filled = [glyph for glyph in found if glyph is not None]
    numbers = iter(range(len(filled)))
    boxes = [-1 if glyph is None else next(numbers) for glyph in found]
    places = [glyph.box for glyph in filled]
    inked = [box for box, glyph in enumerate(boxes) if glyph >= 0]
    is_part = bool(inked) and inked[-1] - inked[0] >= len(inked)
    shown = count_boxes(ruled, comb)
    has_ink = bool(filled) or (not shown and _find_number(ruled) is not None)  # too small for such boxes
    has_minus = options.signed and bool(places) and _has_minus(places[0], ruled)
    cut = Cut(view, [glyph.glyph for glyph in filled], boxes, places=places, has_ink=has_ink, shown=shown)
    return cut._replace(is_part=is_part, may_have_minus=has_minus)


def _has_minus(first: tuple[int, int, int, int], ruled: Ruled) -> bool:
    """Whether a minus may stand before the first digit of a comb, which is in a box, first column and row first."""
    components = ruled.components
    return components is not None and minus_before(first, first[3] - first[1], components) is not None


def _cut_number(view: View, ruled: Ruled, scan: NDArray[np.uint8], options: ReadOptions) -> Cut:
    """Cut a field without boxes into what may be its digits."""
    number = _find_number(ruled)
    if number and options.signed and ruled.components is not None:
        number = with_minus(number, ruled.components)
    close = close_up(number, ruled.ink) if number else None
    if number is None or close is None:
        return Cut(view, [], has_ink=propose(scan, options.ink).holds_writing)  # such as a page of it
    pieces = pieces_of(close)
    if len(pieces.boxes) > MAX_PIECES:
        return Cut(view, [])
    segments, glyphs = [], []
    for segment in segments_of(pieces, close.height):
        glyph = glyph_of(segment, pieces, close.ink)
        if glyph is not None:
            segments.append(segment)
            glyphs.append(glyph)
    places = [segment.box for segment in segments]
    candidates = propose(scan, options.ink)
    is_empty = not candidates.glyphs and not candidates.holds_writing
    is_part = number.is_part or _is_cut_off(number, view)
    leans = [stroke_lean(segment, pieces, close.height) for segment in segments]
    separators = tuple(separators_of(pieces, segments, leans, close, options))
    return Cut(view, glyphs, None, close, pieces, segments, leans, places, separators, True, is_empty, is_part=is_part)


def _find_number(ruled: Ruled) -> Number | None:
    """The ink of a number; None if there is nothing but paper and printed lines."""
    number = find_number(ruled)
    return number if number and is_ink(ruled.ink, number.mask, cv2.bitwise_not(ruled.mask)) else None


def _is_cut_off(number: Number, view: View) -> bool:
    """Whether the ink of a number reaches the edge of the paper, where it may go on."""
    if view.beyond is None:
        return False
    side = 2 * AT_EDGE + 1
    return cv2.hasNonZero(cv2.bitwise_and(number.mask, cv2.dilate(view.beyond, np.ones((side, side), np.uint8))))


def without_pictures(cut: Cut) -> Cut:
    """A cut with its glyphs alone, which is all that reading it takes: many fields wait for the network together."""
    view = cut.view._replace(ink=NO_PICTURE, beyond=None)
    if cut.close is None or cut.pieces is None:
        return cut._replace(view=view)
    close = cut.close._replace(ink=NO_PICTURE, mask=NO_PICTURE, doubtful=NO_PICTURE)
    return cut._replace(view=view, close=close, pieces=cut.pieces._replace(labels=NO_PICTURE.astype(np.int32)))


def read_cut(cut: Cut, log_p: NDArray[np.float64], options: ReadOptions) -> FieldReading:
    """Read a field that was cut.

    Args:
        cut: the field.
        log_p: of its glyphs, float64 (N, classes + 1).
        options: what is known about it.
    """
    if cut.boxes is not None:
        steps, pieces = steps_of_boxes(cut.boxes, log_p), len(cut.boxes)
    elif cut.close and cut.pieces:
        steps = [*steps_of_pieces(cut.pieces, cut.segments, log_p, cut.close), *cut.separators]
        pieces = len(cut.pieces.boxes)
    else:
        return FieldReading(has_ink=cut.has_ink)
    paths = prefer_dates(best_paths(steps, pieces, options.length))
    boxes = cut.shown if cut.has_ink else 0
    if not paths or not paths[0].value:
        return FieldReading(has_ink=cut.has_ink, boxes=boxes)
    best = paths[0]
    characters = _characters([step for step in best.steps if step.text], cut, log_p)
    digits = tuple(character for character in characters if character.label.isdigit())
    separators = tuple(character for character in characters if not character.label.isdigit())
    if cut.looks_empty and len(digits) == 1:  # the side of an empty box looks like a 1
        return FieldReading()
    lead, doubt = features(paths, log_p)
    confidence = confidence_of(lead, doubt)
    has_slashes, has_frame = _may_have_lines(best.steps, cut)
    is_part = cut.is_part or _leaves_digit_out(best.steps, cut)
    unread = "minus" if cut.may_have_minus else "point" if _begins_with_point(best.steps, cut) else ""
    if cut.looks_empty or is_part or has_slashes or has_frame or unread:
        confidence = min(confidence, MAX_DOUBTFUL_CONFIDENCE)
    alternatives = tuple(alternatives_to(paths, confidence)[:MAX_ALTERNATIVES])
    lattice = Lattice(steps, pieces, log_p.tolist(), paths, confidence)
    return FieldReading(
        best.value, confidence, digits, separators, alternatives, cut.has_ink, lead, doubt, boxes, has_slashes, lattice
    )._replace(unread=unread)


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


def _begins_with_point(steps: Sequence[Step], cut: Cut) -> bool:
    """Whether ink before the first digit has the shape of a point, as in .75: separators are read between digits."""
    points = {(step.start, step.end) for step in cut.separators if step.text in POINTS}
    before = takewhile(lambda step: not step.text, steps)
    return any((step.start, step.end) in points for step in before)


def _may_have_lines(steps: Sequence[Step], cut: Cut) -> tuple[bool, bool]:
    """Whether there may be an unread slash, and whether a digit may be a mark or the rest of a frame."""
    if cut.close is None:
        return False, False
    digits, height = [step for step in steps if step.text.isdigit()], cut.close.height
    has_slashes = any(not step.text and step in cut.separators for step in steps)  # left out as one
    if "/" not in [step.text for step in steps]:
        has_slashes = has_slashes or may_have_slashes(digits, cut.segments, cut.leans, height)
    return has_slashes, may_have_frame(digits, cut.segments, height) or may_be_marks(digits, cut.segments)


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
