"""The local engine: this machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from batchdigits.engines.classify import Settings, classify_files
from batchdigits.inference.decide import Prediction
from batchdigits.inference.runtime import BATCH_SIZE, Runtime


def classify(
    files: Iterable[str], runtime: Runtime, settings: Settings, chunk: int = BATCH_SIZE
) -> Iterator[Prediction]:
    """Predictions for all files, in order and as they come; at most `chunk` files are in memory at once."""
    waiting = iter(files)
    while paths := list(islice(waiting, chunk)):
        yield from classify_files(paths, runtime, settings)
