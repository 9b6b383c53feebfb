"""A batch whose images wait, to be unpacked or normalised together."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

import numpy as np

from batchdigits.files.content import Content, read_content
from batchdigits.vision.decode import Page, decode, decode_content
from batchdigits.vision.grey import Scan, Scans
from batchdigits.vision.normalise import Candidates, Ink
from batchdigits.vision.normalise_batch import NormaliseBatch, Normalised, normalise_page
from batchdigits.vision.small_images.normalise_stack import MAX_SIDE, normalise_stack
from batchdigits.vision.small_images.png import is_small_png, unpack_small_pngs
from batchdigits.vision.view import Viewed, look_at

WAITING = Normalised("", Candidates())  # stands for a page that is normalised later
# Decoding and normalising in turns evict each other's code from the processor's cache, so scans wait for some others.
MAX_WAITING = 64  # scans
MAX_WAITING_PIXELS = 1 << 17  # of a scan; for a larger one, that matters little, and many of them take much memory


class FastBatch(NormaliseBatch):
    """A `NormaliseBatch` with the same results in less time."""

    def __init__(self, ink: Ink) -> None:
        """An empty batch; `ink` is as for `normalise`."""
        super().__init__(ink)
        self._packed: list[tuple[int, Content]] = []  # small PNG files, with their positions in the batch
        self._decoded: list[tuple[int, Page, Viewed | None]] = []  # larger scans, with their positions and views
        self._small: defaultdict[tuple[int, ...], list[tuple[int, str, Scan]]] = defaultdict(list)  # by shape

    def add(self, path: str, status: os.stat_result | None = None) -> Iterable[None]:
        """Add a file's pages, as `NormaliseBatch.add` does."""
        try:
            content = read_content(path, status)
        except Exception:  # the plain path finds the fault
            pages = decode(path, status=status, reduced=True)
        else:
            if is_small_png(content.data):
                self._packed.append((len(self._normalised), content))
                self._normalised.append(WAITING)
                return ()
            pages = decode_content(content, reduced=True)
        return self._add_pages(pages)

    def finish(self) -> list[Normalised]:
        """All pages."""
        self._unpack()
        self._normalise_decoded()
        for waiting in self._small.values():
            positions, sources, scans = zip(*waiting, strict=True)
            self._normalise_together(positions, sources, scans)
        return self._normalised

    def _add_pages(self, pages: Iterable[Page]) -> Iterator[None]:
        for page in pages:
            self._normalised.append(WAITING)
            self._add_page(len(self._normalised) - 1, page)
            yield

    def _add_page(self, position: int, page: Page) -> None:
        if page.scan is None or page.scan.size > MAX_WAITING_PIXELS or page.reduction:
            self._normalised[position] = normalise_page(page, self._ink)
        elif max(page.scan.shape) <= MAX_SIDE:
            self._small[page.scan.shape].append((position, page.source, page.scan))
        else:
            viewed = None
            with suppress(Exception):  # `normalise_page` looks again, and makes the fault a row
                viewed = look_at(page.scan)  # while the cache has the scan
            self._decoded.append((position, page, viewed))
            if len(self._decoded) == MAX_WAITING:
                self._normalise_decoded()

    def _normalise_decoded(self) -> None:
        for position, page, viewed in self._decoded:
            self._normalised[position] = normalise_page(page, self._ink, viewed)
        self._decoded.clear()

    def _unpack(self) -> None:
        """Unpack the small PNG files together; decode those that cannot be unpacked so, one by one."""
        with suppress(Exception):  # the file that caused it, and all that still wait, are decoded below
            for indices, scans in unpack_small_pngs([content.data for _, content in self._packed]):
                positions, contents = zip(*[self._packed[index] for index in indices], strict=True)
                self._normalise_together(positions, [content.source for content in contents], scans)
        for position, content in self._packed:
            if self._normalised[position] is WAITING:
                (page,) = decode_content(content)
                self._add_page(position, page)

    def _normalise_together(
        self, positions: Sequence[int], sources: Sequence[str], scans: Sequence[Scan] | Scans
    ) -> None:
        """Normalise pages whose scans are small and of one shape."""
        try:
            candidates = normalise_stack(np.asarray(scans), self._ink)
        except Exception:  # one by one, only the scan that caused it gets an error row
            for position, source, scan in zip(positions, sources, scans, strict=True):
                self._normalised[position] = normalise_page(Page(source, scan), self._ink)
            return
        for position, source, glyphs in zip(positions, sources, candidates, strict=True):
            self._normalised[position] = Normalised(source, glyphs)
