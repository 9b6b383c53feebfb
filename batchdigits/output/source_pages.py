"""Decode the images of rows that were written earlier, and tell whether they have changed."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache

from batchdigits.files.archives import split_member
from batchdigits.files.content import file_status, read_content
from batchdigits.files.page_names import file_of
from batchdigits.files.source_error import SourceError
from batchdigits.vision.decode import Page, decode


def pages_of(sources: Iterable[str]) -> Iterator[Page]:
    """The page of each source, decoded one at a time, in the order of their files; sources named twice come once."""
    missing = dict.fromkeys(sources)
    files = defaultdict(set)
    for source in missing:
        files[file_of(source)].add(source)
    for file, wanted in files.items():
        for page in decode(file):
            if page.source in wanted:
                wanted.remove(page.source)
                del missing[page.source]
                yield page
            if not wanted:
                break
    for source in missing:  # a file whose own name ends like that of a page, or a page that is not there any more
        others = (page for page in decode(source) if page.source == source)
        yield next(others, Page(source, None, "the file has other pages now"))


def digest_of(source: str) -> str:
    """A hash of the file that a source is, or is a page of; empty if it cannot be read.

    Of archives only zip has members that are quickly found; for those of others it is empty, too.
    """
    for path in (source, file_of(source)):
        if (member := split_member(path)) and not member.archive.lower().endswith(".zip"):
            return ""
        if status := file_status(path):
            return _digest(path, status.st_size, status.st_mtime_ns)
    return ""


@lru_cache(maxsize=4096)
def _digest(path: str, size: int, modified: int) -> str:
    """The hash of a file that has this size and time of change: the pages of a large file are asked for one by one."""
    found = hashlib.blake2b(digest_size=8)
    try:
        content = read_content(path)
        if content.is_whole:
            found.update(content.data)
        else:
            with content.open() as stream:
                while block := stream.read(1 << 20):
                    found.update(block)
    except (OSError, SourceError):
        return ""
    return found.hexdigest()
