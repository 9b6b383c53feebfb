"""The local engine: all cores of this machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from batchdigits.engines.classify_files import Settings
from batchdigits.engines.host import allowed_workers
from batchdigits.engines.supervisor import ChunkResults, Supervisor
from batchdigits.engines.worker import Task
from batchdigits.inference.decide import Prediction
from batchdigits.inference.model_file import ModelFile
from batchdigits.inference.runtime import BATCH_SIZE
from batchdigits.vision.normalise import Ink

T = TypeVar("T")


def classify(files: Iterable[str], task: Task[T], jobs: int | None = None) -> ChunkResults[T]:
    """Classify files in worker processes; the results come in order, for any number of workers.

    Close the iterator, or exhaust it, to end the workers.

    Args:
        files: paths as typed; taken as they are needed.
        task: the model, and how predictions become results.
        jobs: worker processes at most; None for `default_jobs`.

    Raises:
        BatchdigitsError: the workers cannot start.
    """
    return Supervisor(iter(files), task, jobs or default_jobs(task.model)).run()


def default_jobs(model: Path) -> int:
    """As many workers as the machine allows; a single one for a .keras file, as every worker would load TensorFlow."""
    return 1 if model.suffix == ".keras" else allowed_workers()


def predict(
    files: Iterable[str],
    model: ModelFile,
    ink: Ink = "auto",
    *,
    threshold: float | None = None,
    probabilities: bool = False,
    timeout: float = 60.0,
    jobs: int | None = None,
    batch_size: int = BATCH_SIZE,
    second_look: bool | None = None,
) -> Iterator[Prediction]:
    """The predictions for files, lazily and in order.

    Args:
        files: paths as typed; taken as they are needed.
        model: the model file; the workers read it again, and it must be the same.
        ink: whether ink is dark or light; `auto` finds it out for each scan.
        threshold: score (0-1) below which a prediction is `review`; None for the card's.
        probabilities: whether predictions carry the probabilities of all classes.
        timeout: seconds that one page may take; 0 for no limit.
        jobs: worker processes at most; None for `default_jobs`.
        batch_size: glyphs that the network takes at once.
        second_look: whether glyphs in doubt are looked at again; None if the card decides.

    Raises:
        BatchdigitsError: the workers cannot start.
    """
    card = model.card
    if threshold is None:
        threshold = card.with_second_look(second_look).thresholds["review"]
    settings = Settings(ink, threshold, probabilities)
    task: Task[list[Prediction]] = Task(
        model.path, card, settings, list, timeout, batch_size=batch_size, second_look=card.looks_again(second_look)
    )
    with closing(classify(files, task, jobs)) as results:
        for result in results:
            for predictions in result.rows:
                yield from predictions
