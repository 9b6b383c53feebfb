"""Scan and glyph of a row, as PNG."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from batchdigits.errors import BatchdigitsError
from batchdigits.files.source_error import SourceError
from batchdigits.forms.corners import parsed_corners
from batchdigits.forms.crop import around, crop_corners
from batchdigits.forms.reference import Points, mapped, scaling
from batchdigits.output.source_pages import pages_of
from batchdigits.reports.preview import shrink
from batchdigits.vision.grey import Scan
from batchdigits.vision.normalise import normalise

MARGIN, WIDE_MARGIN = 0.6, 4.0  # around a field of a form, as a share of its height
MAX_MARGIN = 0.25  # of the page
FRAME = 208, 87, 11  # blue, green, red
FRAME_DISTANCE = 0.08  # of the frame from the field, as a share of its height


def scan_png(source: str, side: int, box: str = "", is_wide: bool = False) -> bytes:
    """The scan, its longest side at most `side` pixels; of a field of a form, what is around it, with a frame.

    Args:
        source: the image.
        side: pixels.
        box: the corners of a field on it; the whole scan is shown if it says none.
        is_wide: whether more is shown around a field.

    Raises:
        BatchdigitsError: it cannot be read, or has no such field.
    """
    scan, corners = _scan(source), parsed_corners(box)
    return _png(shrink(scan, side) if corners is None else _field(scan, corners, side, is_wide))


def glyph_png(source: str) -> bytes:
    """The first candidate for the glyph, ink white on black, 28x28.

    Raises:
        BatchdigitsError: the scan cannot be read, or has no ink.
    """
    candidates = normalise(_scan(source))
    if not candidates:
        raise BatchdigitsError("the image has no ink, so no glyph")
    return _png(candidates[0])


def _field(page: Scan, corners: Points, side: int, is_wide: bool) -> NDArray[np.uint8]:
    """A field with a frame around it, uint8 (h, w, 3)."""
    height = float(np.hypot(*(corners[3] - corners[0])))
    margin = min(height * (WIDE_MARGIN if is_wide else MARGIN), MAX_MARGIN * min(page.shape))
    try:
        found = crop_corners(page, around(corners, margin))
    except SourceError as error:
        raise BatchdigitsError(str(error)) from None
    picture = cv2.cvtColor(shrink(found.scan, side), cv2.COLOR_GRAY2BGR)
    to_picture = scaling(picture.shape[1] / found.scan.shape[1], picture.shape[0] / found.scan.shape[0])
    frame = mapped(around(corners, FRAME_DISTANCE * height), to_picture @ np.linalg.inv(found.back))
    thickness = max(1, round(max(picture.shape) / 400))
    cv2.polylines(picture, [np.rint(frame).astype(np.int32)], isClosed=True, color=FRAME, thickness=thickness)
    return np.asarray(picture, np.uint8)


def _scan(source: str) -> Scan:
    page = next(pages_of([source]))
    if page.scan is None:
        raise BatchdigitsError(page.fault)
    return page.scan


def _png(image: NDArray[np.uint8]) -> bytes:
    return cv2.imencode(".png", image)[1].tobytes()
