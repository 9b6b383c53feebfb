"""The unit of work that every engine spreads: some files in, their predictions out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from batchdigits.inference.decide import Decided, Prediction, blank, decide, failed
from batchdigits.inference.runtime import Runtime
from batchdigits.quiet import silent_stderr
from batchdigits.vision.decode import Page, decode
from batchdigits.vision.faults import one_line
from batchdigits.vision.grey import Scan
from batchdigits.vision.normalise import Glyph, Ink, normalise
from batchdigits.vision.normalise_many import SMALL, normalise_many
from batchdigits.vision.remote import read_ahead


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


class Verdict(NamedTuple):
    """A source's row, and the reading that it is about; None where there is none."""

    prediction: Prediction
    glyph: Glyph | None


def classify_files(
    files: Sequence[str], runtime: Runtime, settings: Settings, before_each: Callable[[], object] = lambda: None
) -> list[list[Prediction]]:
    """For every file, in order, the predictions for its pages. Whatever is wrong with a file is its row.

    Args:
        files: paths as typed.
        runtime: the network.
        settings: what else changes a row.
        before_each: called before each page is read, to keep the time.
    """
    reads: list[Read] = []
    ends: list[int] = []
    small: dict[int, Page] = {}  # those that are still to be normalised, by their place in `reads`
    with silent_stderr():  # libpng, libjpeg and libtiff write their complaints to fd 2; the row carries ours
        for path in read_ahead(files):
            before_each()
            for page in decode(path):
                if page.scan is not None and max(page.scan.shape) <= SMALL:
                    small[len(reads)] = page
                    reads.append(Read(page.source, (), ""))
                else:
                    reads.append(read(page, settings.ink))
                if page.source != path:  # one of several pages
                    before_each()
            ends.append(len(reads))
        for place, read_page in read_small(small, settings.ink):
            reads[place] = read_page
    rows = [verdict.prediction for verdict in judge(reads, runtime, settings.threshold, settings.probabilities)]
    return [rows[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def read(page: Page, ink: Ink) -> Read:
    """Normalise a page. The scan is let go: a chunk of large ones would fill the memory."""
    if page.scan is None:
        return Read(page.source, (), page.fault)
    try:
        return Read(page.source, normalise(page.scan, ink), "")
    except Exception as error:  # the last net, as in decode: one picture that nobody thought of is one row
        return Read(page.source, (), one_line(f"cannot be normalised: {error or type(error).__name__}"))


def read_small(pages: Mapping[int, Page], ink: Ink) -> Iterator[tuple[int, Read]]:
    """Do what `read` does to each of many small scans, those of one shape together; under their keys, in any order."""
    by_shape: dict[tuple[int, ...], list[tuple[int, Page, Scan]]] = {}
    for place, page in pages.items():
        if page.scan is not None:
            by_shape.setdefault(page.scan.shape, []).append((place, page, page.scan))
    for alike in by_shape.values():
        try:
            many = normalise_many(np.stack([scan for _, _, scan in alike]), ink)
        except Exception:  # whichever of them it is, it gets its row
            yield from ((place, read(page, ink)) for place, page, _ in alike)
        else:
            for (place, page, _), readings in zip(alike, many, strict=True):
                yield place, Read(page.source, readings, "")


def judge(reads: Sequence[Read], runtime: Runtime, threshold: float, probabilities: bool = False) -> list[Verdict]:
    """A verdict on each, in order; the network sees all readings at once."""
    glyphs = [glyph for read in reads for glyph in read.readings]
    decided = Decided.of(runtime.logits(np.stack(glyphs))) if glyphs else None
    verdicts = []
    first = 0
    for source, readings, fault in reads:
        if decided is None or not readings:
            verdicts.append(Verdict(failed(source, fault) if fault else blank(source), None))
            continue
        chosen = decided.reading(first, len(readings))
        first += len(readings)
        row = decide(source, decided, chosen, runtime.card.labels, threshold, probabilities)
        verdicts.append(Verdict(row, glyphs[chosen]))
    return verdicts
