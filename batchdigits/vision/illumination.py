"""Even out the light on a page: find shadows, and remove the background."""

from __future__ import annotations

import cv2
import numpy as np
from cv2.typing import MatLike

MIN_PAGE_SIDE = 48  # pixels: a smaller scan is a tight crop, without room for a shadow or for ruled lines
BORDER_DEPTH = 2  # pixels from the edge at which the border is sampled: ink cut by the crop has its full colour there
MIN_BORDER_SHARE = 0.1  # of the border: its dark or light part is not judged if it is smaller than this
MAX_BORDER_DEVIATION = 0.2  # of a part's mean from the view's extreme, as a share of the contrast; grain reaches 0.1
MAX_STROKE_SHARE = 0.25  # of the shorter side: anything wider is no stroke but a shadow, and counts as background
MIN_WIDE_SHARE = 0.4  # of the longer side: no stroke is so wide, not even in a tight crop
MAX_SHADOW = 64  # grey levels: a deeper shadow is not evened out in full, as its grain would be multiplied by over 4
FAST_ROW_MULTIPLE = 16  # pixels: OpenCV's filters are faster if the length of rows is a multiple of this
OTSU = cv2.THRESH_BINARY | cv2.THRESH_OTSU


def otsu(picture: MatLike) -> MatLike:
    """Mask of the lighter side of Otsu's threshold (1979), 255 on 0, uint8 (H, W)."""
    return otsu_split(picture)[1]


def otsu_split(picture: MatLike) -> tuple[float, MatLike]:
    """Otsu's threshold, and the mask of `otsu`: of the pixels over it."""
    return cv2.threshold(picture, 0, 255, OTSU)


def otsu_level(picture: MatLike) -> float:
    """Otsu's threshold: the grey level above which a pixel is of the lighter side."""
    return otsu_split(picture)[0]


def is_evenly_lit(view: MatLike, level: float, lighter: MatLike) -> bool:
    """Whether one threshold separates ink and background in the whole view.

    A shadow always reaches the border, so only the border is examined. Under even light its dark part is as dark as
    anything in the view (ink that the crop cut), and its light part as light. A shadowed border lies in between.

    Args:
        view: grey, uint8 (H, W).
        level: Otsu's threshold of it.
        lighter: the mask of its pixels over that.
    """
    if min(view.shape) < MIN_PAGE_SIDE:
        return True
    darkest, lightest, _, _ = cv2.minMaxLoc(view)
    border = _border(view)
    of_lighter = cv2.threshold(border, level, 0, cv2.THRESH_TOZERO)[1]
    count, whole, light = cv2.countNonZero(of_lighter), cv2.norm(border, cv2.NORM_L1), cv2.norm(of_lighter, cv2.NORM_L1)
    has_light, has_dark = (some > MIN_BORDER_SHARE * border.size for some in (count, border.size - count))
    most = MAX_BORDER_DEVIATION * (lightest - darkest)
    if has_dark and abs((whole - light) / (border.size - count) - darkest) > most:
        return False
    if has_light and abs(light / count - lightest) > most:
        return False
    return not (has_dark and has_light and _is_wide(lighter) and _is_wide(cv2.bitwise_not(lighter)))


def _is_wide(mask: MatLike) -> bool:
    """Whether a mask is wider somewhere than any stroke: it is paper, in the light or in a shadow with a sharp edge."""
    side = round(MIN_WIDE_SHARE * max(mask.shape))
    return cv2.hasNonZero(cv2.erode(mask, np.ones((side, side), np.uint8), borderType=cv2.BORDER_CONSTANT))


def _border(picture: MatLike) -> MatLike:
    inner = picture[BORDER_DEPTH:-BORDER_DEPTH, BORDER_DEPTH:-BORDER_DEPTH]
    return np.concatenate((inner[0], inner[-1], inner[:, 0], inner[:, -1]))


def remove_background(view: MatLike) -> tuple[MatLike, float]:
    """Remove an unevenly lit background from a view, uint8 (H, W), whose ink is bright.

    The background is the view's morphological opening, which holds no strokes but keeps the edge of a shadow sharp.

    Returns:
        The view on a background of 0, and the background's total variation in grey levels.
    """
    side = round(MAX_STROKE_SHARE * min(view.shape))
    # The view is extended by its border pixels: otherwise the opening would cut off the bright end of a slope, which
    # would then count as ink. Half a window is as far as the opening reaches.
    pad = side // 2
    spare = -(view.shape[1] + 2 * pad) % FAST_ROW_MULTIPLE
    padded = cv2.copyMakeBorder(view, pad, pad, pad, pad + spare, cv2.BORDER_REPLICATE)
    opened = cv2.morphologyEx(padded, cv2.MORPH_OPEN, np.ones((side, side), np.uint8))
    background = opened[pad:-pad, pad : -pad - spare]
    roughness = cv2.norm(background[1:], background[:-1], cv2.NORM_L1)
    roughness += cv2.norm(background[:, 1:], background[:, :-1], cv2.NORM_L1)
    # Ink reflects a share of the light, so it is divided by the range that the background leaves to it.
    ink_range = cv2.bitwise_not(cv2.threshold(background, 255 - MAX_SHADOW, 255, cv2.THRESH_TRUNC)[1])
    return cv2.divide(cv2.subtract(view, background), ink_range, scale=255.0), roughness
