"""Fields with plain digits, drawn with OpenCV, and with whatever else forms and pens leave on them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from batchdigits.fields.close_up import CloseUp

FIRST = 10  # image of each digit: the first ones are hard
PAPER, INK, LINE, GUIDE = 235, 40, 120, 190
HEIGHT = 50  # pixels of the digits of a mask, whose middle is at row 50
Scan = NDArray[np.uint8]


def paper(width: int, height: int = 60) -> Scan:
    return np.full((height, width), PAPER, np.uint8)


def write(scan: Scan, glyphs: NDArray[np.uint8], labels: NDArray[np.uint8], value: str, at: int, top: int = 12) -> int:
    """Write digits from a column on, each 36 pixels high in 34 columns; returns the column behind the last one."""
    for place, digit in enumerate(value):
        glyph = glyphs[labels == int(digit)][FIRST + place]
        ink = cv2.resize(glyph[2:26, 2:26], (36, 36), interpolation=cv2.INTER_CUBIC).astype(np.float32) / 255
        room = scan[top : top + 36, at : at + 36]
        room[:] = np.minimum(room, PAPER + (INK - PAPER) * np.clip(ink, 0, 1)).astype(np.uint8)
        at += 34
    return at


def walls(scan: Scan, first: int, pitch: int, boxes: int, level: int = LINE) -> None:
    """Draw a comb with rails."""
    last = first + boxes * pitch
    cv2.rectangle(scan, (first, 3), (last, len(scan) - 4), level, 2)
    for column in range(first, last, pitch):
        cv2.line(scan, (column, 3), (column, len(scan) - 4), level, 2)


def zeros() -> Scan:
    """The mask of two narrow zeros."""
    mask = np.zeros((100, 200), np.uint8)
    for middle in (30, 135):
        cv2.ellipse(mask, (middle, 50), (9, 24), 0, 0, 360, 255, 3)
    return mask


def close_up_of(mask: Scan) -> CloseUp:
    """The close-up of a number whose mask this is."""
    return CloseUp(mask, mask, mask, np.zeros_like(mask), HEIGHT, 50.0, np.eye(2, 3))
