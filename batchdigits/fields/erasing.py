"""Erase printed lines from the ink of a field: their pixels and soft edges, but not the strokes that meet them."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from batchdigits.fields.guides import median_level
from batchdigits.vision.cell import STROKE_REACH, soft_edge
from batchdigits.vision.lines import corners_of
from batchdigits.vision.strokes import Stroke, rectangle

MIN_END = 2  # pixels, both ways, of a stroke that ends at a line: less is the line's rough edge
MIN_DARKER = 1.33  # darkness of ink that lies on a line, over the line's


def pixels_of(found: Sequence[Stroke], lines: Sequence[Stroke], ink: MatLike, mask: MatLike) -> NDArray[np.uint8]:
    """The mask of lines, without the strokes that cross them, end at them, or run along them and are darker.

    Args:
        found: the lines.
        lines: those, and the ones that were erased before.
        ink: uint8 (H, W), bright on 0.
        mask: of the ink, 255 on 0.
    """
    gone = _erased(found, lines, mask)
    np.put(gone, _strokes_along(found, ink, mask, gone), 0)
    return gone


def _erased(found: Sequence[Stroke], lines: Sequence[Stroke], mask: MatLike) -> NDArray[np.uint8]:
    """The pixels of lines, with their soft edges and corners, but not the strokes that cross them, or end at them."""
    erased: NDArray[np.uint8] = np.zeros(mask.shape, np.uint8)
    for is_level in (True, False):
        parallel = [line for line in found if line.is_level == is_level]
        if not parallel:
            continue
        side = soft_edge(max(line.thickness for line in parallel))
        across = rectangle(side, 1) if is_level else rectangle(1, side)
        ink: NDArray[np.uint8] = np.zeros(mask.shape, np.uint8)
        for line in parallel:
            ink[line.place] |= np.asarray(line.ink, np.uint8)
        soft = cv2.dilate(ink, across)
        wide = rectangle(MIN_END, MIN_END)
        ends = cv2.dilate(cv2.erode(cv2.subtract(mask, ink), wide), wide, anchor=(0, 0))
        erased |= np.asarray(cv2.subtract(soft, ends), np.uint8)
    for corner in corners_of(lines):
        erased[corner] = 255
    rest = cv2.subtract(mask, erased)
    side = round(max(line.thickness for line in found)) + STROKE_REACH | 1
    closed = cv2.morphologyEx(rest, cv2.MORPH_CLOSE, rectangle(side, side))
    return np.asarray(cv2.subtract(erased, cv2.bitwise_and(closed, mask)), np.uint8)


def _strokes_along(lines: Sequence[Stroke], ink: MatLike, mask: MatLike, gone: NDArray[np.uint8]) -> NDArray[np.intp]:
    """The pixels, in the flat picture, of lines that are those of darker strokes along them, which go on outside.

    Args:
        lines: the lines.
        ink: uint8 (H, W), bright on 0.
        mask: of the ink, 255 on 0.
        gone: the mask of the lines with their soft edges.
    """
    pixels = np.asarray(ink, np.uint8)
    darker = np.zeros(gone.shape, np.bool_)
    for line in lines:
        level = median_level(pixels[line.place][np.asarray(line.ink) > 0])
        rows, columns = (slice(max(0, axis.start - 2), axis.stop + 2) for axis in line.place)
        darker[rows, columns] |= pixels[rows, columns] > int(MIN_DARKER * level)
    darker &= gone > 0
    at = np.flatnonzero(darker)
    if not at.size:
        return at
    strokes = cv2.bitwise_or(cv2.subtract(mask, gone), darker.view(np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(strokes, ltype=cv2.CV_16U)
    of_stroke = np.asarray(labels, np.uint16).ravel()[at]
    inner = np.bincount(of_stroke, minlength=len(stats))
    goes_on = stats[:, cv2.CC_STAT_AREA] >= 2 * inner
    return np.asarray(at[goes_on[of_stroke]], np.intp)
