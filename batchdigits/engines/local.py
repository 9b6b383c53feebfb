"""The local engine: all cores of this machine."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from batchdigits.engines.supervisor import Batches, Supervisor
from batchdigits.engines.worker import Task
from batchdigits.inference.decide import Prediction

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


def as_they_are(predictions: Sequence[Prediction]) -> Sequence[Prediction]:
    """The `encode` of a task that is after the predictions themselves."""
    return predictions
