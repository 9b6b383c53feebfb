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
    """

    source: str
    label: str
    confidence: float | None
    status: Status
    detail: str = ""


def decide(source: str, readings: Logits, labels: Sequence[str], threshold: float) -> Prediction:
    """The prediction for a source from the logits of its readings, float32 (0, 1 or 2, classes).

    No reading is a blank source. Ties between classes go to the lowest class.
    """
    if len(readings) == 0:
        return Prediction(source, "", None, Status.BLANK)
    probabilities = softmax(readings[chosen_reading(readings)])
    best = int(np.argmax(probabilities))
    confidence = float(probabilities[best])
    status = Status.OK if confidence >= threshold else Status.REVIEW
    return Prediction(source, labels[best], confidence, status)


def chosen_reading(readings: Logits) -> int:
    """Which of a source's readings is its row: the one with the highest top logit, the first where they tie."""
    return int(np.argmax(readings.max(axis=1)))


def failed(source: str, fault: str) -> Prediction:
    """The row for a source that could not be read."""
    return Prediction(source, "", None, Status.ERROR, fault)


def softmax(logits: Logits) -> NDArray[np.float64]:
    """Probabilities, float64 and of the same shape, over the last axis."""
    wide = logits.astype(np.float64)
    exponentials = np.exp(wide - wide.max(axis=-1, keepdims=True))
    probabilities: NDArray[np.float64] = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return probabilities
