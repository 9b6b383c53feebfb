"""From some files to predictions in one process: the unit of work of every engine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeVar

from batchdigits.engines.page_timer import PageTimer
from batchdigits.files.content import file_status
from batchdigits.files.remote import read_ahead
from batchdigits.inference.decide import Prediction, decide
from batchdigits.inference.runtime import Runtime
from batchdigits.quiet import silent_stderr
from batchdigits.vision.normalise import Ink
from batchdigits.vision.normalise_batch import Normalised
from batchdigits.vision.small_images import FastBatch

P = TypeVar("P")


class Batch(Protocol[P]):
    """The prepared pages of several files, in order."""

    def __len__(self) -> int:
        """The number of pages so far."""

    def add(self, path: str, status: os.stat_result | None) -> Iterable[None]:
        """Add a file's pages. The caller must exhaust the result, which pauses after each page, to be timed."""

    def finish(self) -> list[P]:
        """All pages."""


class Pipeline(Protocol[P]):
    """The way from files to predictions: what is prepared page by page, and what the network then does with all pages.

    Attributes:
        threshold: score (0-1) below which a prediction is `review`.
    """

    @property
    def threshold(self) -> float: ...  # noqa: D102

    def batch(self) -> Batch[P]:
        """An empty batch."""

    def predict(self, pages: Sequence[P], runtime: Runtime, on_done: Callable[[], object]) -> list[Prediction]:
        """The prediction for each page, in order. Where that takes long, `on_done` is called after each."""


@dataclass(frozen=True)
class Settings:
    """The options, besides the model, that predictions for single digits depend on.

    Attributes:
        ink: whether ink is dark or light; `auto` finds it out for each scan.
        threshold: score (0-1) below which a prediction is `review`.
        probabilities: whether a prediction carries the probabilities of all classes.
    """

    ink: Ink = "auto"
    threshold: float = 0.0
    probabilities: bool = False

    def batch(self) -> FastBatch:
        """An empty batch: the fast path for small images, with the same results as a `NormaliseBatch`."""
        return FastBatch(self.ink)

    def predict(self, pages: Sequence[Normalised], runtime: Runtime, on_done: Callable[[], object]) -> list[Prediction]:
        """The prediction for each page, in order."""
        return decide(pages, runtime, self.threshold, self.probabilities)[0]


class ClassifiedFiles(NamedTuple):
    """The outcome for some files, in order.

    Attributes:
        predictions: for each file, those of its pages; at least one.
        file_statuses: for each file, its `file_status` right before it was read.
    """

    predictions: list[list[Prediction]]
    file_statuses: list[os.stat_result | None]


def classify_files(
    files: Sequence[str], runtime: Runtime, pipeline: Pipeline[P], timer: PageTimer | None = None
) -> ClassifiedFiles:
    """Predict every page of every file. A file that cannot be read gets a prediction with the status `error`.

    Args:
        files: paths as typed.
        runtime: the network.
        pipeline: what is done with them, and the options that predictions depend on.
        timer: restarted before each page is prepared, and stopped at the end.
    """
    timer = timer or PageTimer(0)
    batch = pipeline.batch()
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
    predictions = pipeline.predict(pages, runtime, timer.restart)
    timer.stop()
    by_file = [predictions[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    return ClassifiedFiles(by_file, file_statuses)
