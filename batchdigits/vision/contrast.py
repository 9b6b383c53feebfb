"""Tell ink from the grain of its background and from light, and stretch its contrast."""

from __future__ import annotations

import cv2
import numpy as np
from cv2.typing import MatLike

from batchdigits.vision.illumination import MIN_PAGE_SIDE

MIN_CONTRAST = 16.0  # grey levels from background to ink: faint pencil has 25, the blocks of JPEG under 14
MIN_SIGNAL = 7.0  # contrast in standard deviations of the background: grain split by a threshold has 3, pencil 10
CERTAIN_CONTRAST = 100.0  # grey levels that no grain reaches; at 8x8 pixels the grey edges of strokes look like grain
# For a page under uneven light, and for the inside of a cell whose lines were removed: what is left of a background when
# there is no ink splits at any threshold, too.
MIN_INK_SIGNAL = 5.5  # contrast in standard deviations of the background
MIN_SEPARATION = 0.7  # share of the variance between ink and background (Otsu's criterion); normal grain has 0.64
MAX_INK_SHARE = 0.5  # of the area
MIN_SHARPNESS = 0.2  # rise within two pixels at the edges of ink, as a share of its contrast: light has 0.1
MIN_PIXELS = 30  # for a judgement
NEIGHBOURS = np.ones((3, 3), np.uint8)


def stretch_contrast(view: MatLike, mask: MatLike) -> tuple[MatLike, bool]:
    """Set the background to 0 and the ink's peak to 255.

    Args:
        view: evenly lit, uint8 (H, W), with its ink bright.
        mask: the mask of its lighter side, from `otsu`.

    Returns:
        The ink, uint8 (H, W), and whether it is distinct from the grain of the background, and has edges as light has
        not.
    """
    least, most, _, _ = cv2.minMaxLoc(view)
    ink = view if least == 0.0 and most == 255.0 else _stretch(view, least, most)
    if 2 * cv2.countNonZero(ink) < mask.size:  # one level fills most of the view: a background without grain
        contrast = most - least
        has_edges = min(view.shape) < MIN_PAGE_SIDE or _sharpness(view, mask) >= MIN_SHARPNESS * contrast
        return ink, contrast >= MIN_CONTRAST and has_edges
    counts = cv2.calcHist([view], [0], None, [256], [0, 256]).ravel().cumsum()
    background_area = mask.size - cv2.countNonZero(mask)
    # The lower half of the background is free of the grey edges of strokes, so its spread is that of the grain. The top
    # tenth of the ink is noise, or the overshoot of a sharpening filter.
    ranks = (0.16 * background_area, 0.5 * background_area, 0.1 * background_area + 0.9 * counts[-1])
    low, background, peak = counts.searchsorted(ranks).tolist()
    grain, contrast = background - low, peak - background
    ink = _stretch(view, min(background + 2.0 * grain, peak - 1.0), peak)
    is_signal = contrast >= MIN_CONTRAST and (contrast >= CERTAIN_CONTRAST or contrast >= MIN_SIGNAL * grain)
    return ink, is_signal and _sharpness(view, mask) >= MIN_SHARPNESS * contrast


def background_level(view: MatLike, mask: MatLike) -> float:
    """The median grey level outside of a mask of ink, 255 on 0."""
    counts = cv2.calcHist([view], [0], cv2.bitwise_not(mask), [256], [0, 256]).ravel().cumsum()
    return float(counts.searchsorted(counts[-1] / 2.0))


def _stretch(view: MatLike, floor: float, peak: float) -> MatLike:
    gain = 255.0 / max(peak - floor, 1.0)
    return cv2.addWeighted(view, gain, view, 0.0, -gain * floor)  # the one OpenCV call that clips below 0


def is_ink(view: MatLike, mask: MatLike, region: MatLike) -> bool:
    """Whether the brighter part of a region is ink, and not the grain of a background or the rest of a shadow.

    Ink is distinct from the background's grain, covers less than half, and has edges; light has none.

    Args:
        view: on a background of about 0, uint8 (H, W), with its ink bright.
        mask: of its brighter part, 255 on 0.
        region: where to look, 255 on 0.
    """
    counts = cv2.calcHist([view], [0], region, [256], [0, 256]).ravel()
    levels = np.arange(256.0)
    both = cv2.bitwise_and(mask, region)
    bright = cv2.calcHist([view], [0], both, [256], [0, 256]).ravel()
    dark = counts - bright
    if counts.sum() < MIN_PIXELS or not bright.any() or not dark.any():
        return False
    share = bright.sum() / counts.sum()
    low, background, high = np.searchsorted(dark.cumsum(), np.multiply((0.16, 0.5, 0.84), dark.sum())).tolist()
    contrast = int(np.searchsorted(bright.cumsum(), 0.9 * bright.sum())) - background
    grain = max(background - low, high - background, 0.5)
    mean = np.average(levels, weights=counts)
    variance = np.average((levels - mean) ** 2, weights=counts)
    gap = np.average(levels, weights=bright) - np.average(levels, weights=dark)
    separation = share * (1.0 - share) * gap**2 / max(variance, 1e-6)
    if contrast < max(MIN_CONTRAST, MIN_INK_SIGNAL * grain) or separation < MIN_SEPARATION or share > MAX_INK_SHARE:
        return False
    return _sharpness(view, both) >= MIN_SHARPNESS * contrast


def _sharpness(view: MatLike, mask: MatLike) -> float:
    """Mean rise within two pixels at the outline of a mask, in grey levels."""
    outline = cv2.subtract(mask, cv2.erode(mask, NEIGHBOURS))
    return cv2.mean(cv2.morphologyEx(view, cv2.MORPH_GRADIENT, NEIGHBOURS), outline)[0]
