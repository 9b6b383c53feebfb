"""Scan and glyph of a source, as PNG."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from batchdigits.errors import BatchdigitsError
from batchdigits.output.source_pages import pages_of
from batchdigits.reports.preview import shrink
from batchdigits.vision.grey import Scan
from batchdigits.vision.normalise import normalise


def scan_png(source: str, side: int) -> bytes:
    """The scan, its longest side at most `side` pixels.

    Raises:
        BatchdigitsError: it cannot be read.
    """
    return _png(shrink(_scan(source), side))


def glyph_png(source: str) -> bytes:
    """The first candidate for the glyph, ink white on black, 28x28.

    Raises:
        BatchdigitsError: the scan cannot be read, or has no ink.
    """
    candidates = normalise(_scan(source))
    if not candidates:
        raise BatchdigitsError("the image has no ink, so no glyph")
    return _png(candidates[0])


def _scan(source: str) -> Scan:
    page = next(pages_of([source]))
    if page.scan is None:
        raise BatchdigitsError(page.fault)
    return page.scan


def _png(image: NDArray[np.uint8]) -> bytes:
    return cv2.imencode(".png", image)[1].tobytes()
