"""Draw the fields of a template, with their numbers, into the picture of its page."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image

from batchdigits.files.preview_mark import as_png
from batchdigits.forms.reference import reduced
from batchdigits.forms.template import Box, Point
from batchdigits.vision.grey import Scan

LONG_SIDE = 1600  # pixels of the picture
BOX_COLOUR, MARK_COLOUR = (0, 60, 200), (230, 120, 0)  # blue and orange
FONT, FONT_HEIGHT = cv2.FONT_HERSHEY_SIMPLEX, 0.5


def draw_fields(scan: Scan, boxes: Sequence[tuple[str, Box]], marks: Sequence[Point] = ()) -> bytes:
    """A PNG of a page with its fields, marked as a preview.

    Args:
        scan: the page, uint8 (H, W).
        boxes: the fields in pixels of the scan, each with the text that is written at it.
        marks: the centres of its corner marks.
    """
    small, scale = reduced(scan, LONG_SIDE)
    pale = np.asarray(255 - (255 - np.asarray(small, np.uint16)) * 2 // 3, np.uint8)  # so that numbers stand out
    picture = cv2.cvtColor(pale, cv2.COLOR_GRAY2RGB)
    for text, (left, top, width, height) in boxes:
        near = round(left * scale), round(top * scale)
        far = round((left + width) * scale), round((top + height) * scale)
        cv2.rectangle(picture, near, far, BOX_COLOUR, 2)
        (wide, tall), _ = cv2.getTextSize(text, FONT, FONT_HEIGHT, 1)
        corner = max(0, near[0] - 1), max(tall + 4, near[1] + 2)
        cv2.rectangle(picture, (corner[0], corner[1] - tall - 4), (corner[0] + wide + 4, corner[1]), BOX_COLOUR, -1)
        cv2.putText(picture, text, (corner[0] + 2, corner[1] - 2), FONT, FONT_HEIGHT, (255, 255, 255), 1, cv2.LINE_AA)
    for x, y in marks:
        cv2.circle(picture, (round(x * scale), round(y * scale)), 14, MARK_COLOUR, 3)
    return as_png(Image.fromarray(np.asarray(picture, np.uint8)))
