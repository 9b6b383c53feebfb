"""Find the box of a cell that is small in its picture and holds all ink there is."""

from __future__ import annotations

import cv2
import numpy as np
from cv2.typing import MatLike

from batchdigits.vision.components import (
    MIN_CELL_SIDE,
    SMALL_SIDE,
    Box,
    Components,
    Parts,
    is_frame_sized,
    longest_box,
    parts_of,
)
from batchdigits.vision.frames import Inside, find_frame

MIN_WIDTH_SHARE = 0.8  # of its height: a narrower box may be a 0 in block figures
SIDE_DEPTH = 4  # the share of the box, as 1 over this, in which each of its sides lies
MARGIN_SHARE, MARGIN = 0.1, 2  # what is kept around a box: a share of its longer side, and pixels


def find_small_box(mask: MatLike, parts: Parts) -> Inside | None:
    """Rows and columns around the small box in a mask, uint8 (H, W), 255 on 0, by its parts; None if there is none."""
    if min(mask.shape) < SMALL_SIDE or not _may_be_small_box(mask, longest_box(parts)):
        return None
    x, y, width, height = box = cv2.boundingRect(mask)
    rows, columns = mask.shape
    if is_frame_sized(box, rows, columns):
        return None
    ink = np.ascontiguousarray(mask[y : y + height, x : x + width])
    if not find_frame(ink, parts_of(ink) if isinstance(parts, Components) else (0, 0, width, height)):
        return None
    margin = MARGIN + round(MARGIN_SHARE * max(width, height))
    return (
        slice(max(0, y - margin), min(rows, y + height + margin)),
        slice(max(0, x - margin), min(columns, x + width + margin)),
    )


def _may_be_small_box(mask: MatLike, box: Box) -> bool:
    """Whether a box may be a small one: its middle row and column begin and end in ink, as in no digit but a 0."""
    x, y, width, height = box
    if min(width, height) < MIN_CELL_SIDE or width < MIN_WIDTH_SHARE * height or is_frame_sized(box, *mask.shape):
        return False
    row, column = y + height // 2, x + width // 2
    across, down = width // SIDE_DEPTH, height // SIDE_DEPTH
    return (
        cv2.hasNonZero(mask[row : row + 1, x : x + across])
        and cv2.hasNonZero(mask[row : row + 1, x + width - across : x + width])
        and cv2.hasNonZero(mask[y : y + down, column : column + 1])
        and cv2.hasNonZero(mask[y + height - down : y + height, column : column + 1])
    )
