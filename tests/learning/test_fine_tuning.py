from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from batchdigits.datasets import load
from batchdigits.datasets.labelled import OUTLIER, LabelledGlyphs, Mixture, Splits, outliers_of
from batchdigits.datasets.pen import Drawings
from batchdigits.errors import DataError
from batchdigits.inference.model_file import read_model_file
from batchdigits.inference.tensorflow_runtime import load_network
from batchdigits.learning.fine_tuning import MAX_GLYPH_SHARE, MNIST_SHARE, FineTuning, transferred_weights
from batchdigits.learning.initial_weights import shaped_like
from batchdigits.learning.minibatches import Minibatches
from batchdigits.learning.recipes import BEST, LESSON
from batchdigits.learning.training import Training
from batchdigits.learning.training_targets import teacher_of
from tests.conftest import Arrays

pytestmark = pytest.mark.usefixtures("small_mnist_mixed_in")

DIGITS = tuple("0123456789")


def own(mnist: Arrays, classes: tuple[str, ...], counts: list[int]) -> Splits:
    """Someone's own data, with `counts` glyphs of each class in every split; none is a copy."""
    labels = np.repeat(np.arange(len(classes)), counts)
    glyphs = mnist["x_train"][: len(labels)]
    mirrored = glyphs[:, :, ::-1], glyphs[:, ::-1], glyphs[:, ::-1, ::-1]
    train, validation, test = (LabelledGlyphs(np.ascontiguousarray(one), labels) for one in mirrored)
    return Splits("own", classes, train, validation, test)


def test_no_image_is_both_learned_and_held_back_by_ones_own_data_and_mnist(
    trained: Path, small_mnist: Arrays, npz_file: Path
) -> None:
    data, small = own(small_mnist, DIGITS, [5] * 10), load(npz_file)
    test = small.test.glyphs[:3]
    some = LabelledGlyphs(np.concatenate([data.train.glyphs[:47], test]), data.train.labels)
    learned = LabelledGlyphs(small.train.glyphs[:50], data.train.labels)
    training = FineTuning(read_model_file(trained), replace(data, train=some, test=learned), seed=1)
    splits, mnist = training.splits, training.mnist
    assert mnist
    train = {glyph.tobytes() for glyph in splits.train.glyphs}
    assert not train & {glyph.tobytes() for part in (splits.validation, splits.test) for glyph in part.glyphs}
    assert (len(training.own.train), len(training.own.test), len(mnist.test)) == (47, 50, 200)
    assert (len(mnist.train), len(mnist.validation)) == (872, 78)
    assert splits.notes == (
        "own and MNIST: left out 53 images of which another of these has a copy; "
        "copies are never both learned and held back",
    )
    with pytest.raises(DataError, match="own: all images for training are copies of MNIST's"):
        FineTuning(read_model_file(trained), replace(data, train=LabelledGlyphs(test, np.arange(3))), seed=1)


def test_known_labels_keep_their_weights_and_new_labels_get_random_ones(trained: Path, small_mnist: Arrays) -> None:
    model = read_model_file(trained)
    *hidden, kernel, bias = load_network(model).get_weights()
    classes = ("7", "a", "2")
    *same, last, biases = transferred_weights(model, classes, seed=1)
    assert all(np.array_equal(a, b) for a, b in zip(hidden, same, strict=True))
    assert np.array_equal(last[:, [0, 2]], kernel[:, [7, 2]])
    assert np.array_equal(biases, [bias[7], 0, bias[2]])
    assert last[:, 1].any()
    assert np.array_equal(transferred_weights(model, classes, seed=1)[-2], last)
    assert not np.array_equal(transferred_weights(model, classes, seed=2)[-2][:, 1], last[:, 1])


def test_every_class_is_drawn_equally_often_and_mnist_with_its_share(trained: Path, small_mnist: Arrays) -> None:
    data = own(small_mnist, (*DIGITS, "x"), [5] * 9 + [200, 50])
    splits = FineTuning(read_model_file(trained), data, seed=1).splits
    assert splits.mixture
    chances, taught = splits.mixture
    assert chances.sum() == pytest.approx(1)
    for label in range(11):
        assert chances[splits.train.labels == label].sum() == pytest.approx(1 / 11)
    assert taught.sum() == 922
    assert chances[taught].sum() == pytest.approx(MNIST_SHARE * 10 / 11)
    batches = Minibatches(splits, replace(LESSON, batch_size=5_500), seed=1)
    assert np.bincount(batches[0].labels, minlength=11) == pytest.approx(500, rel=0.2)
    assert np.array_equal(batches[0].labels, Minibatches(splits, replace(LESSON, batch_size=5_500), seed=1)[0].labels)
    assert not np.array_equal(batches[0].labels, batches[1].labels)


