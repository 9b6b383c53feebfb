"""What fields are drawn with: layers of ink, strokes by hand, and printed lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Rng = np.random.Generator
Layer = NDArray[np.float32]  # (H, W), 0-1
Point = NDArray[np.float64]  # column and row


class Page(NamedTuple):
    """What is drawn of a field: the ink of each digit (N, H, W), other ink, printed lines, and how dark these are."""

    digits: Layer
    other: Layer
    lines: Layer
    darkness: float


class Number(NamedTuple):
    """Digits as they are written: the ink of each, their common height in pixels, and the pen's width for lines."""

    digits: list[Layer]
    height: float
    pen: int


def put(layer: NDArray[np.floating], digit: Layer, left: int, top: int) -> None:
    """Add the ink of a digit to a layer, as far as it is inside of it."""
    place = layer[top : top + len(digit), left : left + digit.shape[1]]
    np.maximum(place, digit[: place.shape[0], : place.shape[1]], out=place)


def draw_stroke(
    layer: Layer, start: Point, end: Point, pen: int, wobble: float, rng: Rng, darkness: float = 0.95
) -> None:
    """A stroke by hand, which is off a straight line by at most `wobble` pixels."""
    way = end - start
    length = float(np.hypot(*way))
    count = max(4, int(length / 8))
    along = np.linspace(0, 1, count)
    off = np.cumsum(rng.standard_normal(count))
    off -= np.linspace(off[0], off[-1], count)
    off *= wobble / max(1e-6, float(np.abs(off).max()))
    points = start + along[:, None] * way + off[:, None] * np.array([-way[1], way[0]]) / max(1e-6, length)
    cv2.polylines(layer, [np.round(points * 16).astype(np.int32)], False, darkness, pen, cv2.LINE_AA, 4)


def draw_line(layer: Layer, start: Sequence[float], end: Sequence[float], pen: int) -> None:
    """A printed line; a point is a column and a row."""
    (x0, y0), (x1, y1) = ((round(16 * x), round(16 * y)) for x, y in (start, end))
    cv2.line(layer, (x0, y0), (x1, y1), 1.0, max(1, pen), cv2.LINE_AA, 4)
