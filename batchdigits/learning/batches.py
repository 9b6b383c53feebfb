"""Minibatches as a pure function of seed and iteration, made ahead in a second thread."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator
from contextlib import suppress
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchdigits.datasets.labelled import Labelled
from batchdigits.inference.runtime import GLYPH_PIXELS

AHEAD = 4  # chunks that wait for the training step


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


def minibatch(data: Labelled, batch_size: int, seed: int, iteration: int) -> Labelled:
    """The minibatch of an iteration: `data` in a new random order each epoch, whatever came before.

    An epoch's last minibatch goes on into the next epoch, as in the lesson.
    """
    positions = np.arange(iteration * batch_size, (iteration + 1) * batch_size)
    epochs = positions // len(data)
    picked = [_order(len(data), seed, int(e))[positions[epochs == e] % len(data)] for e in np.unique(epochs)]
    return data[np.concatenate(picked)]


@lru_cache(maxsize=2)
def _order(count: int, seed: int, epoch: int) -> NDArray[np.int64]:
    return np.random.default_rng([seed, epoch]).permutation(count)


def chunks(data: Labelled, batch_size: int, seed: int, ends: list[int]) -> Generator[Chunk, None, None]:
    """Chunks that end after each iteration of `ends`, made in a second thread while the caller trains on the last.

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
            first = 0
            for end in ends:
                put(_chunk(data, batch_size, seed, range(first, end + 1)))
                first = end + 1
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


def _chunk(data: Labelled, batch_size: int, seed: int, iterations: range) -> Chunk:
    batches = [minibatch(data, batch_size, seed, iteration) for iteration in iterations]
    glyphs = np.stack([batch.glyphs.reshape(batch_size, GLYPH_PIXELS) for batch in batches])
    return Chunk(iterations.start, glyphs, np.stack([batch.labels for batch in batches]))
