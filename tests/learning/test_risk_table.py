from __future__ import annotations

import numpy as np

from batchdigits.learning.risk_table import MIN_REVIEW_THRESHOLD, OK_SHARE, THRESHOLDS, risk_table, threshold_for_card


def test_each_row_counts_the_digits_and_errors_at_or_over_its_threshold() -> None:
    logits = np.log(np.array([[0.95, 0.05], [0.55, 0.45], [0.3, 0.7]], np.float32))
    rows = {row["threshold"]: row for row in risk_table(logits, np.array([0, 1, 0]), rejects=False)}
    assert list(rows) == THRESHOLDS == sorted(set(THRESHOLDS))
    assert rows[0.0] == {"threshold": 0.0, "coverage": 1.0, "images": 3, "errors": 2}
    assert rows[0.6] == {"threshold": 0.6, "coverage": 0.666667, "images": 2, "errors": 1}
    assert rows[0.9] == {"threshold": 0.9, "coverage": 0.333333, "images": 1, "errors": 0}
    assert rows[0.98]["images"] == 0


def test_the_score_of_a_network_that_rejects_includes_the_outlier_probability() -> None:
    logits = np.log(np.array([[0.95, 0.05], [0.55, 0.45], [0.3, 0.7]], np.float32))
    rows = {row["threshold"]: row for row in risk_table(logits, np.array([0, 1, 0]), rejects=True)}
    assert rows[0.4]["images"] == 1  # an outlier is as probable as a digit here, so that the score of 0.95 is 0.475
    assert rows[0.5]["images"] == 0


def test_most_scores_reach_the_review_threshold() -> None:
    score = np.linspace(0.5, 1, 10_001)
    threshold = threshold_for_card(score)
    assert threshold == 0.52
    assert np.mean(score >= threshold) >= OK_SHARE


def test_a_label_more_likely_wrong_than_right_is_never_ok() -> None:
    assert threshold_for_card(np.full(100, 0.1)) == MIN_REVIEW_THRESHOLD == 0.5
