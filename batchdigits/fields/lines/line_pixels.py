"""Which pixels of a field are printed lines, and which are of strokes that meet them."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from batchdigits.vision.erasing import erased
from batchdigits.vision.strokes import Stroke

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
    gone = erased(found, lines, mask, MIN_END)
    np.put(gone, _strokes_along(found, ink, mask, gone), 0)
    return gone


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
        level = line.level_in(ink)
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
