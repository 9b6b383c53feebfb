"""Decode the images of rows that were written earlier."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from batchdigits.output.finished import of_a_page
from batchdigits.vision.decode import Page, decode


def pages_of(sources: Iterable[str]) -> Iterator[Page]:
    """The page of each source, decoded one at a time, in the order of their files; sources named twice come once."""
    missing = dict.fromkeys(sources)
    files = defaultdict(set)
    for source in missing:
        page_name = of_a_page(source)
        files[page_name[1] if page_name else source].add(source)
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
