"""From the logits of a source's glyphs to its prediction: one row, whatever happened to it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchdigits.inference.runtime import Logits

NO_DIGIT = "may be no digit"


class Status(StrEnum):
    """What a row is worth."""

    OK = "ok"
    REVIEW = "review"
    BLANK = "blank"
    ERROR = "error"


class Prediction(NamedTuple):
    """One row for one source.

    Attributes:
        source: the path as typed, with `#N` for a page of a multi-page file.
        label: the class's name; empty where there is none.
        confidence: probability of `label`, 0-1; None where there is none.
        status: what the row is worth.
        detail: why, for `error`, and for a row that is for review though its label is sure; else empty.
        probabilities: of every class, 0-1 and in the order of the labels, where they were asked for; else empty.
        score: probability that it is a digit at all, and this one, 0-1: what the threshold of review looks at. It is
            the confidence for a model that does not reject; None where there is no label.
    """

    source: str
    label: str
    confidence: float | None
    status: Status
    detail: str = ""
    probabilities: tuple[float, ...] = ()
    score: float | None = None


class Decided(NamedTuple):
    """What logits, float32 (N, classes), come to: lists of N, and N rows of probabilities.

    Computed for all glyphs at once, as NumPy takes 10 us to begin with each, and a whole image some 60.
    """

    tops: list[float]
    best: list[int]
    confidences: list[float]
    scores: list[float]
    probabilities: NDArray[np.float64]

    @classmethod
    def of(cls, logits: Logits, rejects: bool) -> Decided:
        """Ties between classes go to the lowest class. `rejects` is the card's."""
        probabilities = softmax(logits)
        return cls(
            logits.max(axis=1).tolist(),
            probabilities.argmax(axis=1).tolist(),
            probabilities.max(axis=1).tolist(),
            _scores(probabilities, logits, rejects).tolist(),
            probabilities,
        )

    def reading(self, first: int, count: int) -> int:
        """The candidate, of a source's `count`, with the highest top logit; the first of equals."""
        return max(range(first, first + count), key=self.tops.__getitem__)


def decide(
    source: str,
    decided: Decided,
    reading: int,
    labels: Sequence[str],
    threshold: float,
    probabilities: bool = False,
) -> Prediction:
    """The prediction for a source from one of its candidates."""
    confidence, score = decided.confidences[reading], decided.scores[reading]
    status = Status.OK if score >= threshold else Status.REVIEW
    return Prediction(
        source,
        labels[decided.best[reading]],
        confidence,
        status,
        NO_DIGIT if status is Status.REVIEW and confidence >= threshold else "",
        tuple(decided.probabilities[reading].tolist()) if probabilities else (),
        score,
    )


def blank(source: str) -> Prediction:
    """The row for a source without ink."""
    return Prediction(source, "", None, Status.BLANK)


def failed(source: str, fault: str) -> Prediction:
    """The row for a source that could not be read."""
    return Prediction(source, "", None, Status.ERROR, fault)


def softmax(logits: Logits) -> NDArray[np.float64]:
    """Probabilities, float64 and of the same shape, over the last axis."""
    wide = logits.astype(np.float64)
    exponentials = np.exp(wide - wide.max(axis=-1, keepdims=True))
    probabilities: NDArray[np.float64] = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return probabilities


def scores(logits: Logits, rejects: bool) -> NDArray[np.float64]:
    """The probability, float64 (N,), that what has the logits (N, classes) is a digit, and the one of the top logit.

    With `rejects` as in the card: as if one class more, for what is no digit, had the logit 0.
    """
    return _scores(softmax(logits), logits, rejects)


def _scores(probabilities: NDArray[np.float64], logits: Logits, rejects: bool) -> NDArray[np.float64]:
    confidences: NDArray[np.float64] = probabilities.max(axis=1)
    if not rejects:
        return confidences
    # The sum of the exponentials, which the softmax has taken already, is that of the top logit by its probability.
    none_to_one = np.log(confidences) - logits.max(axis=1)
    found: NDArray[np.float64] = confidences * np.exp(-np.logaddexp(0.0, none_to_one))
    return found
