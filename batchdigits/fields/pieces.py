"""Cut the ink of a number into pieces: connected components, and the parts of those that may be several digits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from batchdigits.fields.close_up import CloseUp
from batchdigits.fields.cuts import lines_to_cut
from batchdigits.vision.components import components_of

MIN_SPECK = 0.04  # of the view's shorter side: shorter components are dust
MIN_CUT_HEIGHT = 0.5  # of the number's height: lower components are not cut


class Pieces(NamedTuple):
    """Pieces of ink from left to right, by the middles of their boxes; those of a component by its cuts.

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
    place: int  # twice the middle of its box, or of one before it in the component that is farther right
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
        lines: Iterable[NDArray[np.int32]] = ()
        if tall >= MIN_CUT_HEIGHT * close.height:
            lines = lines_to_cut(ink, close.height)
        place = 0
        for part in _parts(ink, lines):
            inset, top, wide, high = cv2.boundingRect(part.view(np.uint8))
            if wide:
                box = x + inset, y + top, x + inset + wide, y + top + high
                place = max(place, box[0] + box[2])
                own = part[top : top + high, inset : inset + wide]
                found.append(_Piece(place, box, index, is_doubtful, own))
    found.sort(key=lambda piece: piece.place)
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


def _parts(ink: NDArray[np.bool_], lines: Iterable[NDArray[np.int32]]) -> Iterator[NDArray[np.bool_]]:
    """The ink left of the first line, between each and the next, and right of the last one."""
    columns = np.arange(ink.shape[1])
    for line in lines:
        is_left = columns < line[:, None]
        yield ink & is_left
        ink = ink & ~is_left
    yield ink
