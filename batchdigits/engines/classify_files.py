"""Classify some files in one process: the unit of work of every engine."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from batchdigits.engines.page_timer import PageTimer
from batchdigits.files.content import file_status
from batchdigits.files.remote import read_ahead
from batchdigits.inference.decide import Prediction, decide
from batchdigits.inference.runtime import Runtime
from batchdigits.quiet import silent_stderr
from batchdigits.vision.normalise import Ink
from batchdigits.vision.small_images import FastBatch


@dataclass(frozen=True)
class Settings:
    """The options, besides the model, that predictions depend on.

    Attributes:
        ink: whether ink is dark or light; `auto` finds it out for each scan.
        threshold: score (0-1) below which a prediction is `review`.
        probabilities: whether a prediction carries the probabilities of all classes.
    """

    ink: Ink = "auto"
    threshold: float = 0.0
    probabilities: bool = False


class ClassifiedFiles(NamedTuple):
    """The outcome for some files, in order.

    Attributes:
        rows: for each file, the predictions for its pages; at least one.
        file_statuses: for each file, its `file_status` right before it was read.
    """

    rows: list[list[Prediction]]
    file_statuses: list[os.stat_result | None]


def classify_files(
    files: Sequence[str], runtime: Runtime, settings: Settings, timer: PageTimer | None = None
) -> ClassifiedFiles:
    """Predict every page of every file. A file that cannot be read gets a prediction with the status `error`.

    Args:
        files: paths as typed.
        runtime: the network.
        settings: the options that predictions depend on.
        timer: restarted before each page, and stopped at the end.
    """
    timer = timer or PageTimer(0)
    batch = FastBatch(settings.ink)  # the fast path for small images, with the same results as a `NormaliseBatch`
    file_statuses: list[os.stat_result | None] = []
    ends: list[int] = []
    with silent_stderr():  # libpng, libjpeg and libtiff print their errors to fd 2; the rows' details give them
        for path in read_ahead(files):
            timer.restart()
            status = file_status(path)
            file_statuses.append(status)
            for _ in batch.add(path, status):
                timer.restart()
            ends.append(len(batch))
        pages = batch.finish()
    predictions, _ = decide(pages, runtime, settings.threshold, settings.probabilities)
    timer.stop()
    rows = [predictions[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    return ClassifiedFiles(rows, file_statuses)
