"""Find the digit among the connected components of a mask, without specks and the strokes of neighbours."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from cv2.typing import MatLike

from batchdigits.vision.components import (
    MIN_CELL_SIDE,
    SMALL_SIDE,
    Box,
    Components,
    Flags,
    Numbers,
    Parts,
    near,
    present,
    select,
)

MIN_COMPONENT_SHARE = 0.15  # of the digit's length: a shorter component is a speck; the separate bar of a 5 has 0.45
MIN_FREE_SHARE = 0.3  # of the longest component's length: one this long that does not touch the border is the digit
EDGE_DEPTH_SHARE = 0.05  # of the picture's side: what touches an edge and is no deeper is the rest of a line
MAX_STROKES = 5  # components of a digit that lie apart; of more, those far from the middle do not belong to it
MAX_COMPONENTS = 20  # of a digit; more are grain
MIN_LONG_SHARE = 0.5  # of the longest component's length: in grain, only components this long may be the digit's
MIN_SHARE_IN_GRAIN = 0.2  # of the picture's longer side: the same
NEIGHBOUR_PRIOR = 0.15  # that a component near the digit that touches the border is a neighbour's all the same
# What is farther from the digit than this and at most this long, as shares of its length, may be a blot beside it; and
# so may what is longer, but lower than this share of its width.
MAX_STROKE_GAP_SHARE, MAX_BLOT_SHARE, MAX_LEVEL_SHARE = 0.2, 0.5, 0.35


class Digit(NamedTuple):
    """What may be the digit in a mask.

    Attributes:
        mask: uint8 (H, W), 255 on 0.
        box: its box.
        prior: how probable it is, as against the others, by its position alone; 0-1.
    """

    mask: MatLike
    box: Box
    prior: float


def find_digits(mask: MatLike, parts: Parts) -> list[Digit]:
    """What may be the digit in a mask of ink, the likeliest first; none in a page of grain.

    Args:
        mask: uint8 (H, W), 255 on 0.
        parts: those of the mask, from `parts_of`.
    """
    if not isinstance(parts, Components):
        return [] if not parts[2] or lies_along_edge(parts, *mask.shape) else [Digit(mask, parts, 1.0)]
    length = np.where(_lie_along_edge(parts), 0, parts.length)
    if not length.any():
        return []
    whole, *free = _choices_of(parts, length)
    if not whole.any():
        return []
    choices = [(whole, 1.0)]
    if free and not whole.all():
        choices.append((free[0], NEIGHBOUR_PRIOR))
    elif (without_blots := _without_blots(parts, whole)) is not whole:
        choices.append((without_blots, 1.0))
    digits = [(mask if keep.all() else select(parts, keep), prior) for keep, prior in choices]
    return [Digit(digit, cv2.boundingRect(digit), prior) for digit, prior in digits]


def _choices_of(components: Components, length: Numbers) -> list[Flags]:
    """The components that may be the digit, as flags for each, the likeliest choice first.

    Args:
        components: of the mask.
        length: of each; 0 for those that are none of the digit's.
    """
    strokes = _without_specks(length > 0, length)
    everything = _without_grain(strokes, length, max(components.labels.shape))
    if np.count_nonzero(strokes) > MAX_STROKES:
        everything = _without_scattered(components, everything)
    is_free = everything & ~components.touches
    if np.array_equal(is_free, everything):
        return [everything]
    is_central = _reach_middle(components)
    is_digit = is_free & (length >= MIN_FREE_SHARE * length.max())
    is_digit &= is_central | ~(is_central & components.touches).any()
    if not is_digit.any():
        return [everything]
    free = _without_specks(is_free, length)
    whole = _without_specks(free | (everything & near(components, free)), length)
    return [whole, free] if (whole & ~free).any() else [free]


def _without_specks(keep: Flags, length: Numbers) -> Flags:
    return keep & np.asarray(length >= MIN_COMPONENT_SHARE * length[keep].max(), np.bool_)


def _reach_middle(components: Components) -> Flags:
    """Whether each component reaches the middle of the picture, as no neighbour's stroke does."""
    rows, columns = components.labels.shape
    middle = components.labels[rows // 4 : rows - rows // 4, columns // 4 : columns - columns // 4]
    return present(middle, components)


def _without_scattered(components: Components, keep: Flags) -> Flags:
    """Only the components in the middle and those near them, without the dashes of a printed line or splashes."""
    main = keep & _reach_middle(components)
    return main | (keep & near(components, main)) if main.any() else main


def _without_blots(components: Components, keep: Flags) -> Flags:
    """The components without blots that lie apart; the same if there are none, or if others lie apart, too.

    The longest one that reaches the middle is the digit's, and so are those near it, or near one of those; without one,
    all are. What is short, or a level line as of text, may be a blot, and so may an underline, however near it is. A
    small picture is a tight crop, without room.
    """
    if min(components.labels.shape) < SMALL_SIDE or np.count_nonzero(keep) < 2:
        return keep
    is_level = components.height <= MAX_LEVEL_SHARE * components.width
    is_underline = is_level & _lies_below(components, keep)
    length = np.where(keep & ~is_underline, components.length, 0)
    central = np.where(_reach_middle(components), length, 0)
    may_be_blot = keep & (is_level | (length <= MAX_BLOT_SHARE * central.max()))
    if not may_be_blot.any():
        return keep
    before, main = np.zeros_like(keep), central == central.max()
    while not np.array_equal(before, main):
        before, main = main, main | (keep & ~is_underline & near(components, main, MAX_STROKE_GAP_SHARE))
    apart = keep & ~main
    return main if apart.any() and may_be_blot[apart].all() else keep


def _lies_below(components: Components, keep: Flags) -> Flags:
    """Whether each component lies below all others that are kept: true for one at most."""
    middle = components.y + components.height / 2
    ends = np.where(keep, components.y + components.height, 0)
    lowest = np.where(keep, middle, -1.0).argmax()
    below: Flags = np.zeros_like(keep)
    below[lowest] = middle[lowest] >= np.delete(ends, lowest).max(initial=0)
    return below


def _without_grain(keep: Flags, length: Numbers, side: int) -> Flags:
    """The components to keep; of too many, the long ones alone; none if those are many, too.

    Args:
        keep: the components that are no specks.
        length: of each.
        side: the picture's longer one.
    """
    if np.count_nonzero(keep) <= MAX_COMPONENTS:
        return keep
    keep = keep & (length >= max(MIN_LONG_SHARE * length.max(), MIN_SHARE_IN_GRAIN * side))
    return keep & (np.count_nonzero(keep) <= MAX_STROKES)


def lies_along_edge(box: Box, rows: int, columns: int) -> bool:
    """Whether a component with this box is the rest of a line or of a neighbour's stroke along a picture's edge."""
    x, y, width, height = box
    if min(rows, columns) < MIN_CELL_SIDE:
        return False
    is_level = height <= EDGE_DEPTH_SHARE * rows + 1 and (y == 0 or y + height == rows)
    return is_level or (width <= EDGE_DEPTH_SHARE * columns + 1 and (x == 0 or x + width == columns))


def _lie_along_edge(components: Components) -> Flags:
    """The same for each of several components."""
    _, x, y, width, height, _ = components
    rows, columns = components.labels.shape
    if min(rows, columns) < MIN_CELL_SIDE:
        return np.zeros(len(x), np.bool_)
    is_level = (height <= EDGE_DEPTH_SHARE * rows + 1) & ((y == 0) | (y + height == rows))
    is_upright = (width <= EDGE_DEPTH_SHARE * columns + 1) & ((x == 0) | (x + width == columns))
    return np.asarray(is_level | is_upright, np.bool_)
