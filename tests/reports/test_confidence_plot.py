from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from batchdigits.reports.confidence import Answers
from batchdigits.reports.confidence_plot import MAX_DOT, MAX_POINTS, MIN_ANSWERS, MIN_COVERAGE, confidence_plot


def answers(confidence: Any, right: Any) -> Answers:
    """Confidences, which are the scores as well, and whether the answers are right."""
    given = np.array(confidence, np.float64)
    return Answers(given, given, np.array(right, bool))


def drawn(number: int, seed: int = 0) -> Answers:
    rng = np.random.default_rng(seed)
    confidence = rng.uniform(0.1, 1.0, number)
    return answers(confidence, rng.random(number) < confidence)


def test_sets_with_answers_are_in_the_legend(figures: list[Any]) -> None:
    confidence_plot({"mine": drawn(5_000), "$x$": answers([0.9], [True]), "none": answers([], [])})
    reliability, risk = figures[0].axes
    assert [text.get_text() for text in risk.get_legend().get_texts()] == ["mine (5,000)", "$x$ (1)"]
    assert "confidence (%)" in reliability.get_xlabel()
    assert reliability.get_ylabel() == "right answers (%)"
    assert risk.get_xlabel() == "coverage: answers at or over the threshold (%)"
    assert risk.get_ylabel() == "risk: wrong answers among these (%)"


def test_a_set_without_answers_changes_nothing() -> None:
    pytest.importorskip("matplotlib")
    sets = {"mine": drawn(100), "none": answers([], [])}
    assert confidence_plot(sets) == confidence_plot({"mine": sets["mine"]})
    assert confidence_plot(sets) != confidence_plot({"mine": drawn(101)})


def test_a_dot_is_larger_for_more_answers(figures: list[Any]) -> None:
    few, many = MIN_ANSWERS, 3 * MIN_ANSWERS
    confidence = [0.5] * few + [0.99] * many + [0.1] * (MIN_ANSWERS - 1)
    confidence_plot({"mine": answers(confidence, [True] * len(confidence))})
    dots = figures[0].axes[0].collections[0]
    assert dots.get_offsets().tolist() == [pytest.approx([50, 100]), pytest.approx([99, 100])]
    small, large = dots.get_sizes()
    assert 0 < small < large < MAX_DOT


def test_risk_is_drawn_from_the_least_coverage_on(figures: list[Any]) -> None:
    confidence_plot({"mine": answers(np.linspace(1, 0.5, 100), [False] + [True] * 99)})
    line = figures[0].axes[1].lines[0]
    assert line.get_xdata().tolist() == pytest.approx(range(100, round(100 * MIN_COVERAGE) - 1, -1))
    assert line.get_ydata()[0] == pytest.approx(1)
    assert max(line.get_ydata()) <= figures[0].axes[1].get_ylim()[1]


def test_a_curve_of_many_points_is_thinned_out_and_keeps_its_end(figures: list[Any]) -> None:
    confidence_plot({"mine": drawn(10 * MAX_POINTS)})
    x = figures[0].axes[1].lines[0].get_xdata()
    assert len(x) <= MAX_POINTS
    assert x[0] == 100


def test_twenty_sets_look_different(figures: list[Any]) -> None:
    confidence_plot({str(number): drawn(20, number) for number in range(20)})
    lines = figures[0].axes[1].lines[:20]
    assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == 20


@pytest.mark.parametrize(
    "sets",
    [
        {},
        {"none": answers([], [])},
        {"one": answers([0.9], [True])},
        {"one": answers([0.0], [False])},
        {"right": answers([0.9, 1.0] * 50, [True] * 100)},
        {"wrong": answers([1.0] * 100, [False] * 100)},
        {f"set {number}": drawn(100, number) for number in range(60)},
    ],
)
def test_any_sets_can_be_drawn(sets: dict[str, Answers], figures: list[Any]) -> None:
    assert confidence_plot(sets).startswith(b"\x89PNG")
    assert b"<svg" in confidence_plot(sets, ".svg")
    risk = figures[0].axes[1]
    assert (risk.get_legend() is not None) == any(len(one.right) for one in sets.values())
    bottom, top = risk.get_ylim()
    assert bottom < 0 < 1 <= top  # a risk of 0 is visible
