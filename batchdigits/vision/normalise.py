"""Turn a scan of one handwritten digit into the glyph that MNIST would have made of it.

Shrink the scan to a view of bounded size; find out whether its ink is dark or light; where the light is uneven, remove
the background; remove artifacts; and frame the digit as MNIST does.
"""

from __future__ import annotations

import math
from typing import Literal

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from batchdigits.vision.artifacts import Box, remove_artifacts
from batchdigits.vision.framing import frame
from batchdigits.vision.illumination import is_evenly_lit, otsu, remove_background, stretch_contrast
from batchdigits.vision.polarity import even_polarities, uneven_polarities

Glyph = NDArray[np.uint8]
Ink = Literal["auto", "dark", "light"]

NORMALISER_VERSION = 2

MAX_VIEW_SIDE = 160  # pixels of a view's longer side: eight for each of the 20 that a glyph's ink has
MIN_DIGIT_SIDE = 40  # pixels: a shorter digit in a shrunken view is cropped from the scan again, and shrunk less
MIN_DIGIT_SHARE = 0.025  # of the view's longer side: shorter ink is dust
CLOSE_UP_MARGIN = 0.25  # background around a digit that is cropped again, as a share of its length
# The grey edge of a stroke is kept this far around its mask; JPEG noise lies beyond.
SMALL_EDGE, LARGE_EDGE = np.ones((3, 3), np.uint8), np.ones((5, 5), np.uint8)


def normalise(scan: NDArray[np.uint8], ink: Ink = "auto", *, deslant: bool = True) -> tuple[Glyph, ...]:
    """Frame the digit of a scan as MNIST does.

    Args:
        scan: grey, uint8 (H, W), H and W at least 1, of either polarity.
        ink: whether ink is dark or light; `auto` finds it out.
        deslant: shear the digit upright.

    Returns:
        The candidates: glyphs, uint8 (28, 28), ink 255 on 0. A blank scan has none, a scan whose polarity is sure has
        one, others have two, the likelier first. An inverted scan has the same candidates if `ink` is `auto`, or is
        inverted too.
    """
    # Every scan is brought to a dark mean, so that a scan and its inverse are the same picture in all later steps.
    is_inverted = cv2.norm(scan, cv2.NORM_L1) * (1.0 / scan.size) > 127.5
    dark = _ink_bright(scan, not is_inverted)
    view = _shrink(dark)
    lighter = otsu(view)
    given = () if ink == "auto" else ((ink == "light") != is_inverted,)
    if is_evenly_lit(view, lighter):
        polarities = given or even_polarities(lighter)
        digits = [
            _find_digit(_ink_bright(view, light), _ink_bright(lighter, light), dark, light) for light in polarities
        ]
    else:
        flat = {light: remove_background(_ink_bright(view, light)) for light in given or (False, True)}
        polarities = given or uneven_polarities(flat[False][1], flat[True][1])
        digits = [_find_digit(flat[light][0], otsu(flat[light][0]), dark, light) for light in polarities]
    return tuple([frame(digit, deslant=deslant) for digit in digits if digit is not None])


def _ink_bright(picture: MatLike, ink_is_light: bool) -> MatLike:
    """A picture, or the mask of its lighter side, with its ink bright."""
    return picture if ink_is_light else np.invert(picture)  # faster than OpenCV's bitwise_not


def _shrink(scan: MatLike) -> MatLike:
    """The view of a scan. The factor is whole, for speed; the rows and columns left over at the end are cut off."""
    if max(scan.shape) <= MAX_VIEW_SIDE:
        return scan
    factor = math.ceil(max(scan.shape) / MAX_VIEW_SIDE)
    height, width = (max(1, side // factor) for side in scan.shape)
    return cv2.resize(scan[: height * factor, : width * factor], (width, height), interpolation=cv2.INTER_AREA)


def _find_digit(view: MatLike, mask: MatLike, scan: MatLike, ink_is_light: bool) -> MatLike | None:
    """The ink of the digit, from a close-up of the scan if the digit is small in the view; None without a digit."""
    found = _isolate_digit(view, mask)
    if found is None:
        return None
    ink, (x, y, width, height) = found
    if max(scan.shape) <= MAX_VIEW_SIDE or max(width, height) >= MIN_DIGIT_SIDE:
        return ink
    scale = math.ceil(max(scan.shape) / MAX_VIEW_SIDE)
    margin = CLOSE_UP_MARGIN * max(width, height)
    rows = slice(max(0, round((y - margin) * scale)), round((y + height + margin) * scale))
    columns = slice(max(0, round((x - margin) * scale)), round((x + width + margin) * scale))
    close_up = _ink_bright(_shrink(scan[rows, columns]), ink_is_light)
    if not is_evenly_lit(close_up, otsu(close_up)):
        close_up = remove_background(close_up)[0]
    found = _isolate_digit(close_up, otsu(close_up))
    return found[0] if found else None


def _isolate_digit(view: MatLike, mask: MatLike) -> tuple[MatLike, Box] | None:
    """The ink of the digit and the box of its mask; None without a digit."""
    ink, is_distinct = stretch_contrast(view, mask)
    if not is_distinct:
        return None
    mask, box = remove_artifacts(mask)
    side = max(mask.shape)
    if max(box[2:]) < max(2.0, MIN_DIGIT_SHARE * side):
        return None
    ink = np.bitwise_and(ink, cv2.dilate(mask, SMALL_EDGE if side < MIN_DIGIT_SIDE else LARGE_EDGE))
    return (ink, box) if cv2.hasNonZero(ink) else None  # the component may be fainter than the background's grain
