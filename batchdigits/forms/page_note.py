"""The note in the detail of a file's last row that pages of the form are missing in the file, or too many."""

from __future__ import annotations

import re
from collections import Counter

from batchdigits.files.page_names import file_of
from batchdigits.text import counted

_note = re.compile(
    r"(?:\A|; )"
    r"([\d,]+ pages? of the form in the file, and the form has \d+|page [\d, ]+ of the form missing in the file)\Z"
)


def page_note(source: str, scans: int, found: Counter[int], pages: int) -> str:
    """What is wrong with the pages of a file; empty if it has each page of the form equally often.

    A picture or TIFF with one scan gets none: such are the scans of people who have a file for each page.

    Args:
        source: the last scan.
        scans: how many there are in the file.
        found: how often each page of the form is among them.
        pages: of the form.
    """
    if scans == 1 and not file_of(source).lower().endswith(".pdf"):
        return ""
    if found.total() % pages:
        return f"{counted(found.total(), 'page')} of the form in the file, and the form has {pages}"
    fewer = [str(page) for page in range(1, pages + 1) if found[page] < max(found.values(), default=0)]
    return f"page {', '.join(fewer)} of the form missing in the file" if fewer else ""


def page_note_of(detail: str) -> str:
    """The note at the end of a row's detail; empty if there is none."""
    note = _note.search(detail)
    return note[1] if note else ""
