"""The preview's content: the scan, the glyph and the prediction of each source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from batchdigits.engines.classify_files import Settings
from batchdigits.inference.decide import Prediction, Status, decide
from batchdigits.inference.runtime import Runtime
from batchdigits.output.row_counts import REVIEWED
from batchdigits.output.source_pages import pages_of
from batchdigits.output.table import TableRow
from batchdigits.quiet import silent_stderr
from batchdigits.vision.decode import Page, decode
from batchdigits.vision.normalise import Glyph
from batchdigits.vision.normalise_batch import normalise_page

THUMBNAIL_SIDE = 224  # pixels of a thumbnail's longest side: twice those shown, for screens of high density


class PreviewItem(NamedTuple):
    """One source in a preview.

    Attributes:
        prediction: the source's row, which may come from a table.
        thumbnail: its scan, uint8 (H, W), no side longer than `THUMBNAIL_SIDE`; None if it could not be read.
        glyph: the candidate that the row is about, uint8 (28, 28); None for a blank or unreadable scan.
    """

    prediction: Prediction | TableRow
    thumbnail: NDArray[np.uint8] | None
    glyph: Glyph | None

    @property
    def reason(self) -> str:
        """Why there is no glyph, behind the label that a person may have given."""
        label = f"{self.prediction.label}: " if self.prediction.label else ""
        return label + (self.prediction.detail or "no ink found")

    @property
    def certainty(self) -> str:
        """The confidence in percent, empty where the label is a person's; or why there is no label."""
        row = self.prediction
        if not row.label:
            return row.detail
        return "" if row.confidence is None or row.status == REVIEWED else f"{row.confidence:.1%}"

    @property
    def doubts(self) -> list[str]:
        """Why a row is `review`, whatever its confidence: its score in percent, and its detail, if it has a label."""
        row = self.prediction
        if row.status != Status.REVIEW:
            return []
        score = "" if row.score is None else f"score {row.score:.1%}"
        return [text for text in (score, row.detail if row.label else "") if text]


def preview_items(files: Iterable[str], runtime: Runtime, settings: Settings, limit: int | None) -> list[PreviewItem]:
    """Classify the first `limit` sources of `files`, or all, as `classify_files` does; keep their scans and glyphs."""
    return _items(islice((page for path in files for page in decode(path, reduced=True)), limit), runtime, settings)


def items_of_rows(
    rows: Sequence[Prediction] | Sequence[TableRow], runtime: Runtime, settings: Settings
) -> list[PreviewItem]:
    """The scans and glyphs of rows of an earlier run, in the same order. Labels and statuses stay the rows' own.

    A scan that cannot be read any more is None; why is its row's `detail`.
    """
    pages = pages_of(row.path for row in rows)
    found = {item.prediction.path: item for item in _items(pages, runtime, settings)}
    items = []
    for row in rows:
        item = found[row.path]
        row = row._replace(detail=item.prediction.detail) if item.thumbnail is None else row
        items.append(item._replace(prediction=row))
    return items


def _items(pages: Iterable[Page], runtime: Runtime, settings: Settings) -> list[PreviewItem]:
    thumbnails, normalised = [], []
    with silent_stderr():
        for page in pages:
            thumbnails.append(None if page.scan is None else shrink(page.scan, THUMBNAIL_SIDE))
            normalised.append(normalise_page(page, settings.ink))
    predictions, glyphs = decide(normalised, runtime, settings.threshold)
    return list(map(PreviewItem, predictions, thumbnails, glyphs))


def shrink(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Shrink an image, uint8 (H, W), so that its longest side has at most `side` pixels. Keeps the aspect ratio."""
    return image if max(image.shape) <= side else fit(image, side, side)


def fit(image: NDArray[np.uint8], width: int, height: int, enlarge: int = cv2.INTER_NEAREST) -> NDArray[np.uint8]:
    """Resize an image, uint8 (H, W) or (H, W, 3), to the largest size that fits; enlarged pixels stay sharp squares.

    Args:
        image: of any size.
        width: pixels at most.
        height: pixels at most.
        enlarge: OpenCV's method for an image that is smaller, if its pixels need not stay squares.
    """
    scale = min(width / image.shape[1], height / image.shape[0])
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    method = cv2.INTER_AREA if scale < 1 else enlarge
    return np.asarray(cv2.resize(image, size, interpolation=method), np.uint8)
