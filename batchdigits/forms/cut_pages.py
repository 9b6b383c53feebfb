"""From files to cut fields of forms: decode each page, line it up with its form, and cut its fields."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from batchdigits.fields.cut_batch import CutPage, cut_page
from batchdigits.files.source_error import SourceError
from batchdigits.forms.align import Placed, ScanFeatures, align, lies_as_another
from batchdigits.forms.corners import corners_text
from batchdigits.forms.crop import crop
from batchdigits.forms.page_note import page_note
from batchdigits.forms.reference import Matrix, ink_of, reduced
from batchdigits.forms.template import Template, TemplateField, TemplatePage
from batchdigits.inference.decide import Status
from batchdigits.vision.decode import Page, decode
from batchdigits.vision.grey import Scan

CLEAR_AGREEMENT = 0.75  # of a page that fits: other pages of the form need not be tried
MAX_SPECKS = 0.0005  # of an empty page: its pixels that look like ink
EMPTY_PAGE = "an empty page"
NO_FIELDS = "the template has no fields on this page"


class CutField(NamedTuple):
    """A field of a page.

    Attributes:
        field: what the template says of it.
        cut: the field, under the path of its page.
        back: the map from pixels of the field to those of the page; None if the field could not be cropped.
        corners: where it is on its page, see `corners_text`; empty if it could not be cropped.
    """

    field: TemplateField
    cut: CutPage
    back: Matrix | None
    corners: str = ""


class CutForm(NamedTuple):
    """What becomes a row: a page with its fields, or with one of them.

    Attributes:
        source: the path as typed, with `#N` for a page of a multi-page file.
        page: the number of the form's page; 0 if the scan is none of them.
        fields: the fields.
        status: what a page without fields is; OK for one with fields.
        detail: why, or what is wrong with the file.
    """

    source: str
    page: int = 0
    fields: Sequence[CutField] = ()
    status: Status = Status.OK
    detail: str = ""


class FormBatch:
    """The cut pages of several files, in order."""

    def __init__(self, template: Template, by_field: bool) -> None:
        """An empty batch.

        Args:
            template: the form.
            by_field: whether each field becomes a row, and not each page.
        """
        self._template = template
        self._by_field = by_field
        self._rows: list[CutForm] = []

    def __len__(self) -> int:
        """The number of rows so far."""
        return len(self._rows)

    def add(self, path: str, status: os.stat_result | None = None) -> Iterable[None]:
        """Add a file's pages, as `CutBatch.add` does."""
        return self.add_pages(decode(path, status=status))

    def add_pages(self, decoded: Iterable[Page]) -> Iterable[None]:
        """Add the pages of one file."""
        first, found, scans, source = len(self._rows), dict[int, int](), 0, ""
        for page in decoded:
            form = cut_form(page, self._template, 1 + len(found) % len(self._template.pages))
            scans, source = scans + 1, page.source
            if form.page:
                found[scans] = form.page
            self._rows += _by_field(form) if self._by_field else [form]
            yield
        note = page_note(source, scans, found, len(self._template.pages))
        if note and len(self._rows) > first:
            last = self._rows[-1]
            detail = "; ".join(filter(None, [last.detail, note]))  # with fields, it makes their row `review`
            is_blank = last.status is Status.BLANK
            self._rows[-1] = last._replace(status=Status.REVIEW if is_blank else last.status, detail=detail)

    def finish(self) -> list[CutForm]:
        """All rows."""
        return self._rows


def cut_form(page: Page, template: Template, expected: int) -> CutForm:
    """Cut the fields of a page.

    Args:
        page: the page.
        template: the form.
        expected: the number of the form's page that it should be; the others are tried if it is not.
    """
    if page.scan is None:
        return CutForm(page.source, status=Status.ERROR, detail=page.fault)
    try:
        return _cut_scan(page.source, page.scan, template, expected)
    except Exception as error:  # an unforeseen error costs one row and not the run
        return CutForm(page.source, status=Status.ERROR, detail=f"cannot be lined up ({type(error).__name__})")


def _cut_scan(source: str, scan: Scan, template: Template, expected: int) -> CutForm:
    if _is_empty(scan):
        return CutForm(source, status=Status.REVIEW, detail=EMPTY_PAGE)
    number, placed = _place(ScanFeatures(scan), template, expected)
    if placed.matrix is None:
        return CutForm(source, status=Status.ERROR, detail=placed.fault)
    fields = [_cut_field(source, scan, field, placed.matrix) for field in template.fields_of(number)]
    return CutForm(source, number, fields) if fields else CutForm(source, number, (), Status.BLANK, NO_FIELDS)


def _place(scan: ScanFeatures, template: Template, expected: int) -> tuple[int, Placed]:
    """The number of the form's page that a scan is, and how it lies there: the expected one if that fits well."""
    best, placed = expected, align(scan, template.pages[expected - 1], template.alignment)
    for number, page in enumerate(template.pages, 1):
        is_clear = placed.matrix is not None and placed.agreement >= CLEAR_AGREEMENT
        if number == expected or (is_clear and not _is_rather(scan, template, best, placed, page)):
            continue
        other = align(scan, page, template.alignment)
        if other.matrix is not None and (is_clear or placed.matrix is None or other.agreement > placed.agreement):
            best, placed = number, other
    return best, placed


def _is_rather(scan: ScanFeatures, template: Template, best: int, placed: Placed, other: TemplatePage) -> bool:
    """Whether a scan that was placed on a page is rather another one, which is much like it."""
    matrix = placed.matrix
    return matrix is not None and lies_as_another(scan, template.pages[best - 1], other, matrix)


def _cut_field(source: str, scan: Scan, field: TemplateField, matrix: Matrix) -> CutField:
    try:
        found = crop(scan, field.box, matrix)
    except SourceError as error:
        return CutField(field, CutPage(source, None, str(error)), None)
    cut = cut_page(Page(source, found.scan), field.options)
    return CutField(field, cut, found.back, corners_text(found.corners))


def _is_empty(scan: Scan) -> bool:
    """Whether a page has neither print nor ink on it."""
    ink = ink_of(reduced(scan)[0])
    return float((ink > 0).mean()) <= MAX_SPECKS


def _by_field(form: CutForm) -> list[CutForm]:
    """The rows of a page's fields; that of the page if it has none."""
    return [form._replace(fields=[field]) for field in form.fields] or [form]
