"""Tell ink from the grain of the paper, in the view of a field."""

from __future__ import annotations

import cv2
import numpy as np
from cv2.typing import MatLike

from batchdigits.vision.contrast import LEVELS, MIN_CONTRAST, SQUARES, Histogram, histogram

MIN_SIGNAL = 4.0  # contrast of ink in standard deviations of the paper's grain
MAX_UNEVEN_SHARE = 0.3  # of the paper: pixels that are not even, where it is at a quick look
# Where lines were removed, what is left may be grain alone, which splits at any threshold: it covers more than this
# share of the paper, and less than that share of the variance of its grey levels lies between ink and paper.
MAX_INK_SHARE, MIN_SEPARATION = 0.2, 0.6


def is_ink(ink: MatLike, mask: MatLike, paper: MatLike) -> bool:
    """Whether the pixels of a mask are darker than the grain of the paper, of which faint lines may be a fourth.

    Args:
        ink: uint8 (H, W), bright on 0.
        mask: 255 on 0.
        paper: the mask of the paper, 255 on 0.
    """
    return _is_distinct(histogram(ink, mask), histogram(ink, paper))


def is_ink_over(level: float, ink: MatLike, mask: MatLike, removed: int = 0) -> bool:
    """Whether the ink of a view over a threshold is darker than the grain of the paper.

    Args:
        level: the threshold.
        ink: uint8 (H, W), bright on 0.
        mask: of the ink over it, 255 on 0.
        removed: pixels of the view that are 0 because lines were removed.
    """
    if _is_on_even_paper(ink, mask, level, removed):
        return True
    counts = histogram(ink)
    counts[0] = max(0.0, counts[0] - removed)
    bright = np.where(level < LEVELS, counts, 0)
    if not _is_distinct(bright, counts - bright):
        return False
    is_little = cv2.countNonZero(mask) <= MAX_INK_SHARE * (mask.size - removed)
    return not removed or is_little or _separation(bright, counts) >= MIN_SEPARATION


def _is_on_even_paper(ink: MatLike, mask: MatLike, level: float, removed: int = 0) -> bool:
    """Whether so much of the paper is so even that ink over a level is distinct: a quick look that is mostly enough."""
    grain = (level + 1) // (2 * MIN_SIGNAL + 1)
    inked, grainy = cv2.countNonZero(mask), cv2.countNonZero(cv2.threshold(ink, grain, 255, cv2.THRESH_BINARY)[1])
    is_even = grainy - inked < MAX_UNEVEN_SHARE * (mask.size - removed - inked)
    return inked > 0 and 2 * MIN_SIGNAL * grain >= MIN_CONTRAST and is_even


def _separation(bright: Histogram, counts: Histogram) -> float:
    """Share of the variance of grey levels that lies between ink and paper (Otsu's criterion), 0-1.

    Args:
        bright: the histogram of the ink.
        counts: that of both.
    """
    exact, of_ink = counts.astype(np.float64), bright.astype(np.float64)
    total, part = exact.sum(), of_ink.sum()
    mean, rise = exact @ LEVELS / total, of_ink @ LEVELS / part - exact @ LEVELS / total
    return float(part / (total - part) * rise**2 / (exact @ SQUARES / total - mean**2))


def _is_distinct(of_ink: Histogram, of_paper: Histogram) -> bool:
    """The same by the histograms of the ink and of the paper."""
    bright, dark = of_ink.cumsum(), of_paper.cumsum()
    if not bright[-1] or not dark[-1]:
        return False
    low, background, high = dark.searchsorted(np.array((0.16, 0.5, 0.69)) * dark[-1]).tolist()
    grain = max(2.0 * (high - background), background - low, 0.5)
    contrast = float(bright.searchsorted(0.9 * bright[-1])) - background
    return bool(contrast >= max(MIN_CONTRAST, MIN_SIGNAL * grain))
