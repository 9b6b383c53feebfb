from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from batchdigits.reports.chart import HEIGHT, WIDTH, Axis, linear, logarithmic
from batchdigits.reports.confidence import Answers, Bin, calibration_error, reliability_bins, risk_coverage
from batchdigits.reports.confidence_plot import confidence_plot


def answers(*pairs: tuple[float, int]) -> Answers:
    """Answers from pairs of confidence, which is also the score, and whether the answer is right."""
    confidence = np.array([c for c, _ in pairs], np.float64)
    return Answers(confidence, confidence, np.array([bool(r) for _, r in pairs], bool))


def test_bins_include_their_upper_end() -> None:
    bins = reliability_bins(answers((0.0, 0), (1 / 15, 1), (0.95, 1), (1.0, 0), (14 / 15, 1)))
    assert bins == [Bin(2, pytest.approx(1 / 30), 0.5), Bin(1, pytest.approx(14 / 15), 1), Bin(2, 0.975, 0.5)]


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


def test_the_picture_is_reproducible_and_leaves_out_sets_without_answers() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.1, 1.0, 5_000)
    sets = {
        "mine": Answers(confidence, confidence, rng.random(5_000) < confidence),
        "yours": answers((0.9, 1)),
        "none": answers(),
    }
    picture = confidence_plot(sets)
    with Image.open(BytesIO(picture)) as image:
        assert image.format == "PNG"
        assert image.size == (2 * WIDTH, HEIGHT)
    assert picture == confidence_plot(sets)
    assert picture == confidence_plot({name: sets[name] for name in ("mine", "yours")})
    assert picture != confidence_plot({name: sets[name] for name in ("mine",)})
    assert confidence_plot({"none": answers()})


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 1800, [0, 500, 1000, 1500, 2000]),
        (0, 4.03, [0, 1, 2, 3, 4, 5]),
        (0, 0.002, [0, 0.0005, 0.001, 0.0015, 0.002]),
        (0, 0, [0, 0.0]),
    ],
)
def test_linear_ticks_are_round_and_cover_the_range(low: float, high: float, ticks: list[float]) -> None:
    found = list(linear("x", low, high).ticks)
    if high:
        assert found == pytest.approx(ticks)
    assert found[0] <= low
    assert found[-1] >= high
    assert found[-1] > found[0]


def test_axes_map_values_to_shares_of_their_length() -> None:
    assert list(logarithmic("y", 0.003, 2.0).ticks) == pytest.approx([0.001, 0.01, 0.1, 1, 10])
    assert list(logarithmic("y", 0.1, 0.1).ticks) == pytest.approx([0.1, 1])
    assert logarithmic("y", 0.01, 1.0).share(0.1) == pytest.approx(0.5)
    axis = Axis("x", [0, 5, 10])
    assert [axis.share(value) for value in (-1, 0, 2.5, 10, 11)] == [0, 0, 0.25, 1, 1]
