"""From the logits of a source's glyphs to its prediction: one row, whatever happened to it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchdigits.inference.runtime import Logits


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
        detail: why, for `error`; else empty.
        probabilities: of every class, 0-1 and in the order of the labels, where they were asked for; else empty.
    """

    source: str
    label: str
    confidence: float | None
    status: Status
    detail: str = ""
    probabilities: tuple[float, ...] = ()


class Decided(NamedTuple):
    """What logits, float32 (N, classes), come to: four lists of N, and N rows of probabilities.

    Computed for all glyphs at once, as NumPy takes 10 us to begin with each, and a whole image some 60.
    """

    tops: list[float]
    best: list[int]
    confidences: list[float]
    probabilities: NDArray[np.float64]

    @classmethod
    def of(cls, logits: Logits) -> Decided:
        """Ties between classes go to the lowest class."""
        probabilities = softmax(logits)
        return cls(
            logits.max(axis=1).tolist(),
            probabilities.argmax(axis=1).tolist(),
            probabilities.max(axis=1).tolist(),
            probabilities,
        )

    def reading(self, first: int, count: int) -> int:
        """Which of a source's `count` readings is its row: the one with the highest top logit, the first of equals."""
        return max(range(first, first + count), key=self.tops.__getitem__)


def decide(
    source: str,
    decided: Decided,
    reading: int,
    labels: Sequence[str],
    threshold: float,
    probabilities: bool = False,
) -> Prediction:
    """The prediction for a source from one of its readings."""
    confidence = decided.confidences[reading]
    return Prediction(
        source,
        labels[decided.best[reading]],
        confidence,
        Status.OK if confidence >= threshold else Status.REVIEW,
        "",
        tuple(decided.probabilities[reading].tolist()) if probabilities else (),
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
