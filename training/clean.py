"""Drop from a packed file of scans those with a wrong label, and printed ones.

    python training/clean.py training/swiss_crops.npz

Wrong labels: each quarter of the scans is classified by a network that was trained on the others, on MNIST and on the
other scans and strokes. A label is wrong if the network gives another class with at least the mean probability that it
gives that class where the label says so (confident learning, Northcutt et al. 2021). Printed: handwriting has no
LIKENESS_RANK copies that are as alike as MIN_LIKENESS. It takes 8 minutes.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from batchdigits.datasets import BUNDLED, load, packed
from batchdigits.datasets.join import join
from batchdigits.datasets.labelled import Splits
from batchdigits.inference.decide import softmax
from batchdigits.learning.logits import logits_of
from batchdigits.learning.recipes import RECIPES
from batchdigits.learning.training import Training

FOLDER = Path(__file__).parent
OTHERS = (BUNDLED, FOLDER / "pendigits.npz", FOLDER / "swiss_forms.npz")
SEED, FOLDS, ITERATIONS = 0, 4, 4_000
MIN_LIKENESS = 0.94  # cosine between two glyphs, each less its mean
LIKENESS_RANK = 5
GLYPHS_AT_ONCE = 2_000


@click.command()
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def main(path: Path) -> None:
    """Write the packed file again, without them."""
    arrays = dict(np.load(path))
    data = packed.load(path, arrays)  # which holds back none
    if len(data.train) != len(arrays["labels"]):
        raise click.ClickException("only a file of digits with ink, none of them held back, can be cleaned")
    wrong = mislabelled(_probabilities(data), data.train.labels)
    printed = _printed(data.train.glyphs)
    keep = ~(wrong | printed)
    pixels = np.repeat(keep, arrays["sizes"].astype(np.int64).prod(axis=1))
    kept = {name: array[pixels if name == "levels" else keep] for name, array in arrays.items()}
    np.savez_compressed(path, **kept)
    click.echo(f"{len(keep):,} scans; dropped: {wrong.sum()} labelled wrongly, {(printed & ~wrong).sum()} printed")


def _probabilities(data: Splits) -> NDArray[np.float32]:
    """The probabilities (N, 10) of the training split, each from a network that did not see the scan."""
    train, (mnist, *others) = data.train, [load(other) for other in OTHERS]
    recipe = replace(RECIPES["default"], iterations=ITERATIONS, patience=0, check_every=0, outliers=0.0)
    fold = np.random.default_rng(SEED).integers(FOLDS, size=len(train))
    probabilities = np.zeros((len(train), len(data.classes)), np.float32)
    for number in range(FOLDS):
        seen = train[np.flatnonzero(fold != number)]
        training = Training(recipe, join([mnist, replace(data, train=seen), *others]), number)
        for _ in training.run():
            pass
        probabilities[fold == number] = softmax(logits_of(training.network, train.glyphs[fold == number]))
    return probabilities


def mislabelled(probabilities: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which labels (N,) are wrong by confident learning, given the probabilities (N, classes) of each class."""
    of_label = probabilities[np.arange(len(labels)), labels]
    counts, sums = (np.bincount(labels, weights, probabilities.shape[1]) for weights in (None, of_label))
    usual = np.where(counts, sums / np.maximum(counts, 1), of_label.mean())
    predicted = probabilities.argmax(axis=1)
    is_sure = probabilities.max(axis=1) >= usual[predicted]
    return np.asarray(is_sure & (predicted != labels))


def _printed(glyphs: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which glyphs (N, 28, 28) have LIKENESS_RANK others that look the same."""
    flat = glyphs.reshape(len(glyphs), -1).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    chunks = (flat[start : start + GLYPHS_AT_ONCE] @ flat.T for start in range(0, len(flat), GLYPHS_AT_ONCE))
    ranked = [np.partition(chunk, -LIKENESS_RANK - 1, axis=1)[:, -LIKENESS_RANK - 1] for chunk in chunks]
    return np.asarray(np.concatenate(ranked) >= MIN_LIKENESS)  # the glyph itself is the most alike


if __name__ == "__main__":
    main()
