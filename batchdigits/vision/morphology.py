"""Erode and dilate masks by windows."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

LONG_WINDOW = 40  # pixels: longer windows take less time in steps than in one call of OpenCV


@cache
def rectangle(height: int, width: int) -> MatLike:
    """A structuring element."""
    return np.ones((height, width), np.uint8)


def erode_columns(mask: MatLike, length: int) -> MatLike:
    """Erode a mask, uint8 (H, W), along its columns."""
    if length < LONG_WINDOW:
        return cv2.erode(mask, rectangle(length, 1))
    return _over_windows(np.bitwise_and, mask, length, 255)


def dilate_columns(mask: MatLike, length: int, across: int = 1) -> MatLike:
    """Dilate a mask, uint8 (H, W), along its columns, and across them."""
    if length < LONG_WINDOW:
        return cv2.dilate(mask, rectangle(length, across))
    return _over_windows(np.bitwise_or, mask if across == 1 else cv2.dilate(mask, rectangle(1, across)), length, 0)


def _over_windows(combine: np.ufunc, mask: MatLike, length: int, outside: int) -> NDArray[np.uint8]:
    """Combine so many rows around each row, doubling the number at every step: OpenCV's time grows with the length."""
    height, width = mask.shape
    combined: NDArray[np.uint8] = np.full((height + length - 1, width), outside, np.uint8)
    combined[length // 2 : length // 2 + height] = mask
    reach = 1
    while reach < length:
        step = min(reach, length - reach)
        combined = combine(combined[:-step], combined[step:])
        reach += step
    return combined


def opposite(element: MatLike) -> tuple[int, int]:
    """The anchor (x, y) with which a dilation by a structuring element undoes the shift of an erosion by it."""
    height, width = element.shape
    return width - 1 - width // 2, height - 1 - height // 2