def test_pen_strokes_are_not_drawn_anew_in_the_place_of_mnists_glyphs(trained: Path, small_mnist: Arrays) -> None:
    stroke = np.array([(60, 60), (128, 0), (128, 255)], np.uint8)
    drawings = Drawings(np.tile(stroke, (50, 1)), np.arange(3, 153, 3), np.arange(1, 51))
    data = replace(own(small_mnist, DIGITS, [5] * 10), drawings=drawings)
    assert FineTuning(read_model_file(trained), data, seed=1).splits.drawings is None


def test_the_model_is_its_own_teacher_if_the_labels_are_the_same(trained: Path, small_mnist: Arrays) -> None:
    model = read_model_file(trained)
    training = FineTuning(model, own(small_mnist, DIGITS, [5] * 10), seed=1)
    assert training.teachers == [model]
    assert training.recipe.distillation_temperature == BEST.distillation_temperature
    letters = own(small_mnist, ("b", "a"), [5, 5])
    more = FineTuning(model, letters, seed=1)
    assert more.splits.classes == (*DIGITS, "b", "a")
    assert more.teachers == [model]  # of the digits: it knows no letter
    assert FineTuning(model, letters, seed=1, only_classes=True).teachers == []


def test_a_teacher_gives_classes_that_it_does_not_know_no_probability(trained: Path, small_mnist: Arrays) -> None:
    teacher = teacher_of([load_network(read_model_file(trained))], 3.0, classes=12)
    targets = teacher(small_mnist["x_test"][:5])
    assert targets.shape == (5, 12)
    assert not targets[:, 10:].any()
    assert targets.sum(axis=1) == pytest.approx(1)


def test_a_teacher_sets_the_targets_of_taught_glyphs_only(small_mnist: Arrays) -> None:
    data = own(small_mnist, DIGITS, [10] * 10)
    taught = np.arange(100) % 2 == 0
    splits = replace(data, mixture=Mixture(np.full(100, 0.01), taught))
    recipe = replace(BEST, batch_size=200, reuse=1, outliers=0.1, label_smoothing=0.0)
    answer = np.full(10, 0.01, np.float32)
    answer[3] = 0.91
    _, labels, targets = Minibatches(splits, recipe, 1, lambda glyphs: np.tile(answer, (len(glyphs), 1)))[0]
    taught = (targets == answer).all(axis=1)
    assert not taught[labels != 3].any()  # where the teacher is wrong
    assert 0.2 < taught[labels == 3].mean() < 0.8
    digits = labels != OUTLIER
    assert np.array_equal(targets[digits].argmax(axis=1), labels[digits])


def test_few_glyphs_of_a_class_are_drawn_less_often_beside_mnists(trained: Path, small_mnist: Arrays) -> None:
    data = own(small_mnist, ("3", "7"), [1, 20])
    splits = FineTuning(read_model_file(trained), data, seed=1).splits
    assert splits.mixture
    chances, taught = splits.mixture
    for label, share in ((3, MAX_GLYPH_SHARE), (7, 1 - MNIST_SHARE), (0, 0.0)):
        of_class = splits.train.labels == label
        assert chances[of_class].sum() == pytest.approx(1 / 10)
        assert chances[of_class & ~taught].sum() == pytest.approx(share / 10)


def test_glyphs_of_ones_own_are_drawn_by_their_weights(trained: Path, small_mnist: Arrays) -> None:
    data = own(small_mnist, ("3", "7"), [5, 5])
    weights = np.where(np.arange(10) == 0, 3.0, 1.0)
    data = replace(data, mixture=Mixture(weights / weights.sum(), np.ones(10, bool)))
    splits = FineTuning(read_model_file(trained), data, seed=1).splits
    assert splits.mixture
    chances = splits.mixture.chances[:10]
    assert chances[0] == pytest.approx(3 * chances[1])
    assert chances[:5].sum() == pytest.approx(chances[5:].sum())


