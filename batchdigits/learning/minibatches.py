"""Minibatches, each a function of seed and iteration alone; a second thread makes them ahead of the training step."""

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

from batchdigits.datasets.labelled import DIGIT_NAMES, OUTLIER, LabelledGlyphs, Mixture, Splits
from batchdigits.inference.runtime import GLYPH_PIXELS
from batchdigits.learning.augment import NO_SHAPE, augment, shapes_of
from batchdigits.learning.outliers import outlier_shape
from batchdigits.learning.recipes import Recipe
from batchdigits.learning.training_targets import Targets, Teacher, smoothed_targets

SEGMENTS_AHEAD = 4  # segments that wait for the training step at most
REUSE_DELAY = 100  # iterations until augmented glyphs are used again: by then the weights have changed
# They make the seeds of augmentation and of random drawing differ from those of an epoch's order.
AUGMENTATION_SEED, DRAWING_SEED, PEN_SEED = 1, 2, 3
FOUND_SHARE = 0.5  # of the outliers in a minibatch, if the data has some; the others are drawn
MAX_FOUND_SHARE_OF_ONE = 0.02  # of the outliers in a minibatch, for each of the data's where these are few


class Segment(NamedTuple):
    """The minibatches of several iterations in a row, which the training step takes in one call.

    Attributes:
        first: the iteration of the first minibatch.
        glyphs: uint8 (iterations, batch, 784).
        labels: int64 (iterations, batch).
        targets: float32 (iterations, batch, classes).
    """

    first: int
    glyphs: NDArray[np.uint8]
    labels: NDArray[np.int64]
    targets: Targets


class Minibatch(NamedTuple):
    """Glyphs, uint8 (B, 28, 28), their labels, int64 (B,), and their training targets, float32 (B, classes)."""

    glyphs: NDArray[np.uint8]
    labels: NDArray[np.int64]
    targets: Targets


def outlier_share(recipe: Recipe, splits: Splits, keeps_rejection: bool = False) -> float:
    """Share of outliers (0-1) in minibatches.

    It is 0 if a class is not a digit, unless the data has outliers, or training starts from a network that rejects some
    (`keeps_rejection`): what is no digit may be such a class.
    """
    is_known = set(splits.classes) <= set(DIGIT_NAMES) or keeps_rejection or _has_outliers(splits)
    return recipe.outliers if recipe.augment and is_known else 0.0


def _has_outliers(splits: Splits) -> bool:
    return splits.outliers is not None and len(splits.outliers.train) > 0


