"""The unit of work that every engine spreads: some files in, their predictions out."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from batchdigits.files.content import file_status
from batchdigits.files.remote import read_ahead
from batchdigits.inference.decide import Prediction, decide
from batchdigits.inference.runtime import Runtime
from batchdigits.quiet import silent_stderr
from batchdigits.vision.normalise import Ink
from batchdigits.vision.small_images import FastBatch

TIMER_TOLERANCE = 0.01  # share of the time limit that a page may have on top, so that not every page sets the alarm


@dataclass(frozen=True)
class Settings:
    """What changes a row, besides the model.

    Attributes:
        ink: whether ink is dark, light, or to be found out for each scan.
        threshold: score (0-1) below which a row is `review`.
        probabilities: whether a prediction carries those of every class.
    """

    ink: Ink = "auto"
    threshold: float = 0.0
    probabilities: bool = False


class ClassifiedFiles(NamedTuple):
    """The outcome for some files, in order.

    Attributes:
        rows: for each file, the predictions for its pages; at least one.
        statuses: for each file, what the system knew of it right before it was read; see `file_status`.
    """

    rows: list[list[Prediction]]
    statuses: list[os.stat_result | None]


class PageTimer:
    """An alarm (SIGALRM) for a page that takes too long."""

    def __init__(self, timeout: float) -> None:
        """Seconds that one page may take; 0 for no limit. Nothing runs before `restart`."""
        self._timeout = timeout
        self._due = 0.0

    def restart(self) -> None:
        """Give the next page its full time."""
        now = time.monotonic()
        if self._timeout and now >= self._due:
            signal.setitimer(signal.ITIMER_REAL, (1.0 + TIMER_TOLERANCE) * self._timeout)
            self._due = now + TIMER_TOLERANCE * self._timeout

    def stop(self) -> None:
        """Let no alarm come any more."""
        if self._timeout:
            signal.setitimer(signal.ITIMER_REAL, 0)


def classify_files(
    files: Sequence[str], runtime: Runtime, settings: Settings, timer: PageTimer | None = None
) -> ClassifiedFiles:
    """Predict every page of every file. A file that cannot be read has an `error` row.

    Args:
        files: paths as typed.
        runtime: the network.
        settings: what else changes a row.
        timer: restarted before each page, and stopped at the end.
    """
    timer = timer or PageTimer(0)
    batch = FastBatch(settings.ink)  # the fast path for small images, with the same results as a `NormaliseBatch`
    statuses: list[os.stat_result | None] = []
    ends: list[int] = []
    with silent_stderr():  # libpng, libjpeg and libtiff write their complaints to fd 2; the rows carry ours
        for path in read_ahead(files):
            timer.restart()
            statuses.append(file_status(path))
            for _ in batch.add(path, statuses[-1]):
                timer.restart()
            ends.append(len(batch))
        pages = batch.finish()
    predictions, _ = decide(pages, runtime, settings.threshold, settings.probabilities)
    timer.stop()
    return ClassifiedFiles([predictions[start:end] for start, end in zip([0, *ends], ends, strict=False)], statuses)
