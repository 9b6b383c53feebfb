"""Find digits that may be lines: 1s that may be slashes, where none are expected, and rests of a frame."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from statistics import median

import cv2
import numpy as np
from numpy.typing import NDArray

from batchdigits.fields.dates import is_date
from batchdigits.fields.lattice import Step
from batchdigits.fields.pieces import Pieces
from batchdigits.fields.segments import Segment, ink_of

MIN_HEIGHT, MAX_WIDTH = 0.85, 1.0  # of a slash, as shares of the number's height and of its own
MAX_SPREAD = 1.5  # of the ink around a straight line, as a share of what a bar of the same area and height has
MIN_OUTREACH = 0.08  # of the number's height: what a tall slash has above the other digits, and below them
MIN_FRAME_OUTREACH = 0.25  # the same for what may be the rest of a frame
MAX_HEIGHT_RATIO, MAX_LEAN_DIFFERENCE = 1.25, 0.3  # of the two slashes of a date

Box = tuple[int, int, int, int]  # first column and row, and one past the last


def stroke_lean(segment: Segment, pieces: Pieces, height: float) -> float | None:
    """How far a straight stroke as high as a slash leans, as in `lean_of`; None for any other ink.

    Args:
        segment: the ink.
        pieces: of the number.
        height: of its digits, in pixels.
    """
    left, top, right, bottom = segment.box
    if bottom - top < MIN_HEIGHT * height or right - left > MAX_WIDTH * (bottom - top):
        return None
    lean, spread = lean_of(segment, pieces)
    return lean if spread <= MAX_SPREAD else None


def lean_of(segment: Segment, pieces: Pieces) -> tuple[float, float]:
    """How far ink leans to the right, in columns for each row up; and its spread around a line, over that of a bar."""
    return lean_of_ink(ink_of(segment, pieces))


def lean_of_ink(ink: NDArray[np.uint8]) -> tuple[float, float]:
    """The same of ink that fills its picture, 1 on 0, uint8 (h, w)."""
    mass = cv2.moments(ink, True)
    lean = mass["mu11"] / max(mass["mu02"], 1.0)
    spread = math.sqrt(12 * max(0.0, mass["mu20"] - lean * mass["mu11"]) / mass["m00"])
    return -lean, spread * len(ink) / mass["m00"]


def may_have_slashes(
    digits: Sequence[Step], segments: Sequence[Segment], leans: Sequence[float | None], height: float
) -> bool:
    """Whether a 1 between other digits may be a slash.

    Args:
        digits: the steps that read the digits of a number.
        segments: the ink of each glyph.
        leans: of each glyph, as `stroke_lean` gives it.
        height: of the number's digits, in pixels.
    """
    strokes = [
        place
        for place, step in enumerate(digits)
        if 0 < place < len(digits) - 1 and step.text == "1" and leans[step.glyph] is not None
    ]
    boxes = [segments[step.glyph].box for step in digits]
    if any(_outreach(boxes, place) >= MIN_OUTREACH * height for place in strokes):
        return True
    text = "".join(step.text for step in digits)
    return any(
        is_date(f"{text[:first]}/{text[first + 1 : second]}/{text[second + 1 :]}")
        and _are_alike([boxes[first], boxes[second]], [leans[digits[place].glyph] or 0.0 for place in (first, second)])
        for first, second in combinations(strokes, 2)
    )


def may_have_frame(digits: Sequence[Step], segments: Sequence[Segment], height: float) -> bool:
    """Whether one of several digits may be the rest of a frame, since it reaches far above and below the others.

    Args:
        digits: the steps that read the digits of a number.
        segments: the ink of each glyph.
        height: of the number's digits, in pixels.
    """
    boxes = [segments[step.glyph].box for step in digits]
    return len(boxes) > 1 and any(_outreach(boxes, place) >= MIN_FRAME_OUTREACH * height for place in range(len(boxes)))


def _outreach(boxes: Sequence[Box], place: int) -> float:
    """How many rows a digit has above the others, or below them, whichever is less."""
    others = [box for index, box in enumerate(boxes) if index != place]
    _, top, _, bottom = boxes[place]
    return min(median(other[1] for other in others) - top, bottom - median(other[3] for other in others))


def _are_alike(boxes: Sequence[Box], leans: Sequence[float]) -> bool:
    """Whether two strokes have about the same height and lean."""
    low, high = sorted(bottom - top for _, top, _, bottom in boxes)
    return high <= MAX_HEIGHT_RATIO * low and abs(leans[0] - leans[1]) <= MAX_LEAN_DIFFERENCE
