from __future__ import annotations

import numpy as np
import pytest

from batchdigits.reports.confidence import Answers, Bin, calibration_error, reliability_bins, risk_coverage


def answers(*pairs: tuple[float, int]) -> Answers:
    """Answers from pairs of confidence, which is also the score, and whether the answer is right."""
    confidence = np.array([c for c, _ in pairs], np.float64)
    return Answers(confidence, confidence, np.array([bool(r) for _, r in pairs], bool))


def test_bins_include_their_upper_end() -> None:
    bins = reliability_bins(answers((0.0, 0), (1 / 15, 1), (0.95, 1), (1.0, 0), (14 / 15, 1)))
    expected = [Bin(2, 1 / 30, 0.5), Bin(1, 14 / 15, 1), Bin(2, 0.975, 0.5)]
    assert np.array(bins) == pytest.approx(np.array(expected))


def test_the_calibration_error_weights_bins_by_their_answers() -> None:
    assert calibration_error(answers((1.0, 1), (1.0, 1), (1.0, 0), (0.5, 1))) == pytest.approx((3 / 3 + 0.5) / 4)
    assert calibration_error(answers((0.75, 1), (0.75, 1), (0.75, 1), (0.75, 0))) == 0.0
    assert calibration_error(answers()) is None


def test_a_calibrated_model_has_almost_no_calibration_error() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.1, 1.0, 200_000)
    found = calibration_error(Answers(confidence, confidence / 2, rng.random(200_000) < confidence))
    assert found == pytest.approx(0, abs=0.005)


def test_risk_and_coverage_of_a_hand_computed_example() -> None:
    coverage, risk = risk_coverage(answers((0.9, 1), (0.6, 0), (0.8, 0), (0.9, 1), (0.6, 1)))
    assert coverage.tolist() == pytest.approx([0.4, 0.6, 1.0])
    assert risk.tolist() == pytest.approx([0, 1 / 3, 2 / 5])
    assert [len(axis) for axis in risk_coverage(answers())] == [0, 0]
    by_score = Answers(np.array([0.9, 0.8]), np.array([0.1, 0.7]), np.array([False, True]))
    assert risk_coverage(by_score)[1].tolist() == [0, 0.5]
