"""The unit of work that every engine spreads: some files in, their predictions out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from batchdigits.inference.decide import Prediction, chosen_reading, decide, failed
from batchdigits.inference.runtime import Runtime
from batchdigits.quiet import silent_stderr
from batchdigits.vision.decode import Page, decode
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


class Verdict(NamedTuple):
    """A source's row, and the reading that it is about; None where there is none."""

    prediction: Prediction
    glyph: Glyph | None


def classify_files(files: Sequence[str], runtime: Runtime, settings: Settings) -> list[Prediction]:
    """Predictions for every page of every file, in order. Whatever is wrong with a file is its row."""
    with silent_stderr():  # libpng, libjpeg and libtiff write their complaints to fd 2; the row carries ours
        reads = [read(page, settings.ink) for path in files for page in decode(path)]
    return [verdict.prediction for verdict in judge(reads, runtime, settings.threshold)]


def read(page: Page, ink: Ink) -> Read:
    """Normalise a page. The scan is let go: a chunk of large ones would fill the memory."""
    return Read(page.source, () if page.scan is None else normalise(page.scan, ink), page.fault)


def judge(reads: Sequence[Read], runtime: Runtime, threshold: float) -> list[Verdict]:
    """A verdict on each, in order; the network sees all readings at once."""
    glyphs = [glyph for read in reads for glyph in read.readings]
    logits = runtime.logits(np.stack(glyphs)) if glyphs else np.empty((0, len(runtime.card.labels)), np.float32)
    verdicts = []
    start = 0
    for source, readings, fault in reads:
        mine = logits[start : start + len(readings)]
        start += len(readings)
        prediction = failed(source, fault) if fault else decide(source, mine, runtime.card.labels, threshold)
        verdicts.append(Verdict(prediction, readings[chosen_reading(mine)] if readings else None))
    return verdicts
