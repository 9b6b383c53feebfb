"""Cut a digit out of the ink of its view, or out of a closer view of the scan if it is small."""

from __future__ import annotations

import math

import cv2
import numpy as np
from cv2.typing import MatLike

from batchdigits.vision.artifacts import Digit, find_digits
from batchdigits.vision.components import Box, parts_of
from batchdigits.vision.contrast import stretch_contrast, without_level
from batchdigits.vision.framing import MAX_INK_SIDE
from batchdigits.vision.illumination import is_evenly_lit, otsu, otsu_split, remove_background
from batchdigits.vision.view import MAX_VIEW_SIDE, Viewed, ink_bright, view_scale

MIN_DIGIT_SIDE = 40  # pixels: a shorter digit in a shrunken view is cropped from the scan again, and shrunk less
CLOSE_UP_MARGIN = 0.25  # background around a digit that is cropped again, as a share of its length
# The grey edge of a stroke is kept this far around its mask; JPEG noise lies beyond.
EDGE = 2  # pixels; 1 in a small view
SMALL_EDGE, LARGE_EDGE = np.ones((3, 3), np.uint8), np.ones((5, 5), np.uint8)


def cut_out(ink: MatLike, digit: Digit, viewed: Viewed, ink_is_light: bool, has_lines: bool) -> MatLike | None:
    """The digit's part of the ink, from a close-up of the scan if the digit is small in the view; None without ink."""
    mask, box, _ = digit
    if max(viewed.scan.shape) > MAX_VIEW_SIDE and max(box[2:]) < MIN_DIGIT_SIDE:
        ink, mask, box = _close_up(mask, box, viewed, ink_is_light, has_lines) or (ink, mask, box)
    if max(mask.shape) < MIN_DIGIT_SIDE:
        ink = cv2.bitwise_and(ink, cv2.dilate(mask, SMALL_EDGE))
    else:
        x, y, width, height = box
        around = slice(max(0, y - EDGE), y + height + EDGE), slice(max(0, x - EDGE), x + width + EDGE)
        ink = cv2.bitwise_and(ink[around], cv2.dilate(mask[around], LARGE_EDGE))
    return ink if cv2.hasNonZero(ink) else None  # the digit may be fainter than the background's grain


def _close_up(
    mask: MatLike, box: Box, viewed: Viewed, ink_is_light: bool, has_lines: bool
) -> tuple[MatLike, MatLike, Box] | None:
    """The ink around a small digit, shrunk less, the digit's mask in it and its box; None if it is lost there."""
    x, y, width, height = box
    margin = CLOSE_UP_MARGIN * max(width, height)
    scale = view_scale(viewed.scan, viewed.times)
    if viewed.reduction and scale * max(width, height) < MAX_INK_SIDE:
        viewed = viewed.enlarged()
        scale = view_scale(viewed.scan, viewed.times)
    rows = slice(max(0, round((y - margin) * scale)), round((y + height + margin) * scale))
    columns = slice(max(0, round((x - margin) * scale)), round((x + width + margin) * scale))
    view = ink_bright(viewed.close_up(rows, columns), ink_is_light)
    is_even = is_evenly_lit(view, *otsu_split(view))
    if not is_even:
        view = remove_background(view)[0]
    if has_lines:  # only where the digit is: the lines are not looked for again
        view = without_level(view, stretch_contrast(view, otsu(view))[2]) if is_even else view
        around = cv2.dilate(mask, LARGE_EDGE)[
            int(rows.start / scale) : math.ceil(rows.stop / scale),
            int(columns.start / scale) : math.ceil(columns.stop / scale),
        ]
        view = np.bitwise_and(view, cv2.resize(around, view.shape[::-1], interpolation=cv2.INTER_NEAREST))
    around = otsu(view)
    digits = find_digits(around, parts_of(around))
    ink, contrast, _ = stretch_contrast(view, around)
    return (ink, digits[0].mask, digits[0].box) if digits and contrast else None
