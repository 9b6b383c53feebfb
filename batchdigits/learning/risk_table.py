"""The card's risk table, which counts the errors at or over each threshold of the score, and its review threshold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from batchdigits.inference.decide import scores
from batchdigits.inference.runtime import Logits

# Share of degraded validation digits whose score reaches the review threshold; see also `rejection.REJECTED_SHARE`.
OK_SHARE = 0.95
MIN_REVIEW_THRESHOLD = 0.5  # a label that is more likely wrong than right is never `ok`, however bad the network

# Share of outliers among scans that the risk is bounded for, unless the user gives another: two crops in a hundred.
OUTLIER_SHARE = 0.02

# Dense where confident digits are: 0, 0.1 … 0.8, then 0.90, 0.91 … 0.98, and so on to 0.9998.
THRESHOLDS = [round(1 - step / 10**nines, nines) for nines in (1, 2, 3, 4) for step in range(10, 1, -1)]


def risk_table(
    logits: Logits, labels: NDArray[np.int64], rejects: bool, of_outliers: Logits | None = None
) -> list[dict[str, float]]:
    """Count the digits whose score reaches each threshold, those of them with a wrong label, and the outliers.

    Args:
        logits: float32 (N, classes).
        labels: int64 (N,), N at least 1.
        rejects: the card's `rejects`: whether there is one more class, for outliers, with the logit 0.
        of_outliers: logits of outliers, float32 (M, classes); None to leave them out.

    Returns:
        One row for each threshold, rising: `threshold` (0-1), `coverage` (share of the digits at or over it, 0-1),
        `images`, `errors`, and `outliers` if there are any (counts at or over it).
    """
    score, right = scores(logits, rejects), logits.argmax(axis=1) == labels
    of_outliers_score = None if of_outliers is None else scores(of_outliers, rejects)
    table = []
    for threshold in THRESHOLDS:
        taken = score >= threshold
        images = int(taken.sum())
        row = {
            "threshold": threshold,
            "coverage": round(images / len(labels), 6),
            "images": images,
            "errors": int((taken & ~right).sum()),
        }
        if of_outliers_score is not None:
            row["outliers"] = int((of_outliers_score >= threshold).sum())
        table.append(row)
    return table


def threshold_for_card(score: NDArray[np.float64]) -> float:
    """The review threshold: OK_SHARE of the scores, float64 (N,), reach it. It is rounded down to a hundredth.

    It is at least MIN_REVIEW_THRESHOLD, which fewer scores may reach.
    """
    return max(MIN_REVIEW_THRESHOLD, float(np.floor(np.quantile(score, 1 - OK_SHARE) * 100) / 100))
