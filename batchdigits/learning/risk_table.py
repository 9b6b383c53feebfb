"""The risk table, which gives the errors at or over each threshold of the score, and the review threshold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from batchdigits.inference.decide import scores
from batchdigits.inference.runtime import Logits

OK_SHARE = 0.982  # of degraded validation digits reach the review threshold; see also `rejection.REJECTED_SHARE`

# Dense where confident digits are: 0, 0.1 … 0.8, then 0.90, 0.91 … 0.98, and so on to 0.9998.
THRESHOLDS = [round(1 - step / 10**nines, nines) for nines in (1, 2, 3, 4) for step in range(10, 1, -1)]


def risk_table(logits: Logits, labels: NDArray[np.int64], rejects: bool) -> list[dict[str, float]]:
    """Count the digits whose score reaches each threshold, and those of them with a wrong label.

    Args:
        logits: float32 (N, classes).
        labels: int64 (N,).
        rejects: as in the card: whether the logits tell outliers from digits.

    Returns:
        One row for each threshold, rising: `threshold` (0-1), `coverage` (share of the digits at or over it, 0-1),
        `images` and `errors` (counts at or over it).
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
    """The score (0-1) that OK_SHARE of the digits' scores, float64 (N,), reach, rounded down to a hundredth."""
    return float(np.floor(np.quantile(score, 1 - OK_SHARE) * 100) / 100)
