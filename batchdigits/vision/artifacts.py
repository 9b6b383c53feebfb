"""Find the digit among the connected components of a mask, without specks and the strokes of neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from batchdigits.vision.strokes import rectangle

Box = Sequence[int]  # x, y, width and height
Flags = NDArray[np.bool_]  # one for each component

MIN_COMPONENT_SHARE = 0.15  # of the digit's length: a shorter component is a speck; the separate bar of a 5 has 0.45
MIN_FREE_SHARE = 0.3  # of the longest component's length: one this long that does not touch the border is the digit
MIN_CELL_SIDE = 24  # pixels: a smaller scan is a tight crop, without room for lines
EDGE_DEPTH_SHARE = 0.05  # of the picture's side: what touches an edge and is no deeper is the rest of a line
MAX_STROKES = 5  # components of a digit that lie apart; of more, those far from the middle do not belong to it
MAX_COMPONENTS = 20  # of a digit; more are grain
MIN_LONG_SHARE = 0.5  # of the longest component's length: in grain, only components this long may be the digit's
# A component that touches the border belongs to the digit if it is this near to the rest of it, as a share of the
# rest's length: the strokes of an open 4 are, a neighbour's are not.
MAX_GAP_SHARE, MIN_GAP = 0.15, 2
WITHOUT_PRIOR = 0.15  # that a component so near is a neighbour's all the same


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


def find_digits(mask: MatLike) -> list[Digit]:
    """What may be the digit in a mask of ink, uint8 (H, W), 255 on 0, the likeliest first; none in a page of grain."""
    box = left, top, wide, high = cv2.boundingRect(mask)
    if not wide:
        return []
    # Without keywords, which take longer; and never on an empty picture, on which OpenCV crashes.
    if cv2.connectedComponents(mask[top : top + high, left : left + wide], None, 8, cv2.CV_16U)[0] <= 2:
        return [] if _hugs_edge(left, top, wide, high, mask) else [Digit(mask, box, 1.0)]
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, ltype=cv2.CV_16U)
    x, y, width, height = stats[1:, : cv2.CC_STAT_AREA].T
    length = np.where(_hugs_edge(x, y, width, height, mask), 0, np.maximum(width, height))
    if not length.any():
        return []
    is_free = (x > 0) & (y > 0) & (x + width < mask.shape[1]) & (y + height < mask.shape[0])
    choices = _choose(labels, length, is_free)
    if choices[0].all() and length.size <= MAX_COMPONENTS:
        return [Digit(mask, box, 1.0)]
    digits = [select(labels, keep) for keep in map(partial(_without_grain, length), choices) if keep.any()]
    return [
        Digit(digit, cv2.boundingRect(digit), prior)
        for digit, prior in zip(digits, (1.0, WITHOUT_PRIOR), strict=False)
    ]


def _choose(labels: MatLike, length: NDArray[np.int32], is_free: Flags) -> list[Flags]:
    """The components that may be the digit, as flags for each, the likeliest choice first."""
    is_central = reach_middle(labels, len(length))
    everything = _without_specks(length > 0, length)
    if np.count_nonzero(everything) > MAX_STROKES:
        everything = _without_scattered(labels, length, everything, is_central)
        if not everything.any():
            return [everything]
    if is_free[everything].all():
        return [everything]
    is_free = is_free & everything
    is_digit = is_free & (length >= MIN_FREE_SHARE * length.max()) & (is_central | ~is_central[~is_free].any())
    if not is_digit.any():
        return [everything]
    free = _without_specks(is_free, length)
    whole = _without_specks(free | (everything & near(labels, length, free)), length)
    return [whole, free] if (whole & ~free).any() else [free]


def _without_grain(length: NDArray[np.int32], keep: Flags) -> Flags:
    """The components to keep; of too many, the long ones alone; none if those are many, too."""
    if np.count_nonzero(keep) <= MAX_COMPONENTS:
        return keep
    keep = keep & (length >= MIN_LONG_SHARE * length.max())
    return keep & (np.count_nonzero(keep) <= MAX_STROKES)


def _without_scattered(labels: MatLike, length: NDArray[np.int32], keep: Flags, is_central: Flags) -> Flags:
    """Only the components in the middle and those near them, without the dashes of a printed line or splashes."""
    main = keep & is_central
    return main | (keep & near(labels, length, main)) if main.any() else main


def near(labels: MatLike, length: NDArray[np.int32], main: Flags) -> Flags:
    """Whether each component lies near the main ones, in comparison with the length of those."""
    radius = max(MIN_GAP, round(MAX_GAP_SHARE * length[main].max()))
    reach = cv2.dilate(select(labels, main), rectangle(2 * radius + 1, 2 * radius + 1))
    return present(np.asarray(labels)[reach > 0], len(length))


def _hugs_edge(x: Any, y: Any, width: Any, height: Any, mask: MatLike) -> Any:
    """Whether a component, or each of several, lies along an edge, as the rest of a line or of a neighbour does."""
    rows, columns = mask.shape
    if min(rows, columns) < MIN_CELL_SIDE:
        return width < 0
    deep, wide = EDGE_DEPTH_SHARE * rows + 1, EDGE_DEPTH_SHARE * columns + 1
    is_level = (height <= deep) & ((y == 0) | (y + height == rows))
    return is_level | (width <= wide) & ((x == 0) | (x + width == columns))


def _without_specks(keep: Flags, length: NDArray[np.int32]) -> Flags:
    return keep & (length >= MIN_COMPONENT_SHARE * length[keep].max())


def reach_middle(labels: MatLike, count: int) -> Flags:
    """Whether each component reaches the middle of the picture, as no neighbour's stroke does."""
    rows, columns = labels.shape
    middle = labels[rows // 4 : rows - rows // 4, columns // 4 : columns - columns // 4]
    return present(middle, count)


def present(labels: MatLike, count: int) -> Flags:
    """Whether each of `count` components is among some labels."""
    return np.bincount(np.asarray(labels, np.uint16).ravel(), minlength=count + 1)[1:] > 0


def select(labels: MatLike, keep: Flags) -> MatLike:
    """The mask of the components to keep, given a flag for each."""
    levels: NDArray[np.uint8] = np.where(np.append(False, keep), 255, 0).astype(np.uint8)
    return levels.take(np.asarray(labels, np.uint16))  # faster than levels[labels]
