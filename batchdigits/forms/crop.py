"""Crop a field out of a scan that was lined up with its form."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from batchdigits.files.source_error import SourceError
from batchdigits.forms.reference import Matrix, Points, mapped
from batchdigits.forms.template import Box
from batchdigits.vision.grey import Scan

MAX_STRAIGHT = 0.75  # pixels that the corners of a box may lie off an upright one that is cut out as it is
MAX_OUTSIDE = 0.1  # of a box: the part that the scan may lack
MAX_ENLARGEMENT = 4  # pixels of a crop, for each one of the scan


class Crop(NamedTuple):
    """A field.

    Attributes:
        scan: uint8 (h, w), upright, with as many pixels as it has in the scan of its page.
        back: the map from its pixels to those of the page.
    """

    scan: Scan
    back: Matrix

    @property
    def corners(self) -> Points:
        """Its corners on the page, float64 (4, 2), in the order of `corners_text`."""
        return mapped(_rectangle(self.scan.shape[1], self.scan.shape[0]), self.back)


def crop(scan: Scan, box: Box, matrix: Matrix) -> Crop:
    """Crop a field.

    Args:
        scan: the page, uint8 (H, W).
        box: of the field, in units of the template.
        matrix: from these to pixels of the scan.

    Raises:
        SourceError: the field is not on the scan.
    """
    left, top, width, height = box
    corners = mapped(_rectangle(width, height) + np.array([left, top]), matrix)
    _check_inside(scan, corners)
    return crop_corners(scan, corners)


def crop_corners(scan: Scan, corners: Points) -> Crop:
    """Crop what is between four corners; what the scan lacks is filled up.

    Args:
        scan: the page, uint8 (H, W).
        corners: float64 (4, 2), in pixels of the scan and in the order of `corners_text`.

    Raises:
        SourceError: it has too many pixels.
    """
    across = np.linalg.norm(corners[[1, 2]] - corners[[0, 3]], axis=1).mean()
    down = np.linalg.norm(corners[[3, 2]] - corners[[0, 1]], axis=1).mean()
    columns, rows = max(1, round(across)), max(1, round(down))
    if columns * rows > MAX_ENLARGEMENT * scan.size:
        raise SourceError("not on the scan")
    x, y = (round(float(side)) for side in corners.mean(axis=0) - (columns / 2, rows / 2))
    upright = _rectangle(columns, rows)
    is_within = x >= 0 and y >= 0 and x + columns <= scan.shape[1] and y + rows <= scan.shape[0]
    if is_within and np.abs(upright + np.array((x, y)) - corners).max() <= MAX_STRAIGHT:
        back = np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])
        return Crop(np.ascontiguousarray(scan[y : y + rows, x : x + columns]), back)
    back = np.asarray(cv2.getPerspectiveTransform(upright.astype(np.float32), corners.astype(np.float32)))
    half = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.0, 0.0, 1.0]])  # OpenCV counts from the middle of a pixel
    flags = cv2.WARP_INVERSE_MAP | cv2.INTER_CUBIC
    middle = np.linalg.inv(half) @ back @ half
    straight = cv2.warpPerspective(scan, middle, (columns, rows), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return Crop(np.asarray(straight, np.uint8), back)


def around(corners: Points, margin: float) -> Points:
    """The corners, float64 (4, 2), of a field with a margin of so many pixels around it."""
    across, down = (_as_long(side, margin) for side in (corners[1] - corners[0], corners[3] - corners[0]))
    return np.array(
        [
            corners[0] - across - down,
            corners[1] + across - down,
            corners[2] + across + down,
            corners[3] - across + down,
        ],
        np.float64,
    )


def _as_long(side: Points, length: float) -> Points:
    """A vector, float64 (2,), in the direction of a side, with a length in pixels."""
    return side * (length / max(1.0, float(np.hypot(*side))))


def _rectangle(width: float, height: float) -> Points:
    """The corners of a rectangle, float64 (4, 2)."""
    return np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)


def _check_inside(scan: Scan, corners: Points) -> None:
    """Check that most of a box, float64 (4, 2), is on the scan.

    Raises:
        SourceError: it is not.
    """
    low, high = corners.min(axis=0), corners.max(axis=0)
    inside = np.clip(high, 0, scan.shape[::-1]) - np.clip(low, 0, scan.shape[::-1])
    if not np.isfinite(corners).all() or np.prod(inside) < (1 - MAX_OUTSIDE) * np.prod(high - low):
        raise SourceError("not on the scan")
