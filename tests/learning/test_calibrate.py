from __future__ import annotations

import numpy as np
import pytest

from batchdigits.datasets.labelled import Labelled
from batchdigits.learning.calibrate import (
    COPIES,
    STAY_OK,
    THRESHOLDS,
    cross_entropy,
    degraded,
    review_threshold,
    risk_table,
    temperature,
)
from tests.conftest import Arrays


@pytest.mark.parametrize("hot", [0.2, 1.0, 3.0])
def test_the_temperature_of_scaled_logits_is_found(hot: float) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (20_000, 10))
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (probabilities.cumsum(axis=1) > rng.random((len(logits), 1))).argmax(axis=1)
    assert temperature((logits * hot).astype(np.float32), labels) == pytest.approx(hot, rel=0.03)


def test_cross_entropy_is_that_of_the_softmax() -> None:
    assert cross_entropy(np.zeros((3, 10), np.float32), np.array([0, 5, 9])) == pytest.approx(np.log(10))
    assert cross_entropy(np.array([[1000.0, 0.0]], np.float32), np.array([1])) == pytest.approx(1000)


def test_the_risk_table_counts() -> None:
    logits = np.log(np.array([[0.95, 0.05], [0.55, 0.45], [0.3, 0.7]], np.float32))
    rows = {row["threshold"]: row for row in risk_table(logits, np.array([0, 1, 0]))}
    assert list(rows) == THRESHOLDS == sorted(set(THRESHOLDS))
    assert rows[0.0] == {"threshold": 0.0, "coverage": 1.0, "images": 3, "errors": 2}
    assert rows[0.6] == {"threshold": 0.6, "coverage": 0.666667, "images": 2, "errors": 1}
    assert rows[0.9] == {"threshold": 0.9, "coverage": 0.333333, "images": 1, "errors": 0}
    assert rows[0.98]["images"] == 0


def test_the_review_threshold_leaves_most_digits_ok() -> None:
    confident = np.linspace(0.51, 1, 10_001)
    logits = np.log(np.stack([confident, 1 - confident + 1e-9], axis=1)).astype(np.float32)
    threshold = review_threshold(logits)
    assert threshold == 0.52
    assert np.mean(confident >= threshold) >= STAY_OK


def test_degraded_copies_come_after_the_split_itself(small_mnist: Arrays) -> None:
    clean = Labelled(small_mnist["x_test"][:30], small_mnist["y_test"][:30].astype(np.int64))
    mixed = degraded(clean, tuple("0123456789"))
    assert len(mixed) == 30 * (COPIES + 1)
    assert np.array_equal(mixed.glyphs[:30], clean.glyphs)
    assert np.array_equal(mixed.labels, np.tile(clean.labels, COPIES + 1))
    assert (mixed.glyphs[30:60] != mixed.glyphs[60:90]).any()


@pytest.mark.parametrize("count", [1, 5, 26, 100])
def test_a_few_right_answers_do_not_make_a_network_sure(count: int) -> None:
    labels = np.arange(count) % 10
    logits = np.where(labels[:, None] == np.arange(10), 9.0, 0.0).astype(np.float32)
    heat = temperature(logits, labels)
    confidence = np.exp(9 / heat) / (np.exp(9 / heat) + 9)
    assert confidence == pytest.approx((count + 1) / (count + 2), abs=0.01)
