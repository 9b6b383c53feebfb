"""Cut a field into what may be its digits: find its ink, without printed lines, and the boxes or pieces of it."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from batchdigits.fields.boxes import count_boxes, fill_gaps, glyphs_of_boxes
from batchdigits.fields.brackets import bracket_of
from batchdigits.fields.close_up import CloseUp, close_up
from batchdigits.fields.comb_doubts import may_have_lost_digit
from batchdigits.fields.context import context_of
from batchdigits.fields.crossed_boxes import without_crossed
from batchdigits.fields.ink import View, view_of
from batchdigits.fields.lattice import Step
from batchdigits.fields.leaning import upright_view
from batchdigits.fields.line_digits import stroke_lean
from batchdigits.fields.lines.comb import Comb
from batchdigits.fields.lines.form_lines import Ruled, has_printed_walls, remove_form_lines
from batchdigits.fields.lines.grain import is_ink
from batchdigits.fields.minus import minus_apart, minus_before, with_minus
from batchdigits.fields.number import Number, find_number
from batchdigits.fields.pieces import Pieces, pieces_of
from batchdigits.fields.points import with_points
from batchdigits.fields.reading import ReadOptions
from batchdigits.fields.segments import Segment, glyph_of, ink_of, segments_of
from batchdigits.fields.separators import separators_of
from batchdigits.fields.struck_out import are_struck_out, strike_of
from batchdigits.vision.normalise import Glyph, Ink, propose
from batchdigits.vision.view import shrink

MAX_PIECES = 120  # of a field: one with more is no number, and would take long
AT_EDGE = 2  # pixels from the edge of the paper at which ink ends there
NO_PICTURE = np.zeros((0, 0), np.uint8)


class Cut(NamedTuple):
    """A field that was cut.

    Attributes:
        view: its view.
        glyphs: the glyphs that may be its digits.
        contexts: that of each glyph.
        boxes: of a comb, the glyph in each box, -1 for an empty one; None without a comb.
        close: the close-up of its number, if it has no comb.
        pieces: those of the close-up.
        segments: those of the pieces, one for each glyph.
        leans: of each glyph that may be a slash by its shape; None for others.
        places: the box of each glyph in the view.
        separators: the steps that read pieces as separators.
        has_ink: whether there is any ink but printed lines.
        small: the scan in the size in which the normaliser of single digits looks at it, uint8 (H, W); None for a comb.
        shown: how many boxes the walls of a comb show, which may be more or fewer than it should have.
        is_part: whether a digit may have been left out: there is ink beside the number, or an empty box within it, or
            a line may be a digit; or digits may be struck out together, or be lines that cross empty boxes out.
        has_minus_apart: whether a minus stands in a box before the first digit, or too far before it to be a piece.
        shapes: of each glyph, the strike through it, as of `strike_of`, or the bracket that it may be; else empty.
    """

    view: View
    glyphs: list[Glyph]
    contexts: list[Glyph]
    boxes: list[int] | None = None
    close: CloseUp | None = None
    pieces: Pieces | None = None
    segments: Sequence[Segment] = ()
    leans: Sequence[float | None] = ()
    places: Sequence[tuple[int, int, int, int]] = ()
    separators: Sequence[Step] = ()
    has_ink: bool = True
    small: NDArray[np.uint8] | None = None
    shown: int = 0
    is_part: bool = False
    has_minus_apart: bool = False
    shapes: Sequence[str] = ()


def cut_field(scan: NDArray[np.uint8], options: ReadOptions) -> Cut:
    """Cut a field into what may be its digits."""
    view = view_of(scan, options.ink)
    ruled = remove_form_lines(view.ink, options.boxes, is_as_wide=options.is_as_wide)
    if not ruled.has_walls:
        view, ruled = _upright(view, ruled, options)
    return _cut_boxes(view, ruled, ruled.comb, options) if ruled.comb else _cut_number(view, ruled, scan, options)


def _upright(view: View, ruled: Ruled, options: ReadOptions) -> tuple[View, Ruled]:
    """A view without a comb, sheared if it has one whose walls lean; and its ink without lines."""
    upright = upright_view(view, bool(ruled.rules))
    if upright:
        found = remove_form_lines(upright.ink, options.boxes, is_as_wide=options.is_as_wide)
        if found.has_walls and found.comb and has_printed_walls(found.comb):
            return upright, found
    return view, ruled


def _cut_boxes(view: View, ruled: Ruled, comb: Comb, options: ReadOptions) -> Cut:
    """Cut a field into the digits of the boxes of its comb."""
    with_gaps, has_other_ink = fill_gaps(ruled, comb)
    if options.boxes in (None, with_gaps.boxes):
        comb = with_gaps
    found, may_be_crossed = without_crossed(glyphs_of_boxes(ruled, comb), comb)
    filled = [glyph for glyph in found if glyph is not None]
    numbers = iter(range(len(filled)))
    boxes = [-1 if glyph is None else next(numbers) for glyph in found]
    places = [glyph.box for glyph in filled]
    height = median(bottom - top for _, top, _, bottom in places) if places else 0.0
    contexts = [context_of(view.ink, glyph.own, glyph.box, height) for glyph in filled]
    inked = [box for box, glyph in enumerate(boxes) if glyph >= 0]
    has_empty_box = bool(inked) and inked[-1] - inked[0] >= len(inked)
    is_lost = has_other_ink or comb.boxes < with_gaps.boxes or may_have_lost_digit(ruled, comb, places)
    is_struck = may_be_crossed or are_struck_out(places, height, ruled)
    shown = count_boxes(ruled, comb)
    has_ink = bool(filled) or (not shown and _find_number(ruled) is not None)  # too small for such boxes
    has_minus = bool(places) and _has_minus(places[0], ruled)
    cut = Cut(view, [glyph.glyph for glyph in filled], contexts, boxes, places=places, has_ink=has_ink, shown=shown)
    shapes = [strike_of(glyph.own, height) for glyph in filled]
    return cut._replace(is_part=has_empty_box or is_lost or is_struck, has_minus_apart=has_minus, shapes=shapes)


def _has_minus(first: tuple[int, int, int, int], ruled: Ruled) -> bool:
    """Whether a minus may stand before the first digit of a comb, which is in a box, first column and row first."""
    components = ruled.components
    return components is not None and minus_before(first, first[3] - first[1], components) is not None


def _cut_number(view: View, ruled: Ruled, scan: NDArray[np.uint8], options: ReadOptions) -> Cut:
    """Cut a field without boxes into what may be its digits."""
    number = _find_number(ruled)
    has_minus = False
    if number and ruled.components is not None:
        if options.signed:
            number = with_minus(number, ruled.components)
        else:
            has_minus = minus_apart(number, ruled.components) is not None
    ink = ruled.ink
    if number and options.points:
        number, ink = with_points(number, ruled, view.ink)
    close = close_up(number, ink, view.ink) if number else None
    if number is None or close is None:
        alone = propose(scan, options.ink)
        has_ink = alone.holds_writing or (number is not None and bool(alone.glyphs))  # such as a page of writing
        return Cut(view, [], [], has_ink=has_ink)
    pieces = pieces_of(close)
    if len(pieces.boxes) > MAX_PIECES:
        return Cut(view, [], [])
    segments, glyphs, contexts = [], [], []
    for segment in segments_of(pieces, close.height):
        found = glyph_of(segment, pieces, close)
        if found is not None:
            segments.append(segment)
            glyphs.append(found[0])
            contexts.append(found[1])
    places = [segment.box for segment in segments]
    is_part = number.is_part or _is_cut_off(number, view) or _is_struck_out(number, ruled)
    leans = [stroke_lean(segment, pieces, close.height) for segment in segments]
    separators = tuple(separators_of(pieces, segments, leans, close, options))
    inks = [ink_of(segment, pieces) for segment in segments]
    shapes = [strike_of(ink, close.height) or bracket_of(ink) for ink in inks]
    cut = Cut(view, glyphs, contexts, None, close, pieces, segments, leans, places, separators, shapes=shapes)
    return cut._replace(small=np.asarray(shrink(scan), np.uint8), is_part=is_part, has_minus_apart=has_minus)


def looks_empty(cut: Cut, ink: Ink) -> bool:
    """Whether the normaliser of single digits, which knows printed cells better, finds no ink.

    That takes long, and few readings depend on it. It is False for a comb.
    """
    if cut.small is None:
        return False
    alone = propose(cut.small, ink)
    return not (alone.glyphs or alone.holds_writing)


def _find_number(ruled: Ruled) -> Number | None:
    """The ink of a number; None if there is nothing but paper and printed lines."""
    number = find_number(ruled)
    return number if number and is_ink(ruled.ink, number.mask, cv2.bitwise_not(ruled.mask)) else None


def _is_struck_out(number: Number, ruled: Ruled) -> bool:
    """Whether one line goes through several digits of a number."""
    left, top, width, tall = cv2.boundingRect(number.mask)
    return are_struck_out([(left, top, left + width, top + tall)], number.height, ruled)


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
    close = cut.close._replace(ink=NO_PICTURE, around=NO_PICTURE, mask=NO_PICTURE, doubtful=NO_PICTURE)
    return cut._replace(view=view, close=close, pieces=cut.pieces._replace(labels=NO_PICTURE.astype(np.int32)))
