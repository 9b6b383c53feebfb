"""Cut the ink of a number into pieces: connected components, and the parts of those that may be several digits."""

from __future__ import annotations

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
        areas: int32 (N,), pixels of each.
        parents: int32 (N,), the component that each belongs to.
        doubtful: bool (N,), whether each may be the rest of a wall.
    """

    labels: NDArray[np.int32]
    boxes: NDArray[np.int32]
    areas: NDArray[np.int32]
    parents: NDArray[np.int32]
    doubtful: NDArray[np.bool_]


def pieces_of(close: CloseUp) -> Pieces:
    """The pieces of a number."""
    mask, height = close.mask, close.height
    components = components_of(mask)
    least = MIN_SPECK * min(mask.shape) + 1
    labels = np.zeros(mask.shape, np.int32)
    boxes: list[tuple[int, int, int, int]] = []
    areas, parents, doubtful = [], [], []
    for index in range(len(components.x)):
        if components.length[index] < least:
            continue
        x, y, width, tall = (int(values[index]) for values in components[1:5])
        ink = components.labels[y : y + tall, x : x + width] == index + 1
        is_doubtful = bool(close.doubtful[y : y + tall, x : x + width][ink].mean() > 127)
        cuts = _cuts(ink) if tall >= MIN_CUT_HEIGHT * height else []
        for part in _parts(ink, cuts):
            left, top, wide, high = cv2.boundingRect(part)
            boxes.append((x + left, y + top, x + left + wide, y + top + high))
            areas.append(cv2.countNonZero(part))
            doubtful.append(is_doubtful)
            parents.append(index)
            labels[y : y + tall, x : x + width][part > 0] = len(boxes)
    return _sorted(labels, boxes, areas, parents, doubtful)


def _sorted(labels: NDArray[np.int32], boxes: list[tuple[int, int, int, int]], areas: list[int], parents: list[int], doubtful: list[bool]) -> Pieces:
    if not boxes:
        none = np.zeros(0, np.int32)
        return Pieces(labels, np.zeros((0, 4), np.int32), none, none, np.zeros(0, np.bool_))
    table = np.array(boxes, np.int32)
    order = np.argsort(table[:, 0] + table[:, 2], kind="stable")
    ranks = np.zeros(len(boxes) + 1, np.int32)
    ranks[order + 1] = np.arange(1, len(boxes) + 1)
    return Pieces(ranks.take(labels), table[order], np.array(areas, np.int32)[order], np.array(parents, np.int32)[order], np.array(doubtful, np.bool_)[order])


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
        if len(cuts) >= max(2, min(MAX_CUTS, round(3 * width / height))):
            break
    return sorted(cuts)


def _smooth(profile: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.convolve(np.pad(profile, 1, mode="edge"), (0.25, 0.5, 0.25), "valid").astype(np.float32)


def _parts(ink: NDArray[np.bool_], cuts: list[int]) -> list[NDArray[np.uint8]]:
    """The parts of a component between its cuts."""
    parts = []
    for left, right in zip([0, *cuts], [*cuts, ink.shape[1]], strict=True):
        part = np.zeros(ink.shape, np.uint8)
        part[:, left:right] = ink[:, left:right]
        if part.any():
            parts.append(part)
    return parts
