"""The unit of work that every engine spreads: some files in, their predictions out."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from batchdigits.inference.decide import Decided, Prediction, blank, decide, failed
from batchdigits.inference.runtime import Runtime
from batchdigits.quiet import silent_stderr
from batchdigits.vision.decode import Page, decode, decode_packed, look
from batchdigits.vision.faults import one_line
from batchdigits.vision.grey import Scan
from batchdigits.vision.normalise import Glyph, Ink, normalise
from batchdigits.vision.normalise_many import SMALL, Scans, normalise_many
from batchdigits.vision.remote import read_ahead
from batchdigits.vision.small_png import unpack_small_pngs


@dataclass(frozen=True)
class Settings:
    """What changes a row, besides the model.

    Attributes:
        ink: whether ink is dark, light, or to be found out for each scan.
        threshold: confidence (0-1) below which a row is `review`.
        probabilities: whether a prediction carries those of every class.
    """

    ink: Ink = "auto"
    threshold: float = 0.0
    probabilities: bool = False


class Read(NamedTuple):
    """A source that was decoded and normalised: its readings (0 to 2 glyphs), or the fault that prevented it."""

    source: str
    readings: tuple[Glyph, ...]
    fault: str


LATER = Read("", (), "")  # in the place of what is normalised together with others


def classify_files(
    files: Sequence[str],
    runtime: Runtime,
    settings: Settings,
    before_each: Callable[[], object] = lambda: None,
    ask: Callable[[str], os.stat_result | None] = look,
) -> list[list[Prediction]]:
    """For every file, in order, the predictions for its pages. Whatever is wrong with a file is its row.

    Args:
        files: paths as typed.
        runtime: the network.
        settings: what else changes a row.
        before_each: called before each page is read, to keep the time.
        ask: what the system knows of a file, which it is asked right before that is read.
    """
    reads = Reads(settings.ink)
    ends: list[int] = []
    with silent_stderr():  # libpng, libjpeg and libtiff write their complaints to fd 2; the row carries ours
        for path in read_ahead(files):
            before_each()
            for page in decode(path, status=ask(path), pack=True):
                reads.add(page)
                if page.source != path:  # one of several pages
                    before_each()
            ends.append(len(reads))
        found = reads.all()
    rows, _ = judge(found, runtime, settings.threshold, settings.probabilities)
    return [rows[start:end] for start, end in zip([0, *ends], ends, strict=False)]


class Reads:
    """What pages come to, in order. What is small is done at the end, together with what is like it."""

    def __init__(self, ink: Ink) -> None:
        """Read pages with that ink."""
        self._ink = ink
        self._reads: list[Read] = []
        self._packed: dict[int, Page] = {}  # by their places in the list
        self._small: defaultdict[tuple[int, ...], dict[int, Page]] = defaultdict(dict)

    def __len__(self) -> int:
        """How many pages there are."""
        return len(self._reads)

    def add(self, page: Page) -> None:
        """Read the next page, or keep it for later."""
        place = len(self._reads)
        self._reads.append(LATER)
        if page.packed:
            self._packed[place] = page
        else:
            self._add(place, page)

    def _add(self, place: int, page: Page) -> None:
        if page.scan is not None and max(page.scan.shape) <= SMALL:
            self._small[page.scan.shape][place] = page
        else:
            self._reads[place] = read(page, self._ink)

    def all(self) -> list[Read]:
        """Finish, and give everything."""
        self._unpack()
        for alike in self._small.values():
            self._read_alike(alike, [page.scan for page in alike.values() if page.scan is not None])
        return self._reads

    def _unpack(self) -> None:
        places = list(self._packed)
        with suppress(Exception):  # whichever of them it is, it gets its row below
            for indices, scans in unpack_small_pngs([page.packed for page in self._packed.values()]):
                self._read_alike({place: self._packed.pop(place) for place in map(places.__getitem__, indices)}, scans)
        for place, page in self._packed.items():
            self._add(place, decode_packed(page))

    def _read_alike(self, pages: dict[int, Page], scans: Sequence[Scan] | Scans) -> None:
        """Do what `read` does to each of many pages whose scans are small and of one shape."""
        try:
            many = normalise_many(np.asarray(scans), self._ink)
        except Exception:  # whichever of them it is, it gets its row
            for (place, page), scan in zip(pages.items(), scans, strict=True):
                self._reads[place] = read(Page(page.source, scan), self._ink)
            return
        for (place, page), readings in zip(pages.items(), many, strict=True):
            self._reads[place] = Read(page.source, readings, "")


def read(page: Page, ink: Ink) -> Read:
    """Normalise a page. The scan is let go: a chunk of large ones would fill the memory."""
    if page.scan is None:
        return Read(page.source, (), page.fault)
    try:
        return Read(page.source, normalise(page.scan, ink), "")
    except Exception as error:  # the last net, as in decode: one picture that nobody thought of is one row
        return Read(page.source, (), one_line(f"cannot be normalised: {error or type(error).__name__}"))


def judge(
    reads: Sequence[Read], runtime: Runtime, threshold: float, probabilities: bool = False
) -> tuple[list[Prediction], list[Glyph | None]]:
    """The row of each, in order, and the reading that it is about, where there is one.

    The network sees all readings at once.
    """
    glyphs = [glyph for _, readings, _ in reads for glyph in readings]
    decided = Decided.of(runtime.logits(np.array(glyphs)), runtime.card.rejects) if glyphs else None
    rows: list[Prediction] = []
    chosen: list[Glyph | None] = []
    first = 0
    for source, readings, fault in reads:
        if decided is None or not readings:
            rows.append(failed(source, fault) if fault else blank(source))
            chosen.append(None)
            continue
        at = decided.reading(first, len(readings)) if len(readings) > 1 else first
        first += len(readings)
        rows.append(decide(source, decided, at, runtime.card.labels, threshold, probabilities))
        chosen.append(glyphs[at])
    return rows, chosen