class Minibatches:
    """The minibatch of any iteration, independent of the iterations before.

    Augmenting takes longer than a training step, so augmented glyphs are used several times: as many as the greatest
    common divisor of `recipe.reuse` and the batch size. A minibatch has that many parts. One is new, the second was new
    REUSE_DELAY iterations ago, the third twice as long ago, and so on.
    """

    def __init__(
        self,
        splits: Splits,
        recipe: Recipe,
        seed: int,
        teacher: Teacher | None = None,
        keeps_rejection: bool = False,
    ) -> None:
        """Prepare to make minibatches.

        Args:
            splits: the labelled glyphs; all but `validation` and `test` is used.
            recipe: batch size, augmentation, outliers and label smoothing.
            seed: decides everything random.
            teacher: gives the targets of glyphs that it classifies correctly, in a mixture only of those that are
                `taught`. All other targets come from the labels.
            keeps_rejection: see `outlier_share`.
        """
        self._data, self._mixture, self._recipe, self._seed = splits.train, splits.mixture, recipe, seed
        self._cumulative = _cumulative_chances(splits.mixture) if splits.mixture else np.zeros(0)
        self._classes, self._teacher = len(splits.classes), teacher
        self._shapes = shapes_of(splits.classes)
        self._drawings = splits.drawings
        self._found_outliers = splits.outliers if _has_outliers(splits) else None
        self._outliers = outlier_share(recipe, splits, keeps_rejection)
        self._outlier_shape = outlier_shape(splits.classes)
        self._parts = gcd(recipe.batch_size, recipe.reuse)  # so that the parts fill a batch of any size
        self._part_size = recipe.batch_size // self._parts
        # Between two uses of a part pass REUSE_DELAY iterations, each of which makes one part.
        self._part = lru_cache(maxsize=(REUSE_DELAY + 1) * self._parts)(self._make_part)

    def __getitem__(self, iteration: int) -> Minibatch:
        """The minibatch of an iteration."""
        parts = [self._part(iteration + uses_left * REUSE_DELAY) for uses_left in range(self._parts)]
        return Minibatch(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))

    def _make_part(self, index: int) -> Minibatch:
        positions = self._draw(index) if self._mixture else self._next_in_epoch(index)
        part = self._with_new_drawings(positions, index)
        if self._recipe.augment:
            part = self._augmented(part, index)
        targets = smoothed_targets(part.labels, self._classes, self._recipe.label_smoothing)
        if self._teacher:
            answers = self._teacher(part.glyphs)
            taught = answers.argmax(axis=1) == part.labels  # never true of an outlier
            if self._mixture:
                taught &= self._mixture.taught[positions]
            targets = np.where(taught[:, None], answers, targets)
        return Minibatch(part.glyphs, part.labels, targets)

    def _next_in_epoch(self, index: int) -> NDArray[np.int64]:
        """Indices in a new random order each epoch. A part may reach into the next epoch, so that all have one size."""
        positions = np.arange(index * self._part_size, (index + 1) * self._part_size)
        count = len(self._data)
        epochs = positions // count
        picked = [_order(count, self._seed, int(e))[positions[epochs == e] % count] for e in np.unique(epochs)]
        return np.concatenate(picked)

    def _draw(self, index: int) -> NDArray[np.int64]:
        """Indices by the mixture's chances, as `Generator.choice` draws them, which would add up the chances anew."""
        rng = np.random.default_rng([self._seed, index, DRAWING_SEED])
        return np.asarray(self._cumulative.searchsorted(rng.random(self._part_size), side="right"))

    def _with_new_drawings(self, positions: NDArray[np.int64], index: int) -> LabelledGlyphs:
        """Glyphs of the training split; those of pen strokes are drawn anew if they are augmented."""
        part = self._data[positions]
        drawings = self._drawings
        if not (drawings and self._recipe.augment):
            return part
        rng = np.random.default_rng([self._seed, index, PEN_SEED])
        first = len(self._data) - len(drawings)
        for number in np.flatnonzero(positions >= first).tolist():
            part.glyphs[number] = drawings.glyph(int(positions[number]) - first, rng)
        return part

    def _augmented(self, part: LabelledGlyphs, index: int) -> LabelledGlyphs:
        """The augmented part, its first glyphs replaced, in place, by the recipe's share of outliers.

        The last glyphs are left as they are, as many as the recipe's `unchanged`.
        """
        count = round(self._outliers * len(part))
        glyphs, shapes, labels = part.glyphs, self._shapes[part.labels], part.labels
        shapes[:count], labels[:count] = self._outlier_shape, OUTLIER
        rng = np.random.default_rng([self._seed, index, AUGMENTATION_SEED])
        if self._found_outliers:
            outliers, chances = self._found_outliers.train, self._found_outliers.chances
            found = round(min(FOUND_SHARE, MAX_FOUND_SHARE_OF_ONE * len(outliers)) * count)
            glyphs[:found] = outliers[rng.choice(len(outliers), found, p=chances)]
            shapes[:found] = NO_SHAPE
        changed = max(count, len(part) - round(self._recipe.unchanged * len(part)))
        augmented = augment(glyphs[:changed], shapes[:changed], rng)
        return LabelledGlyphs(np.concatenate([augmented, glyphs[changed:]]), labels)


def _cumulative_chances(mixture: Mixture) -> NDArray[np.float64]:
    """For each glyph, the chance that it or one before it is drawn."""
    sums = np.cumsum(mixture.chances)
    return np.asarray(sums / sums[-1])


@lru_cache(maxsize=2)
def _order(count: int, seed: int, epoch: int) -> NDArray[np.int64]:
    return np.random.default_rng([seed, epoch]).permutation(count)


def segments(minibatches: Minibatches, first: int, ends: list[int]) -> Generator[Segment, None, None]:
    """Yield segments, made in a second thread while the caller trains.

    Close the generator if you stop early: a thread that outlives the interpreter crashes it.

    Args:
        minibatches: where the minibatches come from.
        first: the first iteration.
        ends: the last iteration of each segment, rising.
    """
    ready: queue.Queue[Segment | BaseException | None] = queue.Queue(SEGMENTS_AHEAD)
    stop = threading.Event()

    def put(item: Segment | BaseException | None) -> None:
        while not stop.is_set():
            with suppress(queue.Full):
                ready.put(item, timeout=0.1)
                break

    def make() -> None:
        try:
            for start, end in pairwise([first - 1, *ends]):
                put(_segment(minibatches, range(start + 1, end + 1)))
                if stop.is_set():
                    break
            put(None)
        except BaseException as error:  # the waiting thread raises it
            put(error)

    maker = threading.Thread(target=make, daemon=True, name="minibatches")
    maker.start()
    try:
        while (segment := ready.get()) is not None:
            if isinstance(segment, BaseException):
                raise segment
            yield segment
    finally:
        stop.set()
        maker.join()


def _segment(minibatches: Minibatches, iterations: range) -> Segment:
    batches = [minibatches[iteration] for iteration in iterations]
    glyphs = np.stack([batch.glyphs.reshape(-1, GLYPH_PIXELS) for batch in batches])
    labels = np.stack([batch.labels for batch in batches])
    return Segment(iterations.start, glyphs, labels, np.stack([batch.targets for batch in batches]))