def test_a_model_keeps_its_rejection_with_other_labels(trained: Path, small_mnist: Arrays) -> None:
    model, data = read_model_file(trained), own(small_mnist, (*DIGITS, "x"), [5] * 11)
    training = FineTuning(model, data, seed=1)
    assert training.rejects
    batches = Minibatches(training.splits, training.recipe, 1, keeps_rejection=True)
    assert np.mean(batches[0].labels == OUTLIER) == pytest.approx(BEST.outliers, abs=0.02)
    careless = replace(model, card=replace(model.card, rejects=False))
    assert not FineTuning(careless, data, seed=1).rejects


def test_a_model_keeps_its_second_look_with_its_labels(trained: Path, small_mnist: Arrays) -> None:
    model = read_model_file(trained)
    second_look = {"thresholds": {"review": 0.5}, "risk": [], "network": ""}
    looking_again = replace(model, card=replace(model.card, second_look=second_look))
    digits, letters = own(small_mnist, DIGITS, [5] * 10), own(small_mnist, (*DIGITS, "x"), [5] * 11)
    assert FineTuning(looking_again, digits, seed=1).looks_again
    assert not FineTuning(looking_again, letters, seed=1).looks_again
    assert not FineTuning(model, digits, seed=1).looks_again
    recipe = shaped_like(model, BEST)
    assert Training(recipe, digits, 1, init=[looking_again]).looks_again
    assert not Training(recipe, digits, 1, init=[model]).looks_again


def test_outliers_of_the_data_are_learned_beside_any_classes(small_mnist: Arrays) -> None:
    some = small_mnist["x_train"][:30]
    data = replace(own(small_mnist, ("1", "x"), [20, 20]), outliers=outliers_of(some, some[:0], some[:0]))
    labels = Minibatches(data, replace(BEST, batch_size=40, reuse=1, outliers=0.1), seed=1)[0].labels
    assert np.mean(labels == OUTLIER) == 0.1


@pytest.mark.parametrize(("classes", "outliers"), [(DIGITS, 0.1), (("1", "7"), 0.1), (("1", "x"), 0.0)])
def test_there_are_no_outliers_if_a_class_may_be_a_letter(
    small_mnist: Arrays, classes: tuple[str, ...], outliers: float
) -> None:
    data = own(small_mnist, classes, [20] * len(classes))
    labels = Minibatches(data, replace(BEST, batch_size=40, reuse=1, outliers=0.1), seed=1)[0].labels
    assert np.mean(labels == OUTLIER) == outliers


def test_the_model_keeps_its_shape(trained: Path, small_mnist: Arrays) -> None:
    model = read_model_file(trained)
    recipe = FineTuning(model, own(small_mnist, DIGITS, [5] * 10), seed=1).recipe
    assert (list(recipe.hidden), recipe.activation, recipe.filters) == ([32, 16], "relu", ())


def test_the_result_has_a_share_of_the_initial_weights(trained: Path, small_mnist: Arrays) -> None:
    model, data = read_model_file(trained), own(small_mnist, DIGITS, [5] * 10)
    mixed = FineTuning(model, data, seed=1, iterations=3)
    free = FineTuning(model, data, seed=1, iterations=3, initial_weight_share=0.0)
    assert mixed.recipe.initial_weight_share == 0.75
    for training in (mixed, free):
        assert list(training.run())
    initial = transferred_weights(model, DIGITS, seed=1)
    for before, result, after in zip(initial, mixed.network.weights, free.network.weights, strict=True):
        assert np.allclose(result, 0.75 * before + 0.25 * after, atol=1e-6)


def test_with_other_labels_the_result_has_no_share_of_the_initial_weights(trained: Path, small_mnist: Arrays) -> None:
    model, data = read_model_file(trained), own(small_mnist, ("a", "7"), [5, 5])
    kept = FineTuning(model, data, seed=1)
    training = FineTuning(model, data, seed=1, only_classes=True)
    assert kept.recipe.initial_weight_share == training.recipe.initial_weight_share == 0.0
    assert (kept.splits.classes, training.splits.classes) == ((*DIGITS, "a"), ("a", "7"))
    assert (kept.lost_labels, kept.new_labels) == ([], ["a"])
    assert kept.filled_labels == ["0", "1", "2", "3", "4", "5", "6", "8", "9"]
    assert training.new_labels == ["a"]
    assert training.lost_labels == ["0", "1", "2", "3", "4", "5", "6", "8", "9"]
