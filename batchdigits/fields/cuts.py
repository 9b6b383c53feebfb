"""Find where a component that may be several digits can be cut: along straight lines, upright or leaning.

Lengths are shares of the number's height. The shares were chosen on composed fields of training digits: most of the
digits that touch are told apart by some leaning line, but by no column.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

MIN_WIDTH = 0.42  # of a component's height: narrower ones are one digit
SLOPES = np.array([-0.4, -0.2, 0.0, 0.2, 0.4])  # of the lines, in columns for each row down
LOOP_SHARE = 0.5  # what a line crosses of a closed loop counts as this much ink
EXTENT_SHARE = 0.4  # of the ink's extent along a line, which is what joined strokes cost at most
LEAN_COST = 0.15  # for each column that a line leans by in a row
MAX_NOTCH, NOTCH_REACH = 0.4, 0.3  # the depth of notches that counts at most, and how far their sides are
# The most that a line costs, and how much more in a component of twice the width: a wider one is hardly one digit.
MAX_COST, COST_OF_WIDTH = -0.7, 0.8
MIN_PIECE = 0.04  # square of the height: the least ink between lines
MIN_CUTS, CUTS, CUTS_LESS, MAX_CUTS = 1, 5, 2.75, 14  # by the width in heights: so many for each, less a few


class _Profiles(NamedTuple):
    """What upright lines meet in ink that was sheared by each slope, float32 (slopes, columns), in heights."""

    ink: NDArray[np.float32]
    loops: NDArray[np.float32]
    top: NDArray[np.float32]
    bottom: NDArray[np.float32]


def lines_to_cut(ink: NDArray[np.bool_], height: float) -> NDArray[np.int32]:
    """The lines along which a component may be cut, from left to right.

    Args:
        ink: bool (H, W), of the component in its box.
        height: of the number's digits, in pixels.

    Returns:
        int32 (N, H), for each line the first column right of it in each row, which may be outside of the box.
    """
    tall, width = ink.shape
    if width < MIN_WIDTH * tall:
        return np.zeros((0, tall), np.int32)
    offsets = np.round((np.arange(tall) - (tall - 1) / 2) * SLOPES[:, None]).astype(np.int32)
    margin = int(offsets.max()) + 1
    profiles = _profiles(ink, offsets, margin, height)
    costs = _costs(profiles, height)
    left = np.ravel((profiles.ink.cumsum(axis=1) - profiles.ink / 2) / height)  # the ink left of each line
    least, most = MIN_PIECE, np.count_nonzero(ink) / height**2 - MIN_PIECE
    may_cut = (left >= least) & (left <= most) & (costs.ravel() < MAX_COST + COST_OF_WIDTH * width / height)
    order = np.flatnonzero(may_cut)
    order = order[np.argsort(costs.ravel()[order], kind="stable")]
    limit = max(MIN_CUTS, min(MAX_CUTS, round(CUTS * width / height - CUTS_LESS)))
    kept = sorted(_apart(order, left, limit), key=lambda line: float(left[line]))
    slope, column = np.divmod(np.array(kept, np.intp), costs.shape[1])
    lines = (column - margin)[:, None] + offsets[slope]
    return np.maximum.accumulate(lines, axis=0).astype(np.int32)  # lines that cross go on together


def _profiles(ink: NDArray[np.bool_], offsets: NDArray[np.int32], margin: int, height: float) -> _Profiles:
    """The profiles of some ink, with a margin on either side, from the columns by which each slope moves each row."""
    tall, width = ink.shape
    wide = width + 4 * margin
    padded = np.zeros((tall, wide), np.uint8)
    padded[:, 2 * margin : 2 * margin + width] = ink
    background = cv2.copyMakeBorder(padded, 1, 1, 0, 0, cv2.BORDER_CONSTANT, value=0)
    cv2.floodFill(background, None, (0, 0), 1)  # from outside, so that loops are left at 0
    columns = np.arange(margin, width + 3 * margin, dtype=np.int32)
    at = (np.arange(0, tall * wide, wide, dtype=np.int32) + offsets)[:, :, None] + columns
    own = padded.ravel().take(at)
    loops = (background[1:-1] == 0).ravel().take(at).sum(axis=1)
    count = own.sum(axis=1)
    top = np.where(count > 0, own.argmax(axis=1), tall)
    bottom = np.where(count > 0, tall - own[:, ::-1].argmax(axis=1), 0)
    return _Profiles(*((values / height).astype(np.float32) for values in (count, loops, top, bottom)))


def _costs(profiles: _Profiles, height: float) -> NDArray[np.float32]:
    """What speaks against cutting along each line, float32 (slopes, columns).

    Digits meet where there is little ink, and where a notch in the upper outline faces one in the lower.
    """
    ink, loops, top, bottom = profiles
    crossed = np.minimum(ink + LOOP_SHARE * loops, EXTENT_SHARE * np.maximum(0, bottom - top))
    crossed = cv2.filter2D(crossed, -1, np.array([[0.25, 0.5, 0.25]]))
    notches = np.maximum(0, _depth(top, height)) + np.maximum(0, _depth(-bottom, height))
    cost = crossed + LEAN_COST * np.abs(SLOPES)[:, None] - np.minimum(notches, MAX_NOTCH)
    return np.asarray(cost, np.float32)


def _depth(outline: NDArray[np.float32], height: float) -> NDArray[np.float32]:
    """How far each column of outlines lies behind what is before it on both of its sides."""
    reach = max(2, round(NOTCH_REACH * height))
    window = np.ones((1, reach), np.uint8)
    sides = [cv2.erode(outline, window, anchor=(anchor, 0)) for anchor in (0, reach - 1)]
    return np.asarray(outline - np.maximum(*sides), np.float32)


def _apart(order: NDArray[np.intp], left: NDArray[np.floating], limit: int) -> list[int]:
    """The first of some lines, and of those after it that have ink between them and it, and so on."""
    kept: list[int] = []
    while order.size and len(kept) < limit:
        kept.append(int(order[0]))
        order = order[np.abs(left[order] - left[order[0]]) >= MIN_PIECE]
    return kept
