"""Cut the ink of a number into pieces: connected components, and the parts of those that may be several digits."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from batchdigits.fields.close_up import CloseUp
from batchdigits.vision.components import components_of

MIN_SPECK = 0.04  # of the view's shorter side: shorter components are dust
MIN_CUT_WIDTH = 0.42  # of a component's height: narrower ones are one digit
MIN_CUT_HEIGHT = 0.5  # of the number's height: lower components are not cut
MIN_PIECE_SHARE = 0.15  # of a component's height: the least width of a piece
MAX_JOINT_SHARE = 0.55  # of a component's height: the most ink in the column of a cut
MAX_CUTS = 8  # for each component's height of its width, two


class Pieces(NamedTuple):
    """Pieces of ink from left to right, by the middles of their boxes.

    Attributes:
        labels: int32 (H, W), 0 for the background, and from 1 on for each piece.
        boxes: int32 (N, 4), the first column and row of each, and one past the last.
        parents: int32 (N,), the component that each belongs to.
        doubtful: bool (N,), whether each may be the rest of a wall.
    """

    labels: NDArray[np.int32]
    boxes: NDArray[np.int32]
    parents: NDArray[np.int32]
    doubtful: NDArray[np.bool_]


class _Piece(NamedTuple):
    box: tuple[int, int, int, int]
    parent: int
    is_doubtful: bool
    ink: NDArray[np.bool_]


def pieces_of(close: CloseUp) -> Pieces:
    """The pieces of a number."""
    components = components_of(close.mask)
    least = MIN_SPECK * min(close.mask.shape) + 1
    found: list[_Piece] = []
    for index in np.flatnonzero(components.length >= least).tolist():
        x, y, width, tall = (int(values[index]) for values in components[1:5])
        ink = components.labels[y : y + tall, x : x + width] == index + 1
        is_doubtful = bool(np.asarray(close.doubtful[y : y + tall, x : x + width])[ink].mean() > 127)
        cuts = _cuts(ink) if tall >= MIN_CUT_HEIGHT * close.height else []
        for left, right in pairwise([0, *cuts, width]):
            part = ink[:, left:right]
            inset, top, wide, high = cv2.boundingRect(part.astype(np.uint8))
            if wide:
                box = x + left + inset, y + top, x + left + inset + wide, y + top + high
                found.append(_Piece(box, index, is_doubtful, part[top : top + high, inset : inset + wide]))
    found.sort(key=lambda piece: piece.box[0] + piece.box[2])
    labels = np.zeros(close.mask.shape, np.int32)
    for number, piece in enumerate(found, 1):
        left, top, right, bottom = piece.box
        labels[top:bottom, left:right][piece.ink] = number
    return Pieces(
        labels,
        np.array([piece.box for piece in found], np.int32).reshape(-1, 4),
        np.array([piece.parent for piece in found], np.int32),
        np.array([piece.is_doubtful for piece in found], np.bool_),
    )


def _cuts(ink: NDArray[np.bool_]) -> list[int]:
    """Columns at which a component may be cut, rising.

    Digits meet where there is little ink in a column, or where a valley in the upper outline faces one in the lower.
    """
    height, width = ink.shape
    if width < MIN_CUT_WIDTH * height:
        return []
    count = _smooth(ink.sum(axis=0) / height)
    top = ink.argmax(axis=0)
    bottom = height - ink[::-1].argmax(axis=0)
    extent = _smooth((bottom - top) / height)
    least = max(2, round(MIN_PIECE_SHARE * height))
    candidates = []
    for profile, limit in ((count, MAX_JOINT_SHARE), (extent, 0.9)):
        low = cv2.erode(profile[None], np.ones((1, 2 * (least // 2) + 1), np.uint8)).ravel()
        for column in np.flatnonzero((profile <= low + 1e-6) & (profile < limit)).tolist():
            if least <= column <= width - least:
                candidates.append((min(count[column], 0.6 * extent[column]), column))
    cuts: list[int] = []
    for _, column in sorted(candidates):
        if all(abs(column - other) >= least for other in cuts):
            cuts.append(column)
        if len(cuts) >= max(2, min(MAX_CUTS, round(4 * width / height))):
            break
    return sorted(cuts)


def _smooth(profile: NDArray[np.float64]) -> NDArray[np.float32]:
    extended = np.concatenate((profile[:1], profile, profile[-1:]))
    return np.convolve(extended, (0.25, 0.5, 0.25), "valid").astype(np.float32)
