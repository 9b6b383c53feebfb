"""Making confidence mean something: temperature, the risk at each threshold, and the threshold of review.

Everything here looks at the validation split and at deformed and degraded copies of it: a clean split alone flatters,
and its few wrong answers say what the temperature is to within 5 % only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchdigits.datasets.labelled import LabelledGlyphs
from batchdigits.inference.decide import scores
from batchdigits.inference.runtime import GLYPH_PIXELS
from batchdigits.learning.augment import augment, forms_of

COPIES = 4  # degraded copies of the validation split: 20,000 of MNIST's
SEED = 5  # of their deformation: the same for every model, so that models can be compared
# Shares of deformed and degraded digits. With these, a fifth of what is no digit in the development sets is `ok`, and
# 97 % of the digits there. With fewer denied, it is more than a fifth; with more, more of what is read wrong is `ok`.
STAY_OK = 0.982  # that a review threshold may not send to review
REJECTED_SHARE = 0.014  # that are likelier no digit than one, where a network rejects
COLDEST, HOTTEST = 0.05, 20.0  # temperatures looked at; label smoothing asks for 0.6, overfitting for 2
GOLDEN = (np.sqrt(5) - 1) / 2

# Dense where confident digits are: 0, 0.1 … 0.8, then 0.90, 0.91 … 0.98, and so on to 0.9998.
THRESHOLDS = [round(1 - step / 10**nines, nines) for nines in (1, 2, 3, 4) for step in range(10, 1, -1)]

Logits = NDArray[np.float32]


@dataclass(frozen=True)
class Calibration:
    """What the card says about confidence.

    Attributes:
        temperature: what the logits were divided by.
        risk: see `risk_table`.
        review: the score (0-1) below which a row is for a person to look at.
    """

    temperature: float
    risk: list[dict[str, float]]
    review: float


def calibrate(network: Any, validation: LabelledGlyphs, classes: tuple[str, ...], rejects: bool) -> Calibration:
    """Fold the temperature of a Keras network into its last layer, and measure what its confidence is then worth.

    Where the network rejects, its logits are also moved to where what is no digit, whose logit is 0, is in its place.
    That changes no confidence.
    """
    mixed = degraded(validation, classes)
    logits = logits_of(network, mixed)
    found = np.float32(temperature(logits, mixed.labels))
    moved = np.float32(rejection_offset(logits / found)) if rejects else np.float32(0)
    kernel, bias = network.layers[-1].get_weights()
    network.layers[-1].set_weights([kernel / found, bias / found - moved])
    logits = logits_of(network, mixed)
    return Calibration(
        float(found), risk_table(logits, mixed.labels, rejects), review_threshold(scores(logits, rejects))
    )


def temperature(logits: Logits, labels: NDArray[np.int64]) -> float:
    """What logits (N, C) must be divided by for the least cross-entropy (Guo et al. 2017), by golden-section search.

    Of N answers one more is taken to be wrong than was seen, as in Platt (1999): from a few right ones it would follow
    that the network is never wrong.
    """
    doubt = 1.0 / (len(labels) + 2)
    right = logits[np.arange(len(labels)), labels]
    others = (logits.sum(axis=1) - right) / (logits.shape[1] - 1)
    gap = float(np.mean(right - others))  # cross-entropy grows by so much for each unit of doubt

    def loss(log_temperature: float) -> float:
        heat = np.exp(log_temperature)
        return cross_entropy(logits / np.float32(heat), labels) + doubt * gap / float(heat)

    low, high = np.log(COLDEST), np.log(HOTTEST)
    while high - low > 1e-4:
        left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        low, high = (low, right) if loss(left) < loss(right) else (left, high)
    return float(np.exp((low + high) / 2))


def rejection_offset(logits: Logits) -> float:
    """What has to be taken off logits (N, classes) for `REJECTED_SHARE` of these digits to be likelier none than one.

    How likely a digit was while the network learned says nothing about someone's scans. This does not depend on it.
    """
    return float(np.quantile(log_sum_exp(logits), REJECTED_SHARE))


def degraded(validation: LabelledGlyphs, classes: tuple[str, ...]) -> LabelledGlyphs:
    """The validation split, and deformed and degraded copies of it."""
    rng = np.random.default_rng(SEED)
    forms = forms_of(classes)[validation.labels]
    copies = [augment(validation.glyphs, forms, rng) for _ in range(COPIES)]
    return LabelledGlyphs(np.concatenate([validation.glyphs, *copies]), np.tile(validation.labels, COPIES + 1))


def risk_table(logits: Logits, labels: NDArray[np.int64], rejects: bool) -> list[dict[str, float]]:
    """How many of the digits at or over each threshold were read, and how many of those wrong.

    Returns:
        For rising thresholds (0-1): `threshold`, `coverage` (share at or over it), `images` and `errors` among those.
    """
    score, right = scores(logits, rejects), logits.argmax(axis=1) == labels
    table = []
    for threshold in THRESHOLDS:
        taken = score >= threshold
        images = int(taken.sum())
        table.append(
            {
                "threshold": threshold,
                "coverage": round(images / len(labels), 6),
                "images": images,
                "errors": int((taken & ~right).sum()),
            }
        )
    return table


def review_threshold(score: NDArray[np.float64]) -> float:
    """The score that all but a few of the degraded digits reach, rounded down to a hundredth."""
    return float(np.floor(np.quantile(score, 1 - STAY_OK) * 100) / 100)


def cross_entropy(logits: Logits, labels: NDArray[np.int64]) -> float:
    """Mean softmax cross-entropy, in nats, of logits (N, classes)."""
    return float(np.mean(log_sum_exp(logits) - logits[np.arange(len(labels)), labels]))


def log_sum_exp(logits: Logits) -> Logits:
    """The logarithm of the sum of the exponentials of each row of logits (N, classes)."""
    top = logits.max(axis=1, keepdims=True)
    found: Logits = np.log(np.exp(logits - top).sum(axis=1)) + top[:, 0]
    return found


def logits_of(network: Any, data: LabelledGlyphs) -> Logits:
    """Logits, float32 (N, classes), that a Keras network gives for labelled glyphs."""
    flat = data.glyphs.reshape(-1, GLYPH_PIXELS).astype(np.float32) / np.float32(255)
    logits: Logits = network.predict(flat, batch_size=1_000, verbose=0)
    return logits
