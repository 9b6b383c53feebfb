"""The unit of work that every engine spreads: some files in, their predictions out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from batchdigits.inference.decide import Prediction, decide, failed
from batchdigits.inference.runtime import Runtime
from batchdigits.quiet import silent_stderr
from batchdigits.vision.decode import decode
from batchdigits.vision.normalise import Glyph, Ink, normalise


@dataclass(frozen=True)
class Settings:
    """What changes a row, besides the model.

    Attributes:
        ink: whether ink is dark, light, or to be found out for each scan.
        threshold: confidence (0-1) below which a row is `review`.
    """

    ink: Ink = "auto"
    threshold: float = 0.0


class Read(NamedTuple):
    """A source that was decoded and normalised: its readings (0 to 2 glyphs), or the fault that prevented it."""

    source: str
    readings: tuple[Glyph, ...]
    fault: str


def classify_files(files: Sequence[str], runtime: Runtime, settings: Settings) -> list[Prediction]:
    """Predictions for every page of every file, in order. Whatever is wrong with a file is its row."""
    with silent_stderr():  # libpng, libjpeg and libtiff write their complaints to fd 2; the row carries ours
        reads = [read for path in files for read in _read(path, settings.ink)]
    glyphs = [glyph for read in reads for glyph in read.readings]
    logits = runtime.logits(np.stack(glyphs)) if glyphs else np.empty((0, len(runtime.card.labels)), np.float32)
    ends = np.cumsum([len(read.readings) for read in reads])
    return [
        failed(read.source, read.fault)
        if read.fault
        else decide(read.source, logits[end - len(read.readings) : end], runtime.card.labels, settings.threshold)
        for read, end in zip(reads, ends, strict=True)
    ]


def _read(path: str, ink: Ink) -> Iterator[Read]:
    for page in decode(path):
        readings = () if page.scan is None else normalise(page.scan, ink)
        yield Read(page.source, readings, page.fault)
