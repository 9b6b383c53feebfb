"""One spelling of a path, by which runs know a file again: `./scans/a.png` and `scans//a.png` are `scans/a.png`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from batchdigits.files.archives import before_member
from batchdigits.files.remote import is_url

SEPARATORS = tuple(dict.fromkeys(("/", os.sep)))

_remove_needless = re.compile(r"(?<=/)(?:\./|/)+").sub


def plain_path(path: str) -> str:
    """The path without `./` and without double slashes. `..`, URLs and the names of members in archives stay."""
    while path.startswith("./"):
        path = path[2:].lstrip("/")
    if ("./" not in path and "//" not in path) or is_url(path):
        return path
    end = before_member(path)
    return _remove_needless("", path[:end]) + path[end:]


def folder_of(path: str) -> str:
    """The folder or archive that a file is in; empty if the path has none."""
    return path[: max(0, *map(path.rfind, SEPARATORS))]


def folders_of(path: str) -> Iterator[str]:
    """The folders and archives that a file is in, as they may have been typed: `a/b`, `a/b/`, `a`, `a/`, `.`, `./`."""
    folder = plain_path(path)
    while folder := folder_of(folder):
        yield folder
        yield from (folder + separator for separator in SEPARATORS)
    if path.startswith(SEPARATORS):
        yield from SEPARATORS
    else:
        yield from (".", *(f".{separator}" for separator in SEPARATORS))
