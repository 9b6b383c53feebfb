from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from batchdigits.datasets.labelled import LabelledGlyphs, Outliers, Splits
from batchdigits.inference.choose import CONTEXT_NETWORK
from batchdigits.inference.decide import scores
from batchdigits.inference.model_file import read_card, read_model_file
from batchdigits.inference.tensorflow_runtime import load_network
from batchdigits.learning.logits import log_sum_exp, logits_of
from batchdigits.learning.rejection import REJECTED_SHARE
from batchdigits.learning.risk_table import MIN_REVIEW_THRESHOLD, threshold_for_card
from batchdigits.learning.temperature_scaling import (
    DEGRADED_COPIES,
    DRAWN_OUTLIERS,
    best_temperature,
    scale_confidence,
    with_degraded_copies,
)
from tests.conftest import Arrays

CLASSES = tuple("0123456789")


@pytest.mark.parametrize("factor", [0.2, 1.0, 3.0, 1e6])
def test_logits_multiplied_by_a_factor_have_it_as_their_temperature(factor: float) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (20_000, 10))
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (probabilities.cumsum(axis=1) > rng.random((len(logits), 1))).argmax(axis=1)
    assert best_temperature((logits * factor).astype(np.float32), labels) == pytest.approx(factor, rel=0.03)


@pytest.mark.parametrize("factor", [1e-3, 1.0, 1e6])
def test_no_row_of_a_network_that_knows_nothing_is_ok(factor: float) -> None:
    rng = np.random.default_rng(0)
    logits = (factor * rng.normal(0, 2, (2_000, 10))).astype(np.float32)
    score = scores(logits / np.float32(best_temperature(logits, rng.integers(0, 10, len(logits)))), rejects=False)
    assert not (score >= threshold_for_card(score)).any()


@pytest.mark.parametrize("count", [1, 5, 26, 100])
def test_a_few_right_labels_do_not_make_a_network_sure(count: int) -> None:
    labels = np.arange(count) % 10
    logits = np.where(labels[:, None] == np.arange(10), 9.0, 0.0).astype(np.float32)
    temperature = best_temperature(logits, labels)
    confidence = np.exp(9 / temperature) / (np.exp(9 / temperature) + 9)
    assert confidence == pytest.approx((count + 1) / (count + 2), abs=0.01)


@pytest.mark.parametrize("rejects", [False, True])
def test_scaling_again_changes_nothing(trained: Path, small_mnist: Arrays, rejects: bool) -> None:
    pytest.importorskip("tensorflow")
    network = load_network(read_model_file(trained))
    clean = LabelledGlyphs(small_mnist["x_test"][:100], small_mnist["y_test"][:100].astype(np.int64))
    splits = Splits("own", CLASSES, clean, clean, clean)
    first = scale_confidence(network, splits, rejects)
    sums = log_sum_exp(logits_of(network, with_degraded_copies(clean, CLASSES).glyphs))
    assert rejects == bool(np.quantile(sums, REJECTED_SHARE) == pytest.approx(0, abs=1e-3))
    again = scale_confidence(network, splits, rejects)
    assert again.temperature == pytest.approx(1.0, abs=2e-3)
    assert again.review == pytest.approx(first.review, abs=0.011)


def test_a_second_look_has_a_risk_table_and_a_threshold_of_its_own(trained: Path, small_mnist: Arrays) -> None:
    pytest.importorskip("tensorflow")
    network = load_network(read_model_file(trained))
    clean = LabelledGlyphs(small_mnist["x_test"][:100], small_mnist["y_test"][:100].astype(np.int64))
    splits = Splits("own", CLASSES, clean, clean, clean)
    scale = scale_confidence(network, splits, True, looks_again=True)
    second_look = scale.second_look
    assert second_look["risk"][0]["errors"] < scale.risk[0]["errors"]  # a network of few units is often in doubt
    once, twice = ([row["outliers"] for row in risk] for risk in (scale.risk, second_look["risk"]))
    assert once[0] == twice[0]  # those that are over a threshold of 0
    assert once != twice
    assert MIN_REVIEW_THRESHOLD <= second_look["thresholds"]["review"] < 1
    assert second_look["network"] == read_card(CONTEXT_NETWORK).sha256["payload"]
    assert scale_confidence(network, splits, True).second_look == {}


def test_degraded_copies_follow_the_split_itself(small_mnist: Arrays) -> None:
    clean = LabelledGlyphs(small_mnist["x_test"][:30], small_mnist["y_test"][:30].astype(np.int64))
    mixed = with_degraded_copies(clean, CLASSES)
    assert len(mixed) == 30 * (DEGRADED_COPIES + 1)
    assert np.array_equal(mixed.glyphs[:30], clean.glyphs)
    assert np.array_equal(mixed.labels, np.tile(clean.labels, DEGRADED_COPIES + 1))
    assert (mixed.glyphs[30:60] != mixed.glyphs[60:90]).any()


def test_the_risk_table_counts_drawn_outliers_and_those_that_are_held_back(trained: Path, small_mnist: Arrays) -> None:
    pytest.importorskip("tensorflow")
    network = load_network(read_model_file(trained))
    clean = LabelledGlyphs(small_mnist["x_test"][:30], small_mnist["y_test"][:30].astype(np.int64))
    held_back = np.zeros((7, 28, 28), np.uint8)
    outliers = Outliers(held_back[:0], held_back, held_back[:0], np.zeros(0))
    splits = Splits("own", CLASSES, clean, clean, clean, outliers=outliers)
    assert scale_confidence(network, splits, True).risk[0]["outliers"] == DRAWN_OUTLIERS + 7
    assert "outliers" not in scale_confidence(network, splits, False).risk[0]
