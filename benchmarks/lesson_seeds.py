"""Accuracy of the lesson's recipe with five seeds: `python benchmarks/lesson_seeds.py`.

The published run reached 92.06 % on MNIST's own images. The first column is for glyphs, whose slant the normaliser
removes. The second is for MNIST's own images, on which no command trains.
"""

from __future__ import annotations

import statistics

from batchdigits.datasets import MNIST, load
from batchdigits.datasets.idx import TEST_IMAGES, TRAIN_IMAGES, read_idx
from batchdigits.datasets.labelled import LabelledGlyphs, Splits
from batchdigits.learning.recipes import LESSON
from batchdigits.learning.training import Training

SEEDS = (1, 2, 3, 4, 5)


def main() -> None:
    """Print the accuracy on the test images for each seed, with slant undone and as published."""
    upright = load()
    published = as_published(upright)
    print("seed  upright  as published")
    rows = []
    for seed in SEEDS:
        rows.append((accuracy(upright, seed), accuracy(published, seed)))
        print(f"{seed:4}  {rows[-1][0]:7.2%}  {rows[-1][1]:12.2%}")
    means = [statistics.mean(column) for column in zip(*rows, strict=True)]
    print(f"mean  {means[0]:7.2%}  {means[1]:12.2%}")


def accuracy(splits: Splits, seed: int) -> float:
    """Share of right labels, 0-1, on the test images after training by the lesson's recipe."""
    training = Training(LESSON, splits, seed)
    for _ in training.run():
        pass
    return training.accuracy(splits.test)


def as_published(splits: Splits) -> Splits:
    """The same splits with MNIST's own images as glyphs."""
    training, test = (read_idx(MNIST / f"{name}.gz") for name in (TRAIN_IMAGES, TEST_IMAGES))
    count = len(splits.train)
    return Splits(
        "mnist, as published",
        splits.classes,
        LabelledGlyphs(training[:count], splits.train.labels),
        LabelledGlyphs(training[count:], splits.validation.labels),
        LabelledGlyphs(test, splits.test.labels),
    )


if __name__ == "__main__":
    main()
