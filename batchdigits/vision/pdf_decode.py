"""Draw the pages of a PDF with PDFium: at the resolution of its scan if a page is just one image, else at 300 dpi."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from batchdigits.files.source_error import SourceError
from batchdigits.vision.grey import Scan, to_grey
from batchdigits.vision.headers import check_size
from batchdigits.vision.pillow_decode import MAX_PAGES, NumberedScan

if TYPE_CHECKING:
    import pypdfium2

DPI = 300  # of a page that is no scan; a handwritten digit then has some 100 pixels
POINTS_PER_INCH = 72
SCALE_TOLERANCE = 1e-6  # share that the scale is less, as PDFium rounds up: it would add a line of paper to a scan
_PDFIUM_LOCK = Lock()  # PDFium has one state for all threads


def read_pdf_pages(data: bytes, max_pixels: int) -> Iterator[NumberedScan]:
    """The pages of a PDF, each drawn when it is asked for.

    Args:
        data: the whole file.
        max_pixels: a scan with more is refused, and another page is drawn with less dots per inch.

    Raises:
        SourceError: the file is damaged or needs a password, or the optional package is not installed.
    """
    try:
        import pypdfium2
    except ImportError:
        raise SourceError("PDF needs an optional package: pip install 'batchdigits[pdf]'") from None
    with _PDFIUM_LOCK:
        try:
            document = pypdfium2.PdfDocument(data)
        except pypdfium2.PdfiumError as error:
            is_locked = error.err_code == pypdfium2.raw.FPDF_ERR_PASSWORD
            raise SourceError("a PDF that needs a password" if is_locked else "truncated or corrupt PDF") from None
    try:
        pages = len(document)
        for number in range(1, min(pages, MAX_PAGES) + 1):
            yield _read(document, number if pages > 1 else 0, max_pixels)
        if pages > MAX_PAGES:
            yield NumberedScan(MAX_PAGES + 1, None, f"more than {MAX_PAGES:,} pages: the rest is skipped")
    finally:
        with _PDFIUM_LOCK:
            document.close()


def _read(document: pypdfium2.PdfDocument, number: int, max_pixels: int) -> NumberedScan:
    import pypdfium2

    try:
        with _PDFIUM_LOCK:
            page = document[max(number, 1) - 1]
            try:
                return NumberedScan(number, _draw(page, max_pixels))
            finally:
                page.close()
    except SourceError as fault:
        return NumberedScan(number, None, str(fault))
    except MemoryError:
        return NumberedScan(number, None, "too large to decode")
    except pypdfium2.PdfiumError:
        return NumberedScan(number, None, "truncated or corrupt page of a PDF")


def _draw(page: pypdfium2.PdfPage, max_pixels: int) -> Scan:
    """The scan of a page, uint8 (H, W), as readers show it. The pixels of a plain scanned image are its own."""
    width, height = page.get_size()
    area = width * height
    if not 0 < area < math.inf:
        raise SourceError("corrupt: a page without an area")
    scale, crop = DPI / POINTS_PER_INCH, [0.0] * 4
    image = _only_image(page)
    if image:
        left, bottom, right, top = _box(page, image)
        if left < right and bottom < top:
            columns, rows = image.get_px_size()
            check_size(columns, rows, max_pixels)
            scale = math.sqrt(columns * rows / ((right - left) * (top - bottom)))
            if page.get_rotation() == 0:  # a turned page is drawn whole
                margins = [left, bottom, width - right, height - top]
                crop = [margin if margin * scale > 1 else 0.0 for margin in margins]
                area = (width - crop[0] - crop[2]) * (height - crop[1] - crop[3])
    scale = min(scale, math.sqrt(max_pixels / area)) * (1 - SCALE_TOLERANCE)
    return to_grey(np.ascontiguousarray(page.render(scale=scale, crop=tuple(crop)).to_numpy()))


def _only_image(page: pypdfium2.PdfPage) -> pypdfium2.PdfImage | None:
    """The image that a page consists of; None if there is more on it."""
    import pypdfium2

    first, *others = [*islice(page.get_objects(max_depth=1), 2), None]
    return first if isinstance(first, pypdfium2.PdfImage) and others == [None] else None


def _box(page: pypdfium2.PdfPage, image: pypdfium2.PdfImage) -> tuple[float, float, float, float]:
    """Where an image is on its page, in points from the left and the bottom edge: left, bottom, right, top."""
    left, bottom, right, top = page.get_bbox()
    x0, y0, x1, y1 = image.get_bounds()
    return max(x0, left) - left, max(y0, bottom) - bottom, min(x1, right) - left, min(y1, top) - bottom
