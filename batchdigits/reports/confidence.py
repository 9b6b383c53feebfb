"""Measures of confidence: the reliability diagram, the expected calibration error, the risk-coverage curve."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BINS = 15  # of the reliability diagram, as in Guo et al. 2017


class Answers(NamedTuple):
    """A model's answers for images whose label is known.

    Attributes:
        confidence: float64 (N,), 0-1, the probability of the model's label.
        score: float64 (N,), 0-1, what the review threshold is compared with (see `decide.Prediction`).
        right: bool (N,), whether the model's label is the image's true label.
    """

    confidence: NDArray[np.float64]
    score: NDArray[np.float64]
    right: NDArray[np.bool_]


class Bin(NamedTuple):
    """The answers in one interval of confidence.

    Attributes:
        answers: how many there are; at least one.
        confidence: their mean confidence, 0-1.
        accuracy: the share of them that is right, 0-1.
    """

    answers: int
    confidence: float
    accuracy: float


def reliability_bins(answers: Answers) -> list[Bin]:
    """The answers in bins of equal width, by rising confidence, without the empty bins.

    A bin includes its upper end: the last one is 14/15 < confidence <= 1.
    """
    bin_numbers = np.ceil(answers.confidence * BINS).astype(int).clip(1, BINS)
    members = [bin_numbers == number for number in range(1, BINS + 1)]
    return [
        Bin(int(member.sum()), float(answers.confidence[member].mean()), float(answers.right[member].mean()))
        for member in members
        if member.any()
    ]


def calibration_error(answers: Answers) -> float | None:
    """Expected calibration error, 0-1; None without answers.

    The mean over all answers of the difference between confidence and accuracy in the answer's bin: Naeini et al. 2015,
    for the top label only.
    """
    if not len(answers.right):
        return None
    bins = reliability_bins(answers)
    return sum(b.answers * abs(b.confidence - b.accuracy) for b in bins) / len(answers.right)


def risk_coverage(answers: Answers) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The risk-coverage curve (El-Yaniv and Wiener 2010): one point for each score, taken as the threshold.

    Returns:
        Coverage, float64 (M,): the share of answers at or over the threshold, rising to 1.
        Risk, float64 (M,): the share of wrong answers among them.
        M is the number of different scores.
    """
    order = np.argsort(-answers.score, kind="stable")
    score, wrong = answers.score[order], ~answers.right[order]
    is_last_of_equal_scores = np.append(score[1:] != score[:-1], True) if len(score) else np.zeros(0, bool)
    accepted = np.arange(1, len(wrong) + 1)
    return (accepted / max(1, len(wrong)))[is_last_of_equal_scores], (wrong.cumsum() / accepted)[
        is_last_of_equal_scores
    ]
