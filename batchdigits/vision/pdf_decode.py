"""Draw the pages of a PDF with PDFium: at the resolution of its scan if a page is just one image, else at 300 dpi."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from batchdigits.files.source_error import SourceError
from batchdigits.vision.grey import Scan, is_flat, to_grey
from batchdigits.vision.headers import check_size
from batchdigits.vision.pillow_decode import MAX_PAGES, NumberedScan

if TYPE_CHECKING:
    import pypdfium2

DPI = 300  # of a page that is no scan; a handwritten digit then has some 100 pixels
POINTS_PER_INCH = 72
MAX_SKEW = 1e-3  # share of an image's extent that its edges may deviate from the page's: less than a pixel in most
MARGIN = 0.02  # of a pixel, in all, that an image is drawn smaller than it is, as PDFium rounds up
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
    image = _only_image(page)
    bitmap = _pixels_of(image, max_pixels) if image else None
    if bitmap:
        scan = to_grey(np.ascontiguousarray(bitmap.to_numpy()))
        scan = np.ascontiguousarray(np.rot90(scan, -page.get_rotation() // 90))
    else:
        scan = _rendered(page, max_pixels)
    if is_flat(scan):
        _check_images(page, max_pixels)
    return scan


def _rendered(page: pypdfium2.PdfPage, max_pixels: int) -> Scan:
    width, height = page.get_size()
    if not 0 < width * height < math.inf:
        raise SourceError("corrupt: a page without an area")
    scale = min(DPI / POINTS_PER_INCH, math.sqrt(max_pixels / (width * height)))
    return to_grey(np.ascontiguousarray(page.render(scale=scale).to_numpy()))


def _check_images(page: pypdfium2.PdfPage, max_pixels: int) -> None:
    """Decode the images of a page that looks empty, since PDFium leaves out those that it cannot decode."""
    import pypdfium2

    for image in page.get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_IMAGE]):
        columns, rows = image.get_px_size()
        check_size(columns, rows, max_pixels)
        image.get_bitmap()


def _only_image(page: pypdfium2.PdfPage) -> pypdfium2.PdfImage | None:
    """The image that a page consists of; None if there is more on it, such as ink from a tablet."""
    import pypdfium2

    if pypdfium2.raw.FPDFPage_GetAnnotCount(page):
        return None
    first, *others = [*islice(page.get_objects(max_depth=1), 2), None]
    return first if isinstance(first, pypdfium2.PdfImage) and others == [None] else None


def _pixels_of(image: pypdfium2.PdfImage, max_pixels: int) -> pypdfium2.PdfBitmap | None:
    """An image with its masks, flipped and turned as it is on its page; None if it is askew there."""
    import pypdfium2

    columns, rows = image.get_px_size()
    check_size(columns, rows, max_pixels)
    a, b, c, d, _, _ = image.get_matrix().get()
    if abs(b) + abs(c) < MAX_SKEW * (abs(a) + abs(d)):
        a, b, c, d = math.copysign(columns - MARGIN, a), 0.0, 0.0, math.copysign(rows - MARGIN, d)
    elif abs(a) + abs(d) < MAX_SKEW * (abs(b) + abs(c)):
        a, b, c, d = 0.0, math.copysign(columns - MARGIN, b), math.copysign(rows - MARGIN, c), 0.0
    else:
        return None
    image.set_matrix(pypdfium2.PdfMatrix(a, b, c, d, MARGIN / 2 - min(a, c, 0.0), MARGIN / 2 - min(b, d, 0.0)))
    return image.get_bitmap(render=True, scale_to_original=False)
