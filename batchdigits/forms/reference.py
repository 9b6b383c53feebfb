"""What the blank page of a form looks like: its features, and where its ink is."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from batchdigits.vision.grey import Scan

LONG_SIDE = 1000  # pixels of a page in which features are found and ink is compared: its text is just legible
MAX_FEATURES = 1500
INK_WINDOW, INK_CONTRAST = 31, 10  # pixels around one, and grey levels that ink is darker than their mean
REACH = np.ones((5, 5), np.uint8)  # pixels of the reduced page that ink may lie off
MIN_OWN, MIN_LEAD = 0.02, 0.25  # of a page's ink: what another one lacks; and how much more of it a scan must have

Matrix = NDArray[np.float64]  # (3, 3), a projective map
Points = NDArray[np.float64]  # (N, 2)


class Features(NamedTuple):
    """Points of a page that are found again in a scan of it.

    Attributes:
        points: float32 (N, 2), in pixels of the page.
        descriptors: uint8 (N, 128).
    """

    points: NDArray[np.float32]
    descriptors: NDArray[np.uint8]


class Reference(NamedTuple):
    """A page of a blank form; can be pickled.

    Attributes:
        size: width and height of its picture, in pixels.
        features: its features.
        ink: the mask of its ink in a picture of `LONG_SIDE`, 255 on 0, uint8 (h, w).
        scale: pixels of the mask for each of the picture.
    """

    size: tuple[int, int]
    features: Features
    ink: NDArray[np.uint8]
    scale: float


def reference_of(scan: Scan) -> Reference:
    """What a blank page, uint8 (H, W), looks like."""
    small, scale = reduced(scan)
    return Reference((scan.shape[1], scan.shape[0]), features_of(scan), np.asarray(ink_of(small), np.uint8), scale)


def reduced(scan: MatLike, side: int = LONG_SIDE) -> tuple[MatLike, float]:
    """A scan whose longer side has at most so many pixels, and its pixels for each of the scan."""
    scale = min(1.0, side / max(scan.shape))
    if scale == 1.0:
        return scan, scale
    height, width = (max(1, round(scale * length)) for length in scan.shape)
    return cv2.resize(scan, (width, height), interpolation=cv2.INTER_AREA), scale


def features_of(scan: MatLike) -> Features:
    """The features of a page."""
    small, scale = reduced(scan)
    points, descriptors = cv2.SIFT.create(MAX_FEATURES).detectAndCompute(small, None)
    if descriptors is None:
        return Features(np.zeros((0, 2), np.float32), np.zeros((0, 128), np.uint8))
    places = np.array([point.pt for point in points], np.float32)
    return Features((places + 0.5) / np.float32(scale), np.asarray(descriptors, np.uint8))


def ink_of(page: MatLike, contrast: int = INK_CONTRAST) -> MatLike:
    """The mask of a page's ink, by so many grey levels darker than the paper around it, 255 on 0."""
    smooth = cv2.GaussianBlur(page, (3, 3), 0)
    return cv2.adaptiveThreshold(smooth, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, INK_WINDOW, contrast)


def agreement(reference: Reference, scan: MatLike, matrix: Matrix) -> float:
    """How much of a page's ink a scan has in its place, over what chance would give: 1 for all, 0 for another page.

    Args:
        reference: the page.
        scan: uint8 (H, W).
        matrix: from pixels of the page's picture to those of the scan.
    """
    ink = _laid_ink(reference, scan, matrix)
    own = reference.ink > 0
    chance = float(ink.mean())
    if not own.any() or chance == 1.0:
        return 0.0
    return (float(ink[own].mean()) - chance) / (1.0 - chance)


def is_rather(reference: Reference, other: Reference, scan: MatLike, matrix: Matrix) -> bool:
    """Whether a scan has the ink that only another page has, rather than what only this one has.

    Pages of one form may differ in a few lines only, so that a scan of one agrees with the other, too.

    Args:
        reference: the page.
        other: the other page; one of another size is not looked at.
        scan: uint8 (H, W).
        matrix: from pixels of both pages' pictures to those of the scan.
    """
    if reference.size != other.size:
        return False
    own, others = reference.ink > 0, other.ink > 0
    only_here = own & (np.asarray(cv2.dilate(other.ink, REACH)) == 0)
    only_there = others & (np.asarray(cv2.dilate(reference.ink, REACH)) == 0)
    if only_there.sum() <= MIN_OWN * others.sum():
        return False
    ink = _laid_ink(reference, scan, matrix)
    has_here = float(ink[only_here].mean()) if only_here.any() else 0.5
    return float(ink[only_there].mean()) >= has_here + MIN_LEAD


def _laid_ink(reference: Reference, scan: MatLike, matrix: Matrix) -> NDArray[np.bool_]:
    """Where a scan that is laid onto a page has ink or is near to some, in pixels of its mask; see `agreement`."""
    small, scale = reduced(scan)
    height, width = reference.ink.shape
    onto = scaling(scale) @ matrix @ scaling(1 / reference.scale)
    laid = cv2.warpPerspective(
        small, onto, (width, height), flags=cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR, borderValue=(255,)
    )
    return np.asarray(cv2.dilate(ink_of(laid), REACH)) > 0


def scaling(x: float, y: float | None = None) -> Matrix:
    """The map that stretches both sides, by `x` alone, or by `x` and `y`."""
    return np.diag([x, x if y is None else y, 1.0])


def mapped(points: Points, matrix: Matrix) -> Points:
    """Points, float64 (N, 2), where a map takes them."""
    return np.asarray(cv2.perspectiveTransform(points[None], matrix)[0], np.float64)
