"""Paths that a person typed: one that is not there ends the run, before an error row for it replaces a good output."""

from __future__ import annotations

import os
from collections.abc import Sequence

from batchdigits.errors import NoImagesError
from batchdigits.files.archives import read_member, split_folder, split_member
from batchdigits.files.page_names import file_of
from batchdigits.files.remote import MAX_REQUESTS, fault_of_url, is_url
from batchdigits.files.source_error import MissingMemberError, SourceError


def require_paths(paths: Sequence[str]) -> None:
    """Check that there is a file, a folder or a member of an archive at each path or URL.

    Raises:
        NoImagesError: one is not there, or cannot be reached.
        MissingExtraError: see `storage_of`.
    """
    for path in paths:
        if not is_url(path) and not os.path.lexists(path) and not split_folder(path):
            _require_member(path)
    if urls := [path for path in paths if is_url(path)]:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(MAX_REQUESTS) as pool:
            for url, fault in zip(urls, pool.map(fault_of_url, urls), strict=True):
                if fault:
                    pool.shutdown(cancel_futures=True)
                    raise NoImagesError(f"{url}: {fault}")


def _require_member(path: str) -> None:
    member = split_member(path)
    if member is None and os.path.isfile(file_of(path)):  # noqa: PTH113 - paths are strings
        raise NoImagesError(f"{path}: a page is not named by itself; {file_of(path)} has all pages of the file")
    if member is None:
        raise NoImagesError(f"{path}: no such file or folder")
    try:
        read_member(member)
    except MissingMemberError as fault:
        raise NoImagesError(f"{path}: {fault}") from None
    except (SourceError, OSError, MemoryError):
        pass  # its row will say why
