from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from batchdigits.datasets import load
from batchdigits.datasets.labelled import LabelledGlyphs, Mixture, Splits
from batchdigits.inference.model_file import read_model_file
from batchdigits.inference.tensorflow_runtime import load_network
from batchdigits.learning.fine_tuning import KEPT, FineTuning, fine_tuning
from batchdigits.learning.minibatches import Minibatches
from batchdigits.learning.outliers import OUTLIER
from batchdigits.learning.recipes import BEST, LESSON
from batchdigits.learning.training import Training
from tests.conftest import Arrays

DIGITS = tuple("0123456789")


@pytest.fixture(autouse=True)
def _small_mnist(monkeypatch: pytest.MonkeyPatch, npz_file: Path) -> None:
    small = load(npz_file)
    monkeypatch.setattr("batchdigits.learning.fine_tuning.load", lambda data: small)


def own(mnist: Arrays, classes: tuple[str, ...], counts: list[int]) -> Splits:
    """So many glyphs of each class."""
    labels = np.repeat(np.arange(len(classes)), counts)
    data = LabelledGlyphs(mnist["x_train"][: len(labels)], labels)
    return Splits("own", classes, data, data, data)


def test_known_labels_keep_their_weights_and_new_ones_get_fresh_ones(trained: Path, small_mnist: Arrays) -> None:
    model = read_model_file(trained)
    *hidden, kernel, bias = load_network(model).get_weights()
    tuning = fine_tuning(model, own(small_mnist, ("7", "a", "2"), [5, 5, 5]))
    *same, last, biases = tuning.start(seed=1)
    assert all(np.array_equal(a, b) for a, b in zip(hidden, same, strict=True))
    assert np.array_equal(last[:, [0, 2]], kernel[:, [7, 2]])
    assert np.array_equal(biases, [bias[7], 0, bias[2]])
    assert last[:, 1].any()
    assert np.array_equal(tuning.start(seed=1)[-2], last)
    assert not np.array_equal(tuning.start(seed=2)[-2][:, 1], last[:, 1])


def test_every_class_is_drawn_as_often_and_mnist_keeps_its_share(trained: Path, small_mnist: Arrays) -> None:
    data = own(small_mnist, (*DIGITS, "x"), [5] * 9 + [200, 50])
    splits = fine_tuning(read_model_file(trained), data).splits()
    assert splits.mixture
    chances, kept = splits.mixture
    assert chances.sum() == pytest.approx(1)
    for label in range(11):
        assert chances[splits.train.labels == label].sum() == pytest.approx(1 / 11)
    assert kept.sum() == 917
    assert chances[kept].sum() == pytest.approx(KEPT * 10 / 11)
    batches = Minibatches(splits, replace(LESSON, batch_size=5_500), seed=1)
    assert np.bincount(batches[0].labels, minlength=11) == pytest.approx(500, rel=0.2)
    assert np.array_equal(batches[0].labels, Minibatches(splits, replace(LESSON, batch_size=5_500), seed=1)[0].labels)
    assert not np.array_equal(batches[0].labels, batches[1].labels)


def test_the_model_is_its_own_teacher_where_the_labels_are_the_same(trained: Path, small_mnist: Arrays) -> None:
    model = read_model_file(trained)
    tuning = fine_tuning(model, own(small_mnist, DIGITS, [5] * 10))
    assert tuning.teacher() is model
    assert tuning.recipe().heat == BEST.heat
    assert fine_tuning(model, own(small_mnist, ("b", "a"), [5, 5])).teacher() is None


def test_a_teacher_speaks_for_what_is_kept(small_mnist: Arrays) -> None:
    data = own(small_mnist, DIGITS, [10] * 10)
    kept = np.arange(100) % 2 == 0
    splits = replace(data, mixture=Mixture(np.full(100, 0.01), kept))
    recipe = replace(BEST, batch_size=200, reuse=1, outliers=0.1, label_smoothing=0.0)
    answer = np.full(10, 0.01, np.float32)
    answer[3] = 0.91
    _, labels, targets = Minibatches(splits, recipe, 1, lambda glyphs: np.tile(answer, (len(glyphs), 1)))[0]
    taught = (targets == answer).all(axis=1)
    assert not taught[labels != 3].any()  # it is wrong there
    assert 0.2 < taught[labels == 3].mean() < 0.8
    digits = labels != OUTLIER
    assert np.array_equal(targets[digits].argmax(axis=1), labels[digits])


@pytest.mark.parametrize(("classes", "outliers"), [(DIGITS, 0.1), (("1", "7"), 0.1), (("1", "x"), 0.0)])
def test_no_letter_is_an_outlier_where_a_letter_may_be_a_class(
    small_mnist: Arrays, classes: tuple[str, ...], outliers: float
) -> None:
    data = own(small_mnist, classes, [20] * len(classes))
    labels = Minibatches(data, replace(BEST, batch_size=40, reuse=1, outliers=0.1), seed=1)[0].labels
    assert np.mean(labels == OUTLIER) == outliers


def test_the_model_keeps_its_shape(trained: Path, small_mnist: Arrays) -> None:
    model = read_model_file(trained)
    recipe = FineTuning(model, own(small_mnist, DIGITS, [5] * 10), None).recipe()
    assert (list(recipe.hidden), recipe.activation, recipe.filters) == ([32, 16], "relu", ())


def test_what_comes_out_has_its_share_of_the_model_before(trained: Path, small_mnist: Arrays) -> None:
    tuning = fine_tuning(read_model_file(trained), own(small_mnist, DIGITS, [5] * 10))
    assert tuning.recipe().anchor == 0.6
    assert fine_tuning(tuning.model, own(small_mnist, ("a", "7"), [5, 5])).recipe().anchor == 0.0
    anchored, free = (
        Training(replace(tuning.recipe(), iterations=3, anchor=anchor), tuning.splits(), 1, start=tuning.start(1))
        for anchor in (0.6, 0.0)
    )
    for training in (anchored, free):
        assert list(training.run())
    for before, mixed, now in zip(tuning.start(1), anchored.network.weights, free.network.weights, strict=True):
        assert np.allclose(mixed, 0.6 * before + 0.4 * now, atol=1e-6)
