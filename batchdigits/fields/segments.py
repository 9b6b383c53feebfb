"""Join pieces of ink to segments, each of which may be a digit, and frame them as glyphs."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from batchdigits.fields.close_up import CloseUp
from batchdigits.fields.context import EDGE, PEAK, context_of
from batchdigits.fields.pieces import Pieces
from batchdigits.vision.framing import MAX_SLANT, frame
from batchdigits.vision.normalise import Glyph

MAX_PIECES = 5  # of a digit
MIN_HEIGHT, MAX_HEIGHT = 0.4, 2.2  # of a digit, as shares of the number's height
MAX_WIDTH = 1.6  # of a digit, as a share of the larger of its own and the number's height
MAX_GAP = 0.35  # of the number's height: no part of a digit is farther from the others
MIN_STRAIGHTNESS, MAX_LINE_SLANT = 0.95, 2.0  # correlation of rows and columns, and columns for each row, of a line
FLOOR = 20  # grey levels of 255 of a glyph's ink: less is the paper's grain


class Segment(NamedTuple):
    """Pieces that may be a digit together.

    Attributes:
        start: the first piece.
        end: one past the last piece.
        box: its first column and row, and one past the last.
        gap: the widest run of columns without ink between its pieces.
    """

    start: int
    end: int
    box: tuple[int, int, int, int]
    gap: int


def segments_of(pieces: Pieces, height: float) -> list[Segment]:
    """The runs of pieces that have the size of a digit in a number of some height, in pixels."""
    segments = []
    boxes = pieces.boxes.tolist()
    for start in range(len(boxes)):
        left, top, right, bottom = boxes[start]
        gap = 0
        for end in range(start + 1, min(len(boxes), start + MAX_PIECES) + 1):
            x0, y0, x1, y1 = boxes[end - 1]
            gap = max(gap, x0 - right)
            if gap > MAX_GAP * height:
                break
            left, top, right, bottom = min(left, x0), min(top, y0), max(right, x1), max(bottom, y1)
            tall = bottom - top
            if MIN_HEIGHT * height <= tall <= MAX_HEIGHT * height and right - left <= MAX_WIDTH * max(tall, height):
                segments.append(Segment(start, end, (left, top, right, bottom), gap))
    return segments


def ink_of(segment: Segment, pieces: Pieces) -> NDArray[np.uint8]:
    """The ink of a segment in its box, 1 on 0, uint8 (h, w)."""
    left, top, right, bottom = segment.box
    labels = pieces.labels[top:bottom, left:right]
    return ((labels > segment.start) & (labels <= segment.end)).view(np.uint8)


def glyph_of(segment: Segment, pieces: Pieces, close: CloseUp) -> tuple[Glyph, Glyph] | None:
    """The glyph of a segment of a number and its context; None if its ink is too faint."""
    left, top, right, bottom = segment.box
    own = ink_of(segment, pieces)
    others = (pieces.labels[top:bottom, left:right] > 0) & (own == 0)
    glyph = ink_to_glyph(close.ink, own, segment.box, others)
    return None if glyph is None else (glyph, context_of(close.around, own, segment.box, close.height, others))


def ink_to_glyph(
    ink: MatLike, own: NDArray[np.uint8], box: tuple[int, int, int, int], others: NDArray[np.bool_] | None = None
) -> Glyph | None:
    """Frame a part of some ink, with its soft edges; None if it is too faint.

    Args:
        ink: uint8 (H, W), bright on 0.
        own: the part's pixels in its box, 1 on 0.
        box: first column and row, and one past the last.
        others: pixels in the box of ink that the part touches, but that is not its own.
    """
    left, top, right, bottom = box
    y, x = max(0, top - 1), max(0, left - 1)
    grey = ink[y : bottom + 1, x : right + 1]
    inside = slice(top - y, bottom - y), slice(left - x, right - x)
    mask: NDArray[np.uint8] = np.zeros(grey.shape, np.uint8)
    mask[inside] = own
    peak = cv2.mean(grey, mask)[0] * PEAK
    if peak < 1.0:
        return None
    around = np.asarray(cv2.dilate(mask, EDGE), np.uint8)
    if others is not None:
        around[inside][others] = 0
    grey = cv2.convertScaleAbs(cv2.copyTo(grey, around), alpha=255.0 / peak)
    grey = cv2.threshold(grey, FLOOR, 255, cv2.THRESH_TOZERO)[1]
    return frame(_line_upright(grey), deslant=True) if cv2.hasNonZero(grey) else None


def _line_upright(ink: MatLike) -> MatLike:
    """Shear a straight line, such as a 1, upright that leans more than `frame` undoes; other ink stays as it is."""
    mass = cv2.moments(ink)
    slant = mass["mu11"] / mass["mu02"] if mass["mu02"] > 0 else 0.0
    is_straight = mass["mu11"] ** 2 >= MIN_STRAIGHTNESS**2 * mass["mu20"] * mass["mu02"]
    if not is_straight or not MAX_SLANT < abs(slant) <= MAX_LINE_SLANT:
        return ink
    height, width = ink.shape
    lean = abs(slant) * height
    affine = np.array([[1.0, -slant, lean if slant > 0 else 0.0], [0.0, 1.0, 0.0]])
    return cv2.warpAffine(ink, affine, (width + round(lean) + 1, height))
