"""Temperature scaling: after training, make the confidence match the share of right labels, and measure the risk.

All figures come from the validation split and from degraded (augmented) copies of it. The clean split alone has too few
wrong labels for a precise temperature, and is easier than scans. Outliers are those that the data holds back for
validation, and drawn ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchdigits.datasets.labelled import OUTLIER, LabelledGlyphs, Splits
from batchdigits.inference.decide import scores
from batchdigits.inference.load import load_second_network
from batchdigits.inference.runtime import Logits
from batchdigits.inference.second_look import look_again
from batchdigits.learning.augment import augment, shapes_of
from batchdigits.learning.logits import cross_entropy, logits_of
from batchdigits.learning.outliers import outlier_shape
from batchdigits.learning.rejection import rejection_offset
from batchdigits.learning.risk_table import risk_table, threshold_for_card

DEGRADED_COPIES = 4  # of the validation split: 20,000 glyphs of MNIST's
DRAWN_OUTLIERS = 1_000
DEGRADING_SEED = 5  # the same for every model, so that models can be compared
MIN_TEMPERATURE, MAX_TEMPERATURE = 0.05, 20.0  # label smoothing asks for about 0.6, overfitting for about 2
LIMIT = 1e9  # of the temperature of a network that is sure of everything, after far too large a learning rate
GOLDEN_SECTION = (np.sqrt(5) - 1) / 2

Run = Callable[[NDArray[np.uint8]], Logits]  # glyphs, uint8 (N, 28, 28) -> logits


@dataclass(frozen=True)
class ConfidenceScale:
    """The card's figures about confidence.

    Attributes:
        temperature: the number that the logits were divided by.
        risk: see `risk_table`.
        review: the review threshold, a score (0-1).
        second_look: risk and threshold with a second look; empty if there is none.
    """

    temperature: float
    risk: list[dict[str, float]]
    review: float
    second_look: dict[str, Any]


def scale_confidence(network: Any, splits: Splits, rejects: bool, looks_again: bool = False) -> ConfidenceScale:
    """Fold the best temperature of a Keras network into its last layer, and measure the confidence that results.

    If the network rejects outliers, its logits are also shifted by the rejection offset, which changes no confidence.

    Args:
        network: the Keras network, which is changed.
        splits: the labelled glyphs; of these, `validation` and the outliers for validation are used.
        rejects: whether the network has learned to reject outliers.
        looks_again: whether glyphs in doubt get a second look; the classes are the ten digits then.
    """
    mixed = with_degraded_copies(_evened(splits), splits.classes)
    logits = logits_of(network, mixed.glyphs)
    temperature = np.float32(best_temperature(logits, mixed.labels))
    offset = np.float32(rejection_offset(logits / temperature)) if rejects else np.float32(0)
    kernel, bias = network.layers[-1].get_weights()
    network.layers[-1].set_weights([kernel / temperature, bias / temperature - offset])
    run = partial(logits_of, network)
    risk, review = _measured(run, mixed, splits, rejects)
    second_look = measure_second_look(run, mixed, splits, rejects) if looks_again else {}
    return ConfidenceScale(float(temperature), risk, review, second_look)


def measure_second_look(run: Run, digits: LabelledGlyphs, splits: Splits, rejects: bool) -> dict[str, Any]:
    """The card's `second_look` of a network for the ten digits.

    Args:
        run: gives its logits of glyphs.
        digits: the validation split, with its degraded copies.
        splits: of these, the outliers for validation are used.
        rejects: whether it rejects outliers.
    """
    second = load_second_network()

    def run_twice(glyphs: NDArray[np.uint8]) -> Logits:
        return look_again(run(glyphs), glyphs, rejects, second)

    risk, review = _measured(run_twice, digits, splits, rejects)
    return {"risk": risk, "thresholds": {"review": review}, "network": second.card.sha256["payload"]}


def _measured(run: Run, digits: LabelledGlyphs, splits: Splits, rejects: bool) -> tuple[list[dict[str, float]], float]:
    """The risk table (see `risk_table`) and the review threshold (0-1) of a network that gives logits by `run`."""
    logits = run(digits.glyphs)
    of_outliers = run(_held_back_outliers(splits)) if rejects else None
    return risk_table(logits, digits.labels, rejects, of_outliers), threshold_for_card(scores(logits, rejects))


def best_temperature(logits: Logits, labels: NDArray[np.int64]) -> float:
    """The temperature that gives logits (N, C) the least cross-entropy (Guo et al. 2017), by golden-section search.

    The share of wrong labels counts as 1 / (N + 2) higher than it is (Platt 1999). Otherwise, from a few labels that
    are all right, it would seem that the network is never wrong.
    """
    added_errors = 1.0 / (len(labels) + 2)
    right_logits = logits[np.arange(len(labels)), labels]
    mean_of_others = (logits.sum(axis=1) - right_logits) / (logits.shape[1] - 1)
    # A wrong label in place of a right one adds so much to the cross-entropy:
    gap = float(np.mean(right_logits - mean_of_others))

    def loss(log_temperature: float) -> float:
        temperature = np.exp(log_temperature)
        return cross_entropy(logits / np.float32(temperature), labels) + added_errors * gap / float(temperature)

    low, high = np.log(MIN_TEMPERATURE), np.log(MAX_TEMPERATURE)
    while high < np.log(LIMIT) and loss(high + 1) < loss(high):
        high += 1
    while high - low > 1e-4:
        left, right = high - GOLDEN_SECTION * (high - low), low + GOLDEN_SECTION * (high - low)
        low, high = (low, right) if loss(left) < loss(right) else (left, high)
    return float(np.exp((low + high) / 2))


def with_degraded_copies(validation: LabelledGlyphs, classes: tuple[str, ...]) -> LabelledGlyphs:
    """The validation split, followed by DEGRADED_COPIES augmented copies of it."""
    rng = np.random.default_rng(DEGRADING_SEED)
    shapes = shapes_of(classes)[validation.labels]
    copies = [augment(validation.glyphs, shapes, rng) for _ in range(DEGRADED_COPIES)]
    return LabelledGlyphs(np.concatenate([validation.glyphs, *copies]), np.tile(validation.labels, DEGRADED_COPIES + 1))


def _evened(splits: Splits) -> LabelledGlyphs:
    """The validation split. If a class is no digit, glyphs of rare classes are repeated, so that all count the same.

    Beside thousands of MNIST's glyphs, a class that MNIST does not have would count for nothing, and be rejected.
    """
    validation = splits.validation
    if outlier_shape(splits.classes) == OUTLIER:
        return validation
    counts = np.bincount(validation.labels, minlength=len(splits.classes))
    repeats = counts.max() // np.maximum(counts, 1)
    return validation[np.repeat(np.arange(len(validation)), repeats[validation.labels])]


def _held_back_outliers(splits: Splits) -> NDArray[np.uint8]:
    """Outliers that no network learns from, uint8 (M, 28, 28): DRAWN_OUTLIERS, and those of the data for validation."""
    rng = np.random.default_rng([DEGRADING_SEED, 1])
    digits = splits.validation.glyphs[rng.integers(len(splits.validation), size=DRAWN_OUTLIERS)]
    drawn = augment(digits, np.full(DRAWN_OUTLIERS, outlier_shape(splits.classes)), rng)
    return np.concatenate([drawn, splits.outliers.validation]) if splits.outliers else drawn
