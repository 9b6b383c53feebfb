"""From files to cut fields: decode each file and cut each of its pages into what may be digits."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import NamedTuple

from batchdigits.fields.cut_field import Cut, cut_field, without_pictures
from batchdigits.fields.field_options import FieldOptions
from batchdigits.vision.decode import Page, decode


class CutPage(NamedTuple):
    """A source that was decoded and cut.

    Attributes:
        source: the path as typed, with `#N` for a page of a multi-page file.
        cut: the field; None if it could not be decoded or cut.
        fault: why it could not; else empty.
    """

    source: str
    cut: Cut | None
    fault: str = ""


class CutBatch:
    """The cut pages of several files, in order."""

    def __init__(self, options: FieldOptions) -> None:
        """An empty batch."""
        self._options = options
        self._pages: list[CutPage] = []

    def __len__(self) -> int:
        """The number of pages so far."""
        return len(self._pages)

    def add(self, path: str, status: os.stat_result | None = None) -> Iterable[None]:
        """Add a file's pages, as `NormaliseBatch.add` does."""
        for page in decode(path, status=status):
            self._pages.append(cut_page(page, self._options))
            yield

    def finish(self) -> list[CutPage]:
        """All pages."""
        return self._pages


def cut_page(page: Page, options: FieldOptions) -> CutPage:
    """Cut the field of a page."""
    if page.scan is None:
        return CutPage(page.source, None, page.fault)
    try:
        return CutPage(page.source, without_pictures(cut_field(page.scan, options.reading_options)))
    except Exception as error:  # an unforeseen error costs one row and not the run
        return CutPage(page.source, None, f"cannot be cut ({type(error).__name__})")
