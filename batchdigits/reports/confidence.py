"""What confidence is worth: how far it is from the share of right answers, and what a threshold buys."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BINS = 15  # as in Guo et al. 2017


class Answers(NamedTuple):
    """What a model said of images whose label is known.

    Attributes:
        confidence: float64 (N,), 0-1, of the label that it gave.
        score: float64 (N,), 0-1, what the threshold of review looks at (see `decide.Prediction`).
        right: bool (N,), whether that label is the image's.
    """

    confidence: NDArray[np.float64]
    score: NDArray[np.float64]
    right: NDArray[np.bool_]


class Bin(NamedTuple):
    """The answers between two confidences.

    Attributes:
        answers: how many; at least one.
        confidence: their mean confidence, 0-1.
        accuracy: share of right ones, 0-1.
    """

    answers: int
    confidence: float
    accuracy: float


def reliability(answers: Answers) -> list[Bin]:
    """The answers in bins of equal width, from unsure to sure, without the empty ones.

    A bin takes its upper end in: the last is 14/15 < confidence <= 1.
    """
    number = np.ceil(answers.confidence * BINS).astype(int).clip(1, BINS)
    bins = [number == one for one in range(1, BINS + 1)]
    return [
        Bin(int(mine.sum()), float(answers.confidence[mine].mean()), float(answers.right[mine].mean()))
        for mine in bins
        if mine.any()
    ]


def calibration_error(answers: Answers) -> float | None:
    """Expected calibration error, 0-1: by how much the bins' confidence is off, on the mean over all answers.

    Naeini et al. 2015, with the label that was given ("top label"). None where there are no answers.
    """
    if not len(answers.right):
        return None
    bins = reliability(answers)
    return sum(one.answers * abs(one.confidence - one.accuracy) for one in bins) / len(answers.right)


def risk_coverage(answers: Answers) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What every threshold would do (El-Yaniv and Wiener 2010).

    Returns:
        Coverage, float64 (M,), the share of answers at or over the threshold, rising to 1; and risk, float64 (M,), the
        share of wrong ones among them. M is the number of different scores.
    """
    order = np.argsort(-answers.score, kind="stable")
    score, wrong = answers.score[order], ~answers.right[order]
    last_of_equals = np.append(score[1:] != score[:-1], True) if len(score) else np.zeros(0, bool)
    taken = np.arange(1, len(wrong) + 1)
    return (taken / max(1, len(wrong)))[last_of_equals], (wrong.cumsum() / taken)[last_of_equals]
