"""The local engine: all cores of this machine."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from batchdigits.engines.classify_files import Settings
from batchdigits.engines.supervisor import Batches, Supervisor
from batchdigits.engines.worker import Task
from batchdigits.inference.decide import Prediction
from batchdigits.inference.model_file import read_model_file
from batchdigits.inference.runtime import BATCH_SIZE
from batchdigits.vision.normalise import Ink

T = TypeVar("T")


def classify(files: Iterable[str], task: Task[T], jobs: int | None = None) -> Batches[T]:
    """Classify files in worker processes; what becomes of them comes in order, whatever the number of workers.

    Close the iterator, or exhaust it, to end the workers.

    Args:
        files: paths as typed; taken as they are needed.
        task: the model, and what to make of its predictions.
        jobs: worker processes at most; None for `default_jobs`.

    Raises:
        BatchdigitsError: the workers cannot start.
    """
    return Supervisor(iter(files), task, jobs or default_jobs(task.model)).run()


def default_jobs(model: Path) -> int:
    """One worker a core; for a .keras file a single one, as each would load a TensorFlow of 500 MB in 5 s."""
    if model.suffix == ".keras":
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def predict(
    files: Iterable[str],
    model: Path,
    ink: Ink = "auto",
    *,
    probabilities: bool = False,
    timeout: float = 60.0,
    jobs: int | None = None,
    batch_size: int = BATCH_SIZE,
) -> Iterator[Prediction]:
    """The predictions for files, lazily and in order.

    Args:
        files: paths as typed; taken as they are needed.
        model: the model file.
        ink: whether ink is dark, light, or to be found out for each scan.
        probabilities: whether predictions carry those of every class.
        timeout: seconds that one image may take; 0 for no limit.
        jobs: worker processes at most; None for `default_jobs`.
        batch_size: glyphs that the network takes at once.

    Raises:
        BatchdigitsError: the model file is not in order, or the workers cannot start.
    """
    card = read_model_file(model).card
    settings = Settings(ink, card.thresholds["review"], probabilities)
    task = Task(model, card, settings, as_they_are, timeout, batch_size=batch_size)
    with closing(classify(files, task, jobs)) as batches:
        for batch in batches:
            for predictions in batch.files:
                yield from predictions


def as_they_are(predictions: Sequence[Prediction]) -> Sequence[Prediction]:
    """The `encode` of a task that is after the predictions themselves."""
    return predictions
