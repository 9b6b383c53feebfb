"""Digits as pen strokes, drawn with another pen and scanner each time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from batchdigits.datasets.labelled import likeliest_glyph
from batchdigits.vision.normalise import Glyph

MAX_POINT = 255  # the longer side of a drawing in its own units
MIN_SIDE, MAX_SIDE = 22.0, 100.0  # pixels of the digit's longer side in a scan
FINE_SIDE = 48  # pixels: a smaller digit is drawn at four times its size, a larger one at twice
PEN_SHARES = (0.035, 0.16)  # width of the pen over the digit's longer side
MIN_PEN = 1.0  # pixels
MARGIN_SHARES = (0.1, 0.5)  # background around the digit, over its longer side
FRACTION_BITS = 4  # of OpenCV's drawing coordinates
# The share of scans with each flaw, and the range of its degree.
BILEVEL_SHARE, BILEVEL_LEVELS = 0.25, (70.0, 150.0)  # grey levels that become ink
BLURRED_SHARE, BLUR_SHARES = 0.2, (0.01, 0.035)  # standard deviation over the digit's longer side
NOISY_SHARE, NOISE_DEVIATIONS = 0.2, (4.0, 25.0)  # standard deviation in grey levels


@dataclass(frozen=True, eq=False)
class Drawings:
    """Drawings in pen strokes.

    Attributes:
        points: uint8 (P, 2), x before y, of all strokes one after the other; a drawing's longer side is MAX_POINT.
        stroke_ends: int64 (S,), one past the last point of each stroke.
        ends: int64 (N,), one past the last stroke of each drawing.
    """

    points: NDArray[np.uint8]
    stroke_ends: NDArray[np.int64]
    ends: NDArray[np.int64]

    def __len__(self) -> int:
        """The number of drawings."""
        return len(self.ends)

    def strokes(self, index: int) -> list[NDArray[np.float64]]:
        """The strokes of a drawing, float64 (n, 2) each, n at least 1, in its own units."""
        first, last = (int(self.ends[index - 1]) if index else 0), int(self.ends[index])
        starts = [int(self.stroke_ends[stroke - 1]) if stroke else 0 for stroke in range(first, last)]
        return [
            self.points[start : self.stroke_ends[first + number]].astype(np.float64)
            for number, start in enumerate(starts)
        ]

    def glyph(self, index: int, rng: np.random.Generator) -> Glyph:
        """The glyph of a new scan of a drawing, uint8 (28, 28)."""
        return likeliest_glyph(draw_scan(self.strokes(index), rng), "light")


def draw_scan(strokes: Sequence[NDArray[np.float64]], rng: np.random.Generator) -> NDArray[np.uint8]:
    """The scan of a drawing: ink bright on 0, uint8 (H, W).

    Args:
        strokes: points (n, 2) each, x before y, in units of which the longer side has MAX_POINT.
        rng: decides size, pen and scanner.
    """
    side = float(np.exp(rng.uniform(np.log(MIN_SIDE), np.log(MAX_SIDE))))
    pen = max(MIN_PEN, side * rng.uniform(*PEN_SHARES))
    margin = pen / 2 + side * rng.uniform(*MARGIN_SHARES)
    scale = 4 if side < FINE_SIDE else 2
    extent = np.max([stroke.max(axis=0) for stroke in strokes], axis=0) * (side / MAX_POINT)
    width, height = np.ceil(extent + 2 * margin).astype(int).tolist()
    canvas = np.zeros((height * scale, width * scale), np.uint8)
    for stroke in strokes:
        line = (stroke * (side / MAX_POINT) + margin) * scale
        fixed = np.rint(line * 2**FRACTION_BITS).astype(np.int32)
        if len(fixed) == 1:
            fixed = np.repeat(fixed, 2, axis=0)
        cv2.polylines(canvas, [fixed], False, 255, max(1, round(pen * scale)), cv2.LINE_8, FRACTION_BITS)
    scan = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA)
    return _with_flaw(np.asarray(scan, np.uint8), side, rng)


def _with_flaw(scan: NDArray[np.uint8], side: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    flaw, degree = rng.random(2)
    if flaw < BILEVEL_SHARE:
        return np.where(scan >= between(BILEVEL_LEVELS, degree), 255, 0).astype(np.uint8)
    if flaw < BILEVEL_SHARE + BLURRED_SHARE:
        return np.asarray(cv2.GaussianBlur(scan, (0, 0), max(0.3, side * between(BLUR_SHARES, degree))), np.uint8)
    if flaw < BILEVEL_SHARE + BLURRED_SHARE + NOISY_SHARE:
        noise = rng.standard_normal(scan.shape, dtype=np.float32) * np.float32(between(NOISE_DEVIATIONS, degree))
        return np.clip(scan + noise, 0.0, 255.0).astype(np.uint8)
    return scan


def between(ends: tuple[float, float], share: float) -> float:
    """The number that lies between two ends at a share, 0-1, of the way."""
    return ends[0] + (ends[1] - ends[0]) * share


def join_drawings(parts: Sequence[Drawings]) -> Drawings:
    """All drawings, one part after the other."""
    points = np.cumsum([0, *(len(part.points) for part in parts)])
    strokes = np.cumsum([0, *(len(part.stroke_ends) for part in parts)])
    return Drawings(
        np.concatenate([part.points for part in parts]),
        np.concatenate([part.stroke_ends + first for part, first in zip(parts, points, strict=False)]),
        np.concatenate([part.ends + first for part, first in zip(parts, strokes, strict=False)]),
    )
