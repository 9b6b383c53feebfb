from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from batchdigits.datasets.labelled import OUTLIER, LabelledGlyphs, Outliers, Splits
from batchdigits.learning.augment import Glyphs
from batchdigits.learning.minibatches import (
    FOUND_SHARE,
    MAX_FOUND_SHARE_OF_ONE,
    REUSE_DELAY,
    Minibatch,
    Minibatches,
    segments,
)
from batchdigits.learning.recipes import BEST, LESSON
from batchdigits.learning.training_targets import Targets
from tests.conftest import Arrays


@pytest.fixture(scope="module")
def splits(small_mnist: Arrays) -> Splits:
    train = LabelledGlyphs(small_mnist["x_train"][:100], np.arange(100) % 10)
    return Splits("small", tuple("0123456789"), train, train, train)


def test_an_epoch_uses_every_glyph_once(splits: Splits) -> None:
    batches = Minibatches(splits, replace(LESSON, batch_size=25), seed=1)
    for epoch in range(2):
        seen = np.concatenate([batches[4 * epoch + i].glyphs for i in range(4)])
        assert sorted(g.tobytes() for g in seen) == sorted(g.tobytes() for g in splits.train.glyphs)
    assert not np.array_equal(batches[0].glyphs, batches[4].glyphs)


def test_a_minibatch_depends_on_nothing_but_seed_and_iteration(splits: Splits) -> None:
    recipe = replace(BEST, batch_size=20)
    forwards, alone = Minibatches(splits, recipe, seed=1), Minibatches(splits, recipe, seed=1)
    last = [forwards[i] for i in range(6)][-1]
    assert np.array_equal(last.glyphs, alone[5].glyphs)
    assert np.array_equal(last.labels, alone[5].labels)
    assert not np.array_equal(last.glyphs, Minibatches(splits, recipe, seed=2)[5].glyphs)


def test_augmented_glyphs_are_used_again(splits: Splits) -> None:
    batches = Minibatches(splits, replace(BEST, batch_size=20), seed=1)
    assert np.array_equal(batches[3].glyphs[5:], batches[3 + REUSE_DELAY].glyphs[:-5])


def test_a_part_is_made_once(splits: Splits, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    make = Minibatches._make_part

    def note(self: Minibatches, index: int) -> Minibatch:
        made.append(index)
        return make(self, index)

    monkeypatch.setattr(Minibatches, "_make_part", note)
    batches = Minibatches(splits, replace(BEST, batch_size=8, reuse=4), seed=1)
    for iteration in range(3 * REUSE_DELAY):
        batches[iteration]
    assert len(made) == len(set(made))


def test_a_batch_size_that_reuse_does_not_divide_is_kept(splits: Splits) -> None:
    batch = Minibatches(splits, replace(BEST, batch_size=7, reuse=4), seed=1)[0]
    assert len(batch.labels) == 7
    assert (batch.labels != OUTLIER).any()


def test_a_minibatch_has_the_share_of_outliers_of_its_recipe(splits: Splits) -> None:
    labels = Minibatches(splits, replace(BEST, batch_size=40, outliers=0.1), seed=1)[0].labels
    assert np.mean(labels == OUTLIER) == 0.1
    assert not (Minibatches(splits, replace(BEST, batch_size=40, outliers=0.0), seed=1)[0].labels == OUTLIER).any()


def test_a_minibatch_has_the_share_of_unchanged_glyphs_of_its_recipe(splits: Splits) -> None:
    known = {glyph.tobytes() for glyph in splits.train.glyphs}
    for share, unchanged in ((0.0, 0), (0.5, 20), (1.0, 36)):
        recipe = replace(BEST, batch_size=40, reuse=1, outliers=0.1, unchanged=share)
        batch = Minibatches(splits, recipe, seed=1)[0]
        assert sum(glyph.tobytes() in known for glyph in batch.glyphs) == unchanged
        assert (batch.labels == OUTLIER).sum() == 4
    recipe = replace(BEST, batch_size=40, reuse=1, outliers=0.0, unchanged=1.0)
    assert {glyph.tobytes() for glyph in Minibatches(splits, recipe, seed=1)[0].glyphs} <= known


def test_outliers_of_the_data_are_drawn_by_their_chances(splits: Splits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("batchdigits.learning.minibatches.augment", lambda glyphs, shapes, rng: glyphs)
    two = np.stack([np.full((28, 28), level, np.uint8) for level in (11, 22) for _ in range(15)])
    outliers = Outliers(two, two[:0], two[:0], np.repeat([0.1, 0.9], 15) / 15)
    batches = Minibatches(replace(splits, outliers=outliers), replace(BEST, batch_size=400, reuse=1, outliers=0.5), 1)
    levels = batches[0].glyphs[:, 0, 0].tolist()
    assert 0 < levels.count(11) < 25
    assert levels.count(11) + levels.count(22) == 400 * 0.5 * FOUND_SHARE


def test_few_outliers_of_the_data_are_not_drawn_again_and_again(
    splits: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("batchdigits.learning.minibatches.augment", lambda glyphs, shapes, rng: glyphs)
    one = np.full((1, 28, 28), 11, np.uint8)
    outliers = Outliers(one, one[:0], one[:0], np.ones(1))
    batches = Minibatches(replace(splits, outliers=outliers), replace(BEST, batch_size=400, reuse=1, outliers=0.5), 1)
    assert (batches[0].glyphs[:, 0, 0] == 11).sum() == 400 * 0.5 * MAX_FOUND_SHARE_OF_ONE


def test_targets_are_smoothed_labels_and_zeros_for_outliers(splits: Splits) -> None:
    batch = Minibatches(splits, replace(BEST, batch_size=40, outliers=0.1, label_smoothing=0.1), seed=1)[0]
    known = batch.labels != OUTLIER
    assert np.allclose(batch.targets[known].sum(axis=1), 1.0)
    assert not batch.targets[~known].any()
    assert np.allclose(batch.targets[known, batch.labels[known]], 0.91)


def test_targets_are_the_teachers_probabilities_where_its_label_is_right(splits: Splits) -> None:
    answer = np.array([0.1, 0.1, 0.1, 0.7, 0, 0, 0, 0, 0, 0], np.float32)

    def teacher(glyphs: Glyphs) -> Targets:
        return np.tile(answer, (len(glyphs), 1))

    recipe = replace(BEST, batch_size=80, outliers=0.1)
    taught, plain = (Minibatches(splits, recipe, seed=1, teacher=chosen)[5] for chosen in (teacher, None))
    threes = taught.labels == 3
    assert 0 < threes.sum() < 80
    assert (taught.targets[threes] == answer).all()
    assert np.array_equal(taught.targets[~threes], plain.targets[~threes])
    assert (taught.labels == OUTLIER).sum() == 8


def test_segments_end_at_the_given_iterations(splits: Splits) -> None:
    with closing(segments(Minibatches(splits, LESSON, seed=1), 3, [3, 7, 8])) as made:
        assert [(c.first, len(c.labels)) for c in made] == [(3, 1), (4, 4), (8, 1)]


def test_an_exception_of_the_second_thread_is_raised_in_the_first(splits: Splits) -> None:
    short = LabelledGlyphs(splits.train.glyphs[:50], splits.train.labels)
    broken = Splits("broken", splits.classes, short, splits.validation, splits.test)
    with closing(segments(Minibatches(broken, BEST, seed=1), 0, [0])) as made, pytest.raises(IndexError):
        next(made)
