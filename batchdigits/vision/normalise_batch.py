"""From pages to candidates: small scans wait for the rest of their chunk, and are normalised together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

import numpy as np

from batchdigits.files.source_error import one_line
from batchdigits.vision.decode import Page, decode_packed
from batchdigits.vision.grey import Scan, Scans
from batchdigits.vision.normalise import Glyph, Ink, normalise
from batchdigits.vision.small_images.normalise_stack import SMALL, normalise_stack
from batchdigits.vision.small_images.png import unpack_small_pngs


class Read(NamedTuple):
    """A source that was decoded and normalised: its candidates (0 to 2 glyphs), or the fault that prevented it."""

    source: str
    candidates: tuple[Glyph, ...]
    fault: str


LATER = Read("", (), "")  # in the place of what is normalised together with others


class Reads:
    """What pages come to, in order: add them, and then ask for all."""

    def __init__(self, ink: Ink) -> None:
        """Read pages with that ink."""
        self._ink = ink
        self._reads: list[Read] = []
        self._packed: list[tuple[int, Page]] = []  # with their places in the list
        self._small: defaultdict[tuple[int, ...], list[tuple[int, Page]]] = defaultdict(list)

    def __len__(self) -> int:
        """How many pages there are."""
        return len(self._reads)

    def add(self, page: Page) -> None:
        """Read the next page, or keep it for later."""
        place = len(self._reads)
        self._reads.append(LATER)
        if page.packed:
            self._packed.append((place, page))
        else:
            self._add(place, page)

    def _add(self, place: int, page: Page) -> None:
        if page.scan is not None and max(page.scan.shape) <= SMALL:
            self._small[page.scan.shape].append((place, page))
        else:
            self._reads[place] = read(page, self._ink)

    def all(self) -> list[Read]:
        """Finish, and give everything."""
        self._unpack()
        for alike in self._small.values():
            self._read_alike(alike, [page.scan for _, page in alike if page.scan is not None])
        return self._reads

    def _unpack(self) -> None:
        with suppress(Exception):  # whichever of them it is, it gets its row below
            for indices, scans in unpack_small_pngs([page.packed for _, page in self._packed]):
                self._read_alike([self._packed[index] for index in indices], scans)
        for place, page in self._packed:
            if self._reads[place] is LATER:
                self._add(place, decode_packed(page))

    def _read_alike(self, pages: Sequence[tuple[int, Page]], scans: Sequence[Scan] | Scans) -> None:
        """Do what `read` does to each of many pages whose scans are small and of one shape."""
        try:
            many = normalise_stack(np.asarray(scans), self._ink)
        except Exception:  # whichever of them it is, it gets its row
            for (place, page), scan in zip(pages, scans, strict=True):
                self._reads[place] = read(Page(page.source, scan), self._ink)
            return
        for (place, page), candidates in zip(pages, many, strict=True):
            self._reads[place] = Read(page.source, candidates, "")


def read(page: Page, ink: Ink) -> Read:
    """Normalise a page. The scan is let go: a chunk of large ones would fill the memory."""
    if page.scan is None:
        return Read(page.source, (), page.fault)
    try:
        return Read(page.source, normalise(page.scan, ink), "")
    except Exception as error:  # the last net, as in decode: one picture that nobody thought of is one row
        return Read(page.source, (), one_line(f"cannot be normalised: {error or type(error).__name__}"))
