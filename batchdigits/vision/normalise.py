"""Turn a scan of one handwritten digit into the glyph that MNIST would have made of it.

The road: look at the scan at a bounded size, lift the ink off its paper under either reading of the polarity, keep the
reading in which the paper looks like paper, remove what is not the digit, and frame the rest as MNIST does.
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
from batchdigits.vision.illumination import flatten, is_evenly_lit, lift, otsu
from batchdigits.vision.polarity import even_polarities, uneven_polarities

Glyph = NDArray[np.uint8]
Ink = Literal["auto", "dark", "light"]

NORMALISER_VERSION = 2

VIEW = 160  # longest side looked at: eight pixels for each of the 20 that a glyph's ink has
DETAIL = 40  # a digit shorter than this in a shrunken view is looked at again, closer: two pixels for one of the glyph
DUST = 0.025  # a digit is no shorter than this part of its picture
# The grey edge of a stroke is kept this far around its mask; beyond that is the noise of JPEG.
NARROW, WIDE = np.ones((3, 3), np.uint8), np.ones((5, 5), np.uint8)
MARGIN = 0.25  # paper around a digit for the second look, in parts of its length


def normalise(scan: NDArray[np.uint8], ink: Ink = "auto", *, deslant: bool = True) -> tuple[Glyph, ...]:
    """Frame the digit of a scan as MNIST's are.

    Args:
        scan: grey picture, uint8 (H, W), H and W at least 1, of either polarity.
        ink: which side of the contrast is ink; `auto` lets the picture decide.
        deslant: shear the digit upright.

    Returns:
        Glyphs, uint8 (28, 28), ink 255 on 0: none for a blank scan, one where the polarity is sure, two (likelier
        first) where it is not. An inverted scan gives the same glyphs.
    """
    # Turned so that dark prevails, a scan and its inverse are one picture, to the last bit of every rounding.
    turned = cv2.norm(scan, cv2.NORM_L1) * (1.0 / scan.size) > 127.5
    page = _bright(scan, not turned)
    view = _shrink(page)
    light_side = otsu(view)
    told = () if ink == "auto" else ((ink == "light") != turned,)
    if is_evenly_lit(view, light_side):
        candidates = told or even_polarities(light_side)
        found = [_find(_bright(view, light), _bright(light_side, light), page, light) for light in candidates]
    else:
        flat = {light: flatten(_bright(view, light)) for light in told or (False, True)}
        candidates = told or uneven_polarities(flat[False][1], flat[True][1])
        found = [_find(flat[light][0], otsu(flat[light][0]), page, light) for light in candidates]
    return tuple([frame(digit, deslant=deslant) for digit in found if digit is not None])


def _bright(picture: MatLike, light: bool) -> MatLike:
    """Turn a picture, or the mask of its lighter side, so that ink is bright."""
    return picture if light else np.invert(picture)  # in half of the time of OpenCV's


def _shrink(scan: MatLike) -> MatLike:
    """Bound the work on large scans. A whole factor is OpenCV's fast road; the rows left over are paper."""
    if max(scan.shape) <= VIEW:
        return scan
    factor = math.ceil(max(scan.shape) / VIEW)
    height, width = (max(1, side // factor) for side in scan.shape)
    return cv2.resize(scan[: height * factor, : width * factor], (width, height), interpolation=cv2.INTER_AREA)


def _find(flat: MatLike, mask: MatLike, page: MatLike, light: bool) -> MatLike | None:
    """Leave the ink of the digit alone, seen from near if it is small in the view; None if there is no digit."""
    found = _digit(flat, mask)
    if found is None:
        return None
    ink, (x, y, width, height) = found
    if max(page.shape) <= VIEW or max(width, height) >= DETAIL:
        return ink
    scale = math.ceil(max(page.shape) / VIEW)
    edge = MARGIN * max(width, height)
    rows = slice(max(0, round((y - edge) * scale)), round((y + height + edge) * scale))
    columns = slice(max(0, round((x - edge) * scale)), round((x + width + edge) * scale))
    near = _bright(_shrink(page[rows, columns]), light)
    if not is_evenly_lit(near, otsu(near)):
        near = flatten(near)[0]
    again = _digit(near, otsu(near))
    return again[0] if again else None


def _digit(flat: MatLike, mask: MatLike) -> tuple[MatLike, Box] | None:
    """Leave the ink of the digit alone, with the box of its mask; None if there is no digit."""
    ink, clear = lift(flat, mask)
    if not clear:
        return None
    mask, box = remove_artifacts(mask)
    side = max(mask.shape)
    if max(box[2:]) < max(2.0, DUST * side):
        return None
    ink = np.bitwise_and(ink, cv2.dilate(mask, NARROW if side < DETAIL else WIDE))
    return (ink, box) if cv2.hasNonZero(ink) else None  # what stood free was paler than the paper's grain
