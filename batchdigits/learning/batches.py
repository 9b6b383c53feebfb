"""Minibatches as a pure function of seed and iteration, made ahead in a second thread."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator
from contextlib import suppress
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchdigits.datasets.labelled import Labelled, Splits
from batchdigits.inference.runtime import GLYPH_PIXELS
from batchdigits.learning.augment import augment
from batchdigits.learning.outliers import OUTLIER
from batchdigits.learning.recipes import Recipe

AHEAD = 4  # chunks that wait for the training step
DIGITS, NO_FORM = "0123456789", 10  # classes by other names are deformed, but nobody knows their other forms
AUGMENT = 1  # sets the seeds of augmentation apart from those of the order


class Chunk(NamedTuple):
    """Minibatches for several iterations.

    Attributes:
        first: the first one's iteration.
        glyphs: uint8 (iterations, batch, 784).
        labels: int64 (iterations, batch).
    """

    first: int
    glyphs: NDArray[np.uint8]
    labels: NDArray[np.int64]


def minibatch(splits: Splits, recipe: Recipe, seed: int, iteration: int) -> Labelled:
    """The minibatch of an iteration: the training split in a new random order each epoch, whatever came before.

    An epoch's last minibatch goes on into the next epoch, as in the lesson. Where the recipe has outliers, the first so
    many of an augmented minibatch are replaced by them, under the label OUTLIER.
    """
    data = splits.train
    positions = np.arange(iteration * recipe.batch_size, (iteration + 1) * recipe.batch_size)
    epochs = positions // len(data)
    picked = [_order(len(data), seed, int(e))[positions[epochs == e] % len(data)] for e in np.unique(epochs)]
    batch = data[np.concatenate(picked)]
    if not recipe.augment:
        return batch
    outliers = np.arange(len(batch)) < recipe.outliers * len(batch)
    forms = np.array([DIGITS.find(name) if len(name) == 1 and name in DIGITS else NO_FORM for name in splits.classes])
    rng = np.random.default_rng([seed, iteration, AUGMENT])
    glyphs = augment(batch.glyphs, np.where(outliers, OUTLIER, forms[batch.labels]), rng)
    return Labelled(glyphs, np.where(outliers, OUTLIER, batch.labels))


@lru_cache(maxsize=2)
def _order(count: int, seed: int, epoch: int) -> NDArray[np.int64]:
    return np.random.default_rng([seed, epoch]).permutation(count)


def chunks(splits: Splits, recipe: Recipe, seed: int, first: int, ends: list[int]) -> Generator[Chunk, None, None]:
    """Chunks from iteration `first` on, one up to each of `ends`, made in a second thread while the caller trains.

    Close the generator when you stop early: a thread that outlives the interpreter takes it down.
    """
    ready: queue.Queue[Chunk | BaseException | None] = queue.Queue(AHEAD)
    stop = threading.Event()

    def put(item: Chunk | BaseException | None) -> None:
        while not stop.is_set():
            with suppress(queue.Full):
                ready.put(item, timeout=0.1)
                break

    def make() -> None:
        try:
            for start, end in pairwise([first - 1, *ends]):
                put(_chunk(splits, recipe, seed, range(start + 1, end + 1)))
                if stop.is_set():
                    break
            put(None)
        except BaseException as error:  # whatever it is, it belongs to the thread that waits for us
            put(error)

    maker = threading.Thread(target=make, daemon=True, name="minibatches")
    maker.start()
    try:
        while (chunk := ready.get()) is not None:
            if isinstance(chunk, BaseException):
                raise chunk
            yield chunk
    finally:
        stop.set()
        maker.join()


def _chunk(splits: Splits, recipe: Recipe, seed: int, iterations: range) -> Chunk:
    batches = [minibatch(splits, recipe, seed, iteration) for iteration in iterations]
    glyphs = np.stack([batch.glyphs.reshape(-1, GLYPH_PIXELS) for batch in batches])
    return Chunk(iterations.start, glyphs, np.stack([batch.labels for batch in batches]))
