"""Tell ink from the grain of its background and from light, and stretch its contrast."""

from __future__ import annotations

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from batchdigits.vision.components import Box
from batchdigits.vision.illumination import MIN_PAGE_SIDE

MIN_CONTRAST = 16.0  # grey levels from background to ink: faint pencil has 25, the blocks of JPEG under 14
MIN_SIGNAL = 7.0  # contrast in standard deviations of the background: grain split by a threshold has 3, pencil 10
CERTAIN_CONTRAST = 100.0  # grey levels that no grain reaches; at 8x8 pixels the grey edges of strokes look like grain
# For a page under uneven light, and for the inside of a cell whose lines were removed: what is left of a background
# when there is no ink splits at any threshold, too.
MIN_INK_SIGNAL = 5.5  # contrast in standard deviations of the background
MIN_SEPARATION = 0.7  # share of the variance between ink and background (Otsu's criterion); normal grain has 0.64
MAX_INK_SHARE = 0.5  # of the area
MIN_SHARPNESS = 0.2  # rise within two pixels at the edges of ink, as a share of its contrast: light has 0.1
MIN_PIXELS = 30  # for a judgement
# Pixels of middle grey for each of the mask, and for each of its outline: strokes have fewer, light more.
MAX_BETWEEN, MAX_BETWEEN_AT_OUTLINE = 0.6, 1.75
NEIGHBOURS = np.ones((3, 3), np.uint8)
LEVELS = np.arange(256.0)
SQUARES = LEVELS**2


Histogram = NDArray[np.float32]  # (256,), pixels of each grey level


def histogram(view: MatLike, region: MatLike | None = None) -> Histogram:
    """That of a view, uint8 (H, W), or of a region of it, 255 on 0."""
    return np.asarray(cv2.calcHist([view], [0], region, [256], [0, 256]), np.float32).ravel()


def stretch_contrast(view: MatLike, mask: MatLike, counts: Histogram | None = None) -> tuple[MatLike, float, float]:
    """Set the background to 0 and the ink's peak to 255.

    Args:
        view: evenly lit, uint8 (H, W), with its ink bright.
        mask: the mask of its lighter side, from `otsu`.
        counts: its histogram, if that is at hand.

    Returns:
        The ink, uint8 (H, W); its contrast in grey levels, or 0 if it is not distinct from the background's grain; and
        the background's median grey level.
    """
    least, most, _, _ = cv2.minMaxLoc(view)
    over_least = view if least == 0.0 else cv2.threshold(view, least, 255, cv2.THRESH_BINARY)[1]
    if 2 * cv2.countNonZero(over_least) < mask.size:  # one level fills most of the view: a background without grain
        ink = view if least == 0.0 and most == 255.0 else _stretch(view, least, most)
        return ink, most - least if most - least >= MIN_CONTRAST else 0.0, least
    total = (histogram(view) if counts is None else counts).cumsum()
    background_area = mask.size - cv2.countNonZero(mask)
    # The lower half of the background is free of the grey edges of strokes, so its spread is that of the grain. The top
    # tenth of the ink is noise, or the overshoot of a sharpening filter.
    ranks = (0.16 * background_area, 0.5 * background_area, 0.1 * background_area + 0.9 * total[-1])
    low, background, peak = total.searchsorted(ranks).tolist()
    grain, contrast = background - low, peak - background
    ink = _stretch(view, min(background + 2.0 * grain, peak - 1.0), peak)
    is_distinct = contrast >= MIN_CONTRAST and (contrast >= CERTAIN_CONTRAST or contrast >= MIN_SIGNAL * grain)
    return ink, float(contrast) if is_distinct else 0.0, float(background)


def _stretch(view: MatLike, floor: float, peak: float) -> MatLike:
    gain = 255.0 / max(peak - floor, 1.0)
    return cv2.addWeighted(view, gain, view, 0.0, -gain * floor)  # the one OpenCV call that clips below 0


def is_ink(counts: Histogram, bright: float) -> bool:
    """Whether the brighter part of a view may be ink, and not the grain of a background.

    Ink is distinct from the grain, and covers less than half.

    Args:
        counts: the histogram of the view, which is on a background of about 0, with its ink bright.
        bright: the number of pixels over Otsu's threshold.
    """
    total = counts.cumsum()
    area = float(total[-1])
    dark = area - bright
    if area < MIN_PIXELS or not bright or not dark or bright > MAX_INK_SHARE * area:
        return False
    ranks = (0.16 * dark, 0.5 * dark, 0.84 * dark, dark, dark + 0.9 * bright)
    low, background, high, last, peak = total.searchsorted(ranks).tolist()
    contrast, grain = peak - background, max(background - low, high - background, 0.5)
    if contrast < max(MIN_CONTRAST, MIN_INK_SIGNAL * grain):
        return False
    exact = counts.astype(np.float64)
    of_dark = float(exact[: last + 1] @ LEVELS[: last + 1])
    whole = float(exact @ LEVELS)
    gap = (whole - of_dark) / bright - of_dark / dark
    variance = float(exact @ SQUARES) / area - (whole / area) ** 2
    return bool(bright / area * (dark / area) * gap**2 >= MIN_SEPARATION * variance)


def without_level(view: MatLike, level: float) -> MatLike:
    """An evenly lit view on a background of 0, without stretching its contrast."""
    return cv2.subtract(view, level) if level else view  # type: ignore[call-overload]


def has_edges(view: MatLike, mask: MatLike, box: Box, ink: MatLike, contrast: float) -> bool:
    """Whether ink has sharp edges, as light has not. A small view is not judged.

    Few grey levels lie between background and ink. Where that does not decide, it is the mean rise within two pixels at
    the outline of the mask.

    Args:
        view: uint8 (H, W), with its ink bright.
        mask: of its ink, 255 on 0.
        box: where to look: x, y, width and height.
        ink: from `stretch_contrast`, uint8 (H, W).
        contrast: from `stretch_contrast`.
    """
    if min(ink.shape) < MIN_PAGE_SIDE:
        return True
    x, y, width, height = box
    rows, columns = slice(max(0, y - 1), y + height + 1), slice(max(0, x - 1), x + width + 1)
    view, mask = view[rows, columns], mask[rows, columns]
    between = cv2.countNonZero(cv2.inRange(ink[rows, columns], 64, 191))
    if between <= MAX_BETWEEN * cv2.countNonZero(mask):
        return True
    outline = cv2.subtract(mask, cv2.erode(mask, NEIGHBOURS))
    if between <= MAX_BETWEEN_AT_OUTLINE * cv2.countNonZero(outline):
        return True
    rise = cv2.subtract(cv2.dilate(view, NEIGHBOURS), cv2.erode(view, NEIGHBOURS))
    return cv2.mean(rise, outline)[0] >= MIN_SHARPNESS * contrast
