"""Find the ink of a view, without artifacts and printed lines, and what may be the digit in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import cv2
from cv2.typing import MatLike

from batchdigits.vision.artifacts import Digit, find_digits
from batchdigits.vision.cell import Cell, remove_lines
from batchdigits.vision.components import (
    MIN_CELL_SIDE,
    SMALL_SIDE,
    Components,
    Parts,
    join_faint,
    longest_box,
    may_be_lines,
    parts_of,
)
from batchdigits.vision.contrast import has_edges, histogram, is_ink, stretch_contrast, without_level
from batchdigits.vision.dark_ink import darker_ink
from batchdigits.vision.frames import is_field_or_broken_frame
from batchdigits.vision.illumination import otsu, remove_background
from batchdigits.vision.ticks import find_ticks
from batchdigits.vision.writing import find_pair

MIN_DIGIT_SHARE = 0.025  # of the view's longer side: shorter ink is dust
MIN_CELL_DIGIT_SHARE = 0.15  # the same, in a cell whose printed lines were removed
# The standard deviation of the blur that removes grain: pixels, and a share of the view's longer side.
MIN_GRAIN_BLUR, GRAIN_BLUR = 0.6, 0.01

InkAndDigit = tuple[MatLike, Digit]  # of a view, and what may be the digit in it


class Found(NamedTuple):
    """What is found in a view.

    Attributes:
        inks: its ink and what may be the digit in it, for each of these.
        cell: the cell, if it has printed lines.
        pair: the same as `inks` of two digits beside each other; None in most views.
    """

    inks: list[InkAndDigit]
    cell: Cell | None = None
    pair: list[InkAndDigit] | None = None


def find_inks(view: MatLike, mask: MatLike, parts: Parts, is_even: bool) -> Found:
    """Find the ink of a view, each of its digits, and the cell; by the mask of its ink and the parts of that."""
    counts, area = (None, 0) if is_even else (histogram(view), cv2.countNonZero(mask))
    ink, contrast, level = stretch_contrast(view, mask, counts)
    if isinstance(parts, Components):
        joined, parts = join_faint(ink, mask, parts)
        if joined is not mask:
            mask, level = joined, stretch_contrast(view, joined, counts)[2]
    if not contrast or not has_edges(view, mask, longest_box(parts), ink, contrast):
        clearer = _clearer(view, is_even)
        if not clearer:
            return Found([])
        (view, mask), is_even = clearer, False
        (ink, _, level), parts, counts = stretch_contrast(view, mask), parts_of(mask), None
    ticks = find_ticks(parts)
    may_be_cell = ticks is not None or may_be_lines(parts, *mask.shape)
    cell = remove_lines(without_level(view, level if is_even else 0.0), mask, parts, ticks) if may_be_cell else None
    if cell and cell.stroke_prior == 0.0:
        return Found(_digits_of(cell, is_even), cell, _pair_of(cell))
    if counts is None or is_ink(counts, area):
        found = _digits(ink, mask, parts, MIN_DIGIT_SHARE, is_even)
    else:
        found = [] if cell else _digits_in_grain(view)
    if not cell:
        pair = find_pair(parts)
        return Found(found, None, _with_ink(ink, pair) if pair else None)
    found = _weighted(_digits_of(cell, is_even), 1.0 - cell.stroke_prior) + _weighted(found, cell.stroke_prior)
    return Found(found, cell, _pair_of(cell))


def _clearer(view: MatLike, is_even: bool) -> tuple[MatLike, MatLike] | None:
    """A view with less background or grain in which there is ink, and its mask; None if there is none.

    Fields of two greys, as of tinted forms, and strong grain hide ink that a person sees.
    """
    if min(view.shape) < MIN_CELL_SIDE:
        return None
    flat = remove_background(view)[0] if is_even else view
    for clearer in (flat, cv2.GaussianBlur(flat, (0, 0), MIN_GRAIN_BLUR + GRAIN_BLUR * max(view.shape))):
        mask = otsu(clearer)
        ink, contrast, _ = stretch_contrast(clearer, mask)
        if not contrast or not is_ink(histogram(clearer), cv2.countNonZero(mask)):
            continue
        if has_edges(clearer, mask, longest_box(parts_of(mask)), ink, contrast):
            return clearer, mask
    return None


def _digits_in_grain(view: MatLike) -> list[InkAndDigit]:
    """The digits of an unevenly lit view without distinct ink that grain hides; what reaches two borders is light."""
    clearer = _clearer(view, False)
    if not clearer:
        return []
    view, mask = clearer
    height, width = mask.shape
    ink = stretch_contrast(view, mask)[0]
    found = []
    for _, digit in _digits(ink, mask, parts_of(mask), MIN_DIGIT_SHARE, False):
        x, y, digit_width, digit_height = digit.box
        borders = (x == 0) + (y == 0) + (x + digit_width == width) + (y + digit_height == height)
        if borders < 2:
            found.append((ink, digit))
    return found


def _digits_of(cell: Cell, is_even: bool) -> list[InkAndDigit]:
    """The ink and each of the digits of a cell without its lines."""
    ink, _, _ = stretch_contrast(cell.view, cell.mask)
    return _digits(ink, cell.mask, cell.parts, MIN_CELL_DIGIT_SHARE, is_even)


def _pair_of(cell: Cell) -> list[InkAndDigit] | None:
    """The ink of two digits beside each other in a cell, and each of them; None if there are no such."""
    pair = find_pair(cell.parts if cell.written is cell.mask else parts_of(cell.written))
    return _with_ink(stretch_contrast(cell.view, cell.written)[0], pair) if pair else None


def _with_ink(ink: MatLike, masks: Iterable[MatLike]) -> list[InkAndDigit]:
    """Digits by their masks, with their ink."""
    return [(ink, Digit(mask, cv2.boundingRect(mask), 1.0)) for mask in masks]


def _weighted(found: list[InkAndDigit], share: float) -> list[InkAndDigit]:
    """The same with a share of their priors."""
    return [(ink, digit._replace(prior=share * digit.prior)) for ink, digit in found]


def _digits(ink: MatLike, mask: MatLike, parts: Parts, min_share: float, is_even: bool) -> list[InkAndDigit]:
    """The ink of a mask and each of its digits that is long enough; the same of its darker ink, if it has two levels.

    Args:
        ink: uint8 (H, W), on a background of 0.
        mask: of the ink, 255 on 0.
        parts: those of the mask.
        min_share: of the longer side: the least length of a digit.
        is_even: whether the view is evenly lit.
    """
    found = _long_digits(ink, mask, parts, min_share, is_even)
    if not found or min(mask.shape) < SMALL_SIDE:
        return found
    _, first = found[0]
    darker = darker_ink(ink, first.mask, first.box)
    if not darker:
        return found
    ink, mask = darker
    return found + _long_digits(ink, mask, parts_of(mask), min_share, is_even)


def _long_digits(ink: MatLike, mask: MatLike, parts: Parts, min_share: float, is_even: bool) -> list[InkAndDigit]:
    """The ink of a mask and each of its digits that is long enough.

    In an unevenly lit view, what runs from edge to edge is the edge of a shadow.
    """
    min_length = max(2.0, min_share * max(mask.shape))
    digits = [digit for digit in find_digits(mask, parts) if max(digit.box[2:]) >= min_length]
    if not is_even:
        digits = [digit for digit in digits if not (digit.box[2] == mask.shape[1] or digit.box[3] == mask.shape[0])]
    return [(ink, digit) for digit in digits if not is_field_or_broken_frame(digit.mask, digit.box)]
