from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from batchdigits.datasets.labelled import LabelledGlyphs
from batchdigits.inference.decide import scores, softmax
from batchdigits.inference.model_file import read_model_file
from batchdigits.inference.tensorflow_runtime import load_network
from batchdigits.learning.temperature_scaling import (
    COPIES,
    REJECTED_SHARE,
    STAY_OK,
    THRESHOLDS,
    calibrate,
    cross_entropy,
    degraded,
    log_sum_exp,
    logits_of,
    rejection_offset,
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
    rows = {row["threshold"]: row for row in risk_table(logits, np.array([0, 1, 0]), rejects=False)}
    assert list(rows) == THRESHOLDS == sorted(set(THRESHOLDS))
    assert rows[0.0] == {"threshold": 0.0, "coverage": 1.0, "images": 3, "errors": 2}
    assert rows[0.6] == {"threshold": 0.6, "coverage": 0.666667, "images": 2, "errors": 1}
    assert rows[0.9] == {"threshold": 0.9, "coverage": 0.333333, "images": 1, "errors": 0}
    assert rows[0.98]["images"] == 0
    doubtful = {row["threshold"]: row for row in risk_table(logits, np.array([0, 1, 0]), rejects=True)}
    assert doubtful[0.4]["images"] == 1  # as many that it is no digit as that it is one: 0.95 is 0.475
    assert doubtful[0.5]["images"] == 0


def test_the_review_threshold_leaves_most_digits_ok() -> None:
    confident = np.linspace(0.51, 1, 10_001)
    threshold = review_threshold(confident)
    assert threshold == 0.51
    assert np.mean(confident >= threshold) >= STAY_OK


def test_as_many_digits_as_are_to_be_are_denied() -> None:
    logits = np.random.default_rng(0).normal(3, 4, (20_000, 10)).astype(np.float32)
    moved = logits - np.float32(rejection_offset(logits))
    none = 1 - scores(moved, rejects=True) / softmax(moved).max(axis=1)
    assert np.mean(none > 0.5) == pytest.approx(REJECTED_SHARE, abs=1e-3)
    assert np.allclose(softmax(moved), softmax(logits), atol=1e-6)


@pytest.mark.parametrize("rejects", [False, True])
def test_a_network_that_is_calibrated_stays_as_it_is(trained: Path, small_mnist: Arrays, rejects: bool) -> None:
    pytest.importorskip("tensorflow")
    network = load_network(read_model_file(trained))
    clean = LabelledGlyphs(small_mnist["x_test"][:100], small_mnist["y_test"][:100].astype(np.int64))
    classes = tuple("0123456789")
    first = calibrate(network, clean, classes, rejects)
    after = log_sum_exp(logits_of(network, degraded(clean, classes)))
    assert rejects == bool(np.quantile(after, REJECTED_SHARE) == pytest.approx(0, abs=1e-3))
    again = calibrate(network, clean, classes, rejects)
    assert again.temperature == pytest.approx(1.0, abs=2e-3)
    assert again.review == pytest.approx(first.review, abs=0.011)


def test_degraded_copies_come_after_the_split_itself(small_mnist: Arrays) -> None:
    clean = LabelledGlyphs(small_mnist["x_test"][:30], small_mnist["y_test"][:30].astype(np.int64))
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
