"""The note in the detail of a file's last row that pages of the form are missing in the file, or too many."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from batchdigits.files.page_names import file_of
from batchdigits.text import counted

_note = re.compile(
    r"(?:\A|; )"
    r"([\d,]+ pages? of the form in the file, and the form has \d+"
    r"(?:: look at #\d+, page \d+ (?:behind page \d+|as the first))?"
    r"|page [\d, ]+ of the form missing in the file)\Z"
)


def page_note(source: str, scans: int, found: Mapping[int, int], pages: int) -> str:
    """What is wrong with the pages of a file; empty if it has each page of the form equally often.

    A picture or TIFF with one scan gets none: such are the scans of people who have a file for each page.

    Args:
        source: the last scan.
        scans: how many there are in the file.
        found: the page of the form that each of them is which is one, by its number.
        pages: of the form.
    """
    if scans == 1 and not file_of(source).lower().endswith(".pdf"):
        return ""
    if len(found) % pages:
        gap = _gap(found, pages) if scans > 1 else ""
        return f"{counted(len(found), 'page')} of the form in the file, and the form has {pages}{gap}"
    counts = Counter(found.values())
    fewer = [str(page) for page in range(1, pages + 1) if counts[page] < max(counts.values(), default=0)]
    return f"page {', '.join(fewer)} of the form missing in the file" if fewer else ""


def _gap(found: Mapping[int, int], pages: int) -> str:
    """The first scan that is not the page of the form behind that of the scan before it, or not page 1 as the first."""
    before = 0
    for scan, page in found.items():
        if page != before % pages + 1:
            return f": look at #{scan}, page {page} {f'behind page {before}' if before else 'as the first'}"
        before = page
    return ""


def page_note_of(detail: str) -> str:
    """The note at the end of a row's detail; empty if there is none."""
    note = _note.search(detail)
    return note[1] if note else ""
