"""What the network saw: each source's scan, its glyph, and what came of it."""

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

THUMBNAIL = 224  # pixels of the longest side that are kept of a scan: enough for a screen of double density


class Seen(NamedTuple):
    """A source as the network saw it.

    Attributes:
        prediction: its row.
        thumbnail: its scan, uint8 (H, W), no side longer than `THUMBNAIL`; None where it could not be read.
        glyph: the very glyph that the row is about, uint8 (28, 28); None where there is none.
    """

    prediction: Prediction
    thumbnail: NDArray[np.uint8] | None
    glyph: Glyph | None


def look(files: Iterable[str], runtime: Runtime, settings: Settings, most: int) -> list[Seen]:
    """See the first `most` sources of `files` as `classify_files` does."""
    thumbnails, normalised = [], []
    with silent_stderr():
        for page in islice((page for path in files for page in decode(path)), most):
            thumbnails.append(None if page.scan is None else shrink(page.scan, THUMBNAIL))
            normalised.append(normalise_page(page, settings.ink))
    predictions, glyphs = decide(normalised, runtime, settings.threshold)
    return list(map(Seen, predictions, thumbnails, glyphs))


def shrink(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """An image, uint8 (H, W), with its longest side at most `side` pixels, the shape kept."""
    return image if max(image.shape) <= side else fit(image, side)


def fit(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """An image, uint8 (H, W), with its longest side at `side` pixels; when enlarged its pixels show, as squares."""
    scale = side / max(image.shape)
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    return np.asarray(cv2.resize(image, size, interpolation=method), np.uint8)
