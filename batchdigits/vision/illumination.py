"""Lift the ink off its paper: even out the light, set the paper to 0 and the ink's peak to 255."""

from __future__ import annotations

import cv2
import numpy as np
from cv2.typing import MatLike

ROOM = 48  # a smaller picture is cut out of a larger one and has no room for a change of light, or for ruled lines
DEPTH = 2  # pixels from the edge at which the border is read: ink that a crop cut is in full colour there
STRAY = 0.1  # part of the border that may be anything
QUIET = 0.2  # distance of the border's mean from its extreme, in parts of the contrast: grain reaches half of this
STROKE = 0.25  # no stroke is wider than this part of the picture's shorter side; shadows are, and stay paper
DEEPEST = 64  # darkest shadow evened out in full, in grey levels; beyond that the grain would be multiplied by over 4
CONTRAST = 16.0  # least step from paper to ink, in grey levels: faint pencil has 25, JPEG blocks under 14
SIGNAL = 7.0  # least step from paper to ink, in deviations of the paper: grain alone, cut in two, has 3, pencil 10
LOUD = 100.0  # a step that no grain makes; in a picture of 8x8 pixels the grey edges of strokes look like grain
LANES = 16  # rows of a multiple of this many pixels take OpenCV's filters half of the time
OTSU = cv2.THRESH_BINARY | cv2.THRESH_OTSU


def otsu(picture: MatLike) -> MatLike:
    """Mask of the lighter side of Otsu's threshold (1979), 255 on 0, uint8 (H, W)."""
    return cv2.threshold(picture, 0, 255, OTSU)[1]


def is_evenly_lit(view: MatLike, light: MatLike) -> bool:
    """Tell whether one threshold is enough for the whole picture.

    A shadow always reaches the border, so only that is looked at. On even paper what is darker there is as dark as
    anything in the picture (ink that the crop cut) and what is lighter as light; a shadowed border lies in between.

    Args:
        view: grey picture, uint8 (H, W).
        light: its lighter side, from `otsu`.
    """
    if min(view.shape) < ROOM:
        return True
    least, most, _, _ = cv2.minMaxLoc(view)
    border, lighter = _border(view), _border(light) > 0
    for side, extreme in ((border[~lighter], least), (border[lighter], most)):
        if side.size > STRAY * border.size:
            mean = cv2.norm(side, cv2.NORM_L1) / side.size  # in a tenth of the time of NumPy's
            if abs(mean - extreme) > QUIET * (most - least):
                return False
    return True


def _border(picture: MatLike) -> MatLike:
    ring = picture[DEPTH:-DEPTH, DEPTH:-DEPTH]
    return np.concatenate((ring[0], ring[-1], ring[:, 0], ring[:, -1]))


def flatten(bright: MatLike) -> tuple[MatLike, float]:
    """Take uneven paper out of a picture, uint8 (H, W), with its ink bright.

    The paper is the picture's opening, which has no strokes left but keeps the edge of a shadow sharp.

    Returns:
        The picture on a paper of 0, and the paper's total variation in grey levels.
    """
    side = round(STROKE * min(bright.shape))
    # Paper goes on beyond the picture, or the dark end of a slope would be a valley and its corner ink.
    pad = side // 2  # as far as a window reaches: all that is further repeats what is within
    spare = -(bright.shape[1] + 2 * pad) % LANES
    wide = cv2.copyMakeBorder(bright, pad, pad, pad, pad + spare, cv2.BORDER_REPLICATE)
    opened = cv2.morphologyEx(wide, cv2.MORPH_OPEN, np.ones((side, side), np.uint8))
    paper = opened[pad:-pad, pad : -pad - spare]
    rough = cv2.norm(paper[1:], paper[:-1], cv2.NORM_L1) + cv2.norm(paper[:, 1:], paper[:, :-1], cv2.NORM_L1)
    # Light multiplies: what is left of the range above the paper is what ink can have there.
    room = cv2.bitwise_not(cv2.threshold(paper, 255 - DEEPEST, 255, cv2.THRESH_TRUNC)[1])
    return cv2.divide(cv2.subtract(bright, paper), room, scale=255.0), rough


def lift(bright: MatLike, mask: MatLike) -> tuple[MatLike, bool]:
    """Set the paper to 0 and the ink's peak to 255.

    Args:
        bright: picture of even paper, uint8 (H, W), with its ink bright.
        mask: its lighter side, from `otsu`.

    Returns:
        The ink, (H, W), and whether it stands out from the grain of the paper.
    """
    least, most, _, _ = cv2.minMaxLoc(bright)
    ink = bright if least == 0.0 and most == 255.0 else _stretch(bright, least, most)
    if 2 * cv2.countNonZero(ink) < mask.size:  # one level is most of the picture: paper without grain
        return ink, most - least >= CONTRAST
    counts = cv2.calcHist([bright], [0], None, [256], [0, 256]).ravel().cumsum()
    papers = mask.size - cv2.countNonZero(mask)
    # The paper's lower half is free of the grey edges of strokes, so its spread is the grain's alone. The top tenth of
    # the ink is noise, or the overshoot of a sharpener.
    low, paper, peak = counts.searchsorted((0.16 * papers, 0.5 * papers, 0.1 * papers + 0.9 * counts[-1])).tolist()
    grain, step = paper - low, peak - paper
    ink = _stretch(bright, min(paper + 2.0 * grain, peak - 1.0), peak)
    return ink, step >= CONTRAST and (step >= LOUD or step >= SIGNAL * grain)


def _stretch(bright: MatLike, floor: float, peak: float) -> MatLike:
    gain = 255.0 / max(peak - floor, 1.0)
    return cv2.addWeighted(bright, gain, bright, 0.0, -gain * floor)  # the one OpenCV call that clips below 0
