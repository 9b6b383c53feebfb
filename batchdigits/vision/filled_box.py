"""Find a filled box: a field of one grey or colour on paper of another, which are both no ink."""

from __future__ import annotations

import cv2
import numpy as np
from cv2.typing import MatLike

from batchdigits.vision.components import SMALL_SIDE

MIN_SIDE_SHARE = 0.5  # of both sides of a view
MIN_OUTLINE_SHARE = 0.96  # of its box: the area inside its outline
MIN_TONE_SHARE = 0.5  # of its box: pixels of its own tone; the others are ink
MIN_AREA_SHARE = 0.2  # of the view: the same pixels; lines and digits are mostly fewer
MIN_PAPER_SHARE = 0.1  # of the view: the paper around it
MAX_OTHER_SHARE = 0.05  # of that paper: pixels of the box's tone, such as ink
MAX_BORDER_SHARE = 0.1  # of the view's border: pixels of the box's tone
EDGE, EDGE_SHARE = 2, 0.02  # pixels, and a share of its shorter side: its soft edge


def find_filled_box(lighter: MatLike) -> tuple[slice, slice] | None:
    """Rows and columns of the inside of a filled box; None without one.

    Args:
        lighter: the mask of a view's lighter side, 255 on 0, uint8 (H, W).
    """
    rows, columns = lighter.shape
    if min(rows, columns) < SMALL_SIDE:
        return None
    border = np.concatenate((lighter[0], lighter[-1], lighter[:, 0], lighter[:, -1]))
    light_share = cv2.countNonZero(border) / border.size
    if MAX_BORDER_SHARE < light_share < 1 - MAX_BORDER_SHARE:
        return None
    tone = cv2.bitwise_not(lighter) if light_share > MAX_BORDER_SHARE else lighter
    if cv2.countNonZero(tone) < MIN_AREA_SHARE * tone.size:
        return None
    outlines, _ = cv2.findContours(tone, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = max(outlines, key=cv2.contourArea)
    x, y, width, height = cv2.boundingRect(outline)
    box, paper = width * height, rows * columns - width * height
    if width < MIN_SIDE_SHARE * columns or height < MIN_SIDE_SHARE * rows or paper < MIN_PAPER_SHARE * rows * columns:
        return None
    inside = cv2.countNonZero(tone[y : y + height, x : x + width])
    if inside < MIN_TONE_SHARE * box or cv2.countNonZero(tone) - inside > MAX_OTHER_SHARE * paper:
        return None
    if cv2.contourArea(outline) + len(outline) / 2 + 1 < MIN_OUTLINE_SHARE * box:  # the outline runs through pixels
        return None
    edge = EDGE + round(EDGE_SHARE * min(width, height))
    return slice(y + edge, y + height - edge), slice(x + edge, x + width - edge)
