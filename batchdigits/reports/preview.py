"""The preview's content: the scan, the glyph and the prediction of each source."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from batchdigits.engines.classify_files import Settings
from batchdigits.inference.decide import Prediction, decide
from batchdigits.inference.runtime import Runtime
from batchdigits.quiet import silent_stderr
from batchdigits.vision.decode import decode
from batchdigits.vision.normalise import Glyph
from batchdigits.vision.normalise_batch import normalise_page

THUMBNAIL_SIDE = 224  # pixels of a thumbnail's longest side: twice those shown, for screens of high density


class PreviewItem(NamedTuple):
    """One source in a preview.

    Attributes:
        prediction: the source's row.
        thumbnail: its scan, uint8 (H, W), no side longer than `THUMBNAIL_SIDE`; None if it could not be read.
        glyph: the candidate that the row is about, uint8 (28, 28); None for a blank or unreadable scan.
    """

    prediction: Prediction
    thumbnail: NDArray[np.uint8] | None
    glyph: Glyph | None


def preview_items(files: Iterable[str], runtime: Runtime, settings: Settings, limit: int | None) -> list[PreviewItem]:
    """Classify the first `limit` sources of `files`, or all, as `classify_files` does; keep their scans and glyphs."""
    thumbnails, normalised = [], []
    with silent_stderr():
        for page in islice((page for path in files for page in decode(path)), limit):
            thumbnails.append(None if page.scan is None else shrink(page.scan, THUMBNAIL_SIDE))
            normalised.append(normalise_page(page, settings.ink))
    predictions, glyphs = decide(normalised, runtime, settings.threshold)
    return list(map(PreviewItem, predictions, thumbnails, glyphs))


def shrink(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Shrink an image, uint8 (H, W), so that its longest side has at most `side` pixels. Keeps the aspect ratio."""
    return image if max(image.shape) <= side else fit(image, side)


def fit(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Resize an image, uint8 (H, W), so that its longest side has `side` pixels; enlarged pixels stay sharp squares."""
    scale = side / max(image.shape)
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    return np.asarray(cv2.resize(image, size, interpolation=method), np.uint8)
