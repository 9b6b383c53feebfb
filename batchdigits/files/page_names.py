"""The names of the pages of a file with several: `scan.tif#2`."""

from __future__ import annotations

import re

_as_page = re.compile(r"(.+)#[0-9]+", re.DOTALL).fullmatch  # the name of a file may have newlines


def file_of(source: str) -> str:
    """The file that a source is a page of, by its name; any other source itself."""
    page = _as_page(source)
    return page[1] if page else source


def page_name(file: str, number: int) -> str:
    """The name of a page of a file with several; pages count from 1."""
    return f"{file}#{number}"
