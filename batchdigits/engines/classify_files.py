"""The unit of work that every engine spreads: some files in, their predictions out."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from batchdigits.files.remote import read_ahead
from batchdigits.inference.decide import Decided, Prediction, blank, decide, failed
from batchdigits.inference.runtime import Runtime
from batchdigits.quiet import silent_stderr
from batchdigits.vision.decode import decode, look
from batchdigits.vision.normalise import Glyph, Ink
from batchdigits.vision.normalise_batch import Read, Reads


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


def judge(
    reads: Sequence[Read], runtime: Runtime, threshold: float, probabilities: bool = False
) -> tuple[list[Prediction], list[Glyph | None]]:
    """The row of each, in order, and the reading that it is about, where there is one.

    The network sees all candidates at once.
    """
    glyphs = [glyph for _, candidates, _ in reads for glyph in candidates]
    decided = Decided.of(runtime.logits(np.array(glyphs)), runtime.card.rejects) if glyphs else None
    rows: list[Prediction] = []
    chosen: list[Glyph | None] = []
    first = 0
    for source, candidates, fault in reads:
        if decided is None or not candidates:
            rows.append(failed(source, fault) if fault else blank(source))
            chosen.append(None)
            continue
        at = decided.reading(first, len(candidates)) if len(candidates) > 1 else first
        first += len(candidates)
        rows.append(decide(source, decided, at, runtime.card.labels, threshold, probabilities))
        chosen.append(glyphs[at])
    return rows, chosen
