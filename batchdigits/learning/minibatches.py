"""Minibatches as a pure function of seed and iteration, made ahead in a second thread."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator
from contextlib import suppress
from functools import lru_cache
from itertools import pairwise
from math import gcd
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchdigits.datasets.labelled import LabelledGlyphs, Mixture, Splits
from batchdigits.inference.runtime import GLYPH_PIXELS
from batchdigits.learning.augment import DIGITS, augment, forms_of
from batchdigits.learning.outliers import OUTLIER
from batchdigits.learning.recipes import Recipe
from batchdigits.learning.training_targets import Targets, Teach, smoothed

AHEAD = 4  # chunks that wait for the training step
DELAY = 100  # iterations until augmented glyphs are seen again: by then the weights have moved on
AUGMENT, DRAW = 1, 2  # set the seeds of augmentation and of drawing by chance apart from those of the order


class Chunk(NamedTuple):
    """Minibatches for several iterations.

    Attributes:
        first: the first one's iteration.
        glyphs: uint8 (iterations, batch, 784).
        labels: int64 (iterations, batch).
        targets: float32 (iterations, batch, classes).
    """

    first: int
    glyphs: NDArray[np.uint8]
    labels: NDArray[np.int64]
    targets: Targets


class Minibatch(NamedTuple):
    """Glyphs, uint8 (B, 28, 28), their labels, int64 (B,), and what to answer for them, float32 (B, classes)."""

    glyphs: NDArray[np.uint8]
    labels: NDArray[np.int64]
    targets: Targets


def outlier_share(recipe: Recipe, classes: tuple[str, ...]) -> float:
    """The share of outliers in minibatches of these classes: none where a letter may be a class."""
    return recipe.outliers if recipe.augment and set(classes) <= set(DIGITS) else 0.0


class Minibatches:
    """The minibatch of any iteration, whatever came before.

    A minibatch has as many parts as the recipe sees augmented glyphs: one is new, the others were new `DELAY`
    iterations ago, twice that, and so on. Augmenting costs more than a training step, so that its work is seen again.
    """

    def __init__(self, splits: Splits, recipe: Recipe, seed: int, teach: Teach | None = None) -> None:
        """Nothing is made yet.

        With a `teach`, the targets are what it says where it is right, and in a mixture only of glyphs that are `kept`;
        all others come from the labels.
        """
        self._data, self._mixture, self._recipe, self._seed = splits.train, splits.mixture, recipe, seed
        self._classes, self._teach = len(splits.classes), teach
        self._forms = forms_of(splits.classes)
        self._outliers = outlier_share(recipe, splits.classes)
        self._ages = gcd(recipe.batch_size, recipe.reuse)  # a batch of another size than the recipe's keeps its size
        self._size = recipe.batch_size // self._ages
        # Between two uses of a part, every age has seen DELAY others.
        self._part = lru_cache(maxsize=(DELAY + 1) * self._ages)(self._make_part)

    def __getitem__(self, iteration: int) -> Minibatch:
        """The minibatch of an iteration."""
        parts = [self._part(iteration + age * DELAY) for age in range(self._ages)]
        return Minibatch(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))

    def _make_part(self, index: int) -> Minibatch:
        positions = self._by_chance(index, self._mixture) if self._mixture else self._in_order(index)
        part = self._data[positions]
        if self._recipe.augment:
            part = self._augmented(part, index)
        targets = smoothed(part.labels, self._classes, self._recipe.label_smoothing)
        if self._teach:
            answers = self._teach(part.glyphs)
            taught = answers.argmax(axis=1) == part.labels  # never of an outlier
            if self._mixture:
                taught &= self._mixture.kept[positions]
            targets = np.where(taught[:, None], answers, targets)
        return Minibatch(part.glyphs, part.labels, targets)

    def _in_order(self, index: int) -> NDArray[np.int64]:
        """The training split in a new random order each epoch; a part goes on into the next epoch, as in the lesson."""
        positions = np.arange(index * self._size, (index + 1) * self._size)
        count = len(self._data)
        epochs = positions // count
        picked = [_order(count, self._seed, int(e))[positions[epochs == e] % count] for e in np.unique(epochs)]
        return np.concatenate(picked)

    def _by_chance(self, index: int, mixture: Mixture) -> NDArray[np.int64]:
        rng = np.random.default_rng([self._seed, index, DRAW])
        return rng.choice(len(self._data), self._size, p=mixture.chances)

    def _augmented(self, part: LabelledGlyphs, index: int) -> LabelledGlyphs:
        """The part deformed; the first so many are replaced by outliers, where the recipe has them."""
        drawn = np.arange(len(part)) < round(self._outliers * len(part))
        rng = np.random.default_rng([self._seed, index, AUGMENT])
        glyphs = augment(part.glyphs, np.where(drawn, OUTLIER, self._forms[part.labels]), rng)
        return LabelledGlyphs(glyphs, np.where(drawn, OUTLIER, part.labels))


@lru_cache(maxsize=2)
def _order(count: int, seed: int, epoch: int) -> NDArray[np.int64]:
    return np.random.default_rng([seed, epoch]).permutation(count)


def chunks(minibatches: Minibatches, first: int, ends: list[int]) -> Generator[Chunk, None, None]:
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
                put(_chunk(minibatches, range(start + 1, end + 1)))
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


def _chunk(minibatches: Minibatches, iterations: range) -> Chunk:
    batches = [minibatches[iteration] for iteration in iterations]
    glyphs = np.stack([batch.glyphs.reshape(-1, GLYPH_PIXELS) for batch in batches])
    labels = np.stack([batch.labels for batch in batches])
    return Chunk(iterations.start, glyphs, labels, np.stack([batch.targets for batch in batches]))
