"""From files to candidates: decode each file and normalise each of its pages."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import NamedTuple

from batchdigits.vision.decode import Page, decode
from batchdigits.vision.normalise import Candidates, Ink, propose_viewed
from batchdigits.vision.view import Viewed, look_at


class Normalised(NamedTuple):
    """A source that was decoded and normalised.

    Attributes:
        source: the path as typed, with `#N` for a page of a multi-page file.
        candidates: the glyphs that it may hold; none for a blank scan.
        fault: why it could not be decoded or normalised; else empty.
    """

    source: str
    candidates: Candidates
    fault: str = ""


class NormaliseBatch:
    """The normalised pages of several files, in order."""

    def __init__(self, ink: Ink) -> None:
        """An empty batch; `ink` is as for `normalise`."""
        self._ink = ink
        self._normalised: list[Normalised] = []

    def __len__(self) -> int:
        """The number of pages so far."""
        return len(self._normalised)

    def add(self, path: str, status: os.stat_result | None = None) -> Iterable[None]:
        """Add a file's pages. The caller must exhaust the result, which pauses after each page, to be timed.

        Args:
            path: the file, or its URL, as typed.
            status: the file's status from `file_status`; None if it is not known yet.
        """
        for page in decode(path, status=status, reduced=True):
            self._normalised.append(normalise_page(page, self._ink))
            yield

    def finish(self) -> list[Normalised]:
        """All pages."""
        return self._normalised


def normalise_page(page: Page, ink: Ink, viewed: Viewed | None = None) -> Normalised:
    """Normalise the scan of a page; `ink` is as for `normalise`, and `viewed` is its view if that is at hand."""
    if page.scan is None:
        return Normalised(page.source, Candidates(), page.fault)
    try:
        return Normalised(page.source, propose_viewed(viewed or look_at(page.scan, page.reduction), ink))
    except Exception as error:  # an unforeseen error costs one row and not the run
        return Normalised(page.source, Candidates(), f"cannot be normalised ({type(error).__name__})")
