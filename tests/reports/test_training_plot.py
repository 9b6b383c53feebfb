from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from batchdigits.learning.training import Progress
from batchdigits.reports.training_plot import FEW_REPORTS, MEAN_OF, MIN_LOSS, learning_curves, lower_end

SHORT = [Progress(50 * i, 4 / (i + 1), 1 - 0.9 / (i + 1), 0.9 if i % 3 == 2 else None, 1e-4) for i in range(21)]
LONG = [Progress(50 * i, 0.1, 0.99 if i > 2 else 0.1, 0.99 if i % 5 == 4 else None, 1e-3) for i in range(200)]


def names(axes: Any) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_each_report_of_a_short_training_is_a_visible_point(figures: list[Any]) -> None:
    learning_curves(SHORT, "lesson")
    loss, accuracy, rate = figures[0].axes
    for axes, values in (
        (loss, [one.loss for one in SHORT]),
        (accuracy, [100 * one.accuracy for one in SHORT]),
        (rate, [one.learning_rate for one in SHORT]),
    ):
        curve = axes.lines[0]
        assert curve.get_marker() == "o"
        assert curve.get_xdata().tolist() == [one.iteration for one in SHORT]
        assert curve.get_ydata().tolist() == values
        (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
        assert left < 0 < SHORT[-1].iteration < right
        assert bottom <= min(values) <= max(values) <= top
    assert accuracy.lines[1].get_xdata().tolist() == [one.iteration for one in SHORT if one.validation is not None]
    assert set(accuracy.lines[1].get_ydata()) == {90}


def test_axes_have_labels_and_legends_and_the_figure_its_recipe(figures: list[Any]) -> None:
    learning_curves(SHORT, "lesson")
    assert "lesson" in figures[0].get_suptitle()
    loss, accuracy, rate = figures[0].axes
    assert {axes.get_xlabel() for axes in (loss, accuracy, rate)} == {"iteration (one minibatch each)"}
    assert [axes.get_ylabel() for axes in (loss, accuracy, rate)] == [
        "cross-entropy (nats, logarithmic axis)",
        "right labels (%)",
        "learning rate (no unit)",
    ]
    assert (loss.get_yscale(), accuracy.get_yscale()) == ("log", "linear")
    assert [names(axes) for axes in (loss, accuracy, rate)] == [
        ["training minibatch"],
        ["training minibatch", "validation split"],
        ["Adam's learning rate"],
    ]


def test_a_long_training_has_a_mean_too(figures: list[Any]) -> None:
    history = [one._replace(loss=float(loss)) for one, loss in zip(LONG, np.linspace(2, 1, len(LONG)), strict=True)]
    learning_curves(history, "best")
    loss, accuracy, _ = figures[0].axes
    points, mean = loss.lines
    assert len(points.get_xdata()) == len(LONG)
    assert len(mean.get_xdata()) == len(mean.get_ydata()) == len(LONG) - MEAN_OF + 1
    expected = np.interp(mean.get_xdata(), points.get_xdata(), points.get_ydata())
    assert np.abs(expected - mean.get_ydata()).max() < 0.005  # the mean is at the middle of its reports
    assert names(accuracy) == ["training minibatch", f"mean of {MEAN_OF} minibatches", "validation split"]
    assert 97 < accuracy.get_ylim()[0] < 98


@pytest.mark.parametrize(
    ("shares", "end"),
    [
        ([0.1, 0.9, 0.9], 0),
        ([0.0], 0),
        ([1.0], 98),
        ([0.96, 0.99], 95),
        ([*[0.1] * 3, *[0.99] * (FEW_REPORTS - 3)], 0),
        ([*[0.1] * 3, *[0.99] * FEW_REPORTS], 98),
        ([*[0.1] * 9, *[0.99] * FEW_REPORTS], 0),
    ],
)
def test_the_axis_of_accuracy_begins_where_its_reports_can_be_distinguished(shares: list[float], end: float) -> None:
    assert lower_end(shares) == end


@pytest.mark.parametrize(
    "history",
    [
        [Progress(0, 2.3, 0.1, None, 1e-3)],
        [Progress(0, 0.0, 0.0, 0.0, 0.0)],
        [Progress(0, 2.3, 0.1, None, 1e-3), Progress(50, 0.0, 1.0, 1.0, 0.0)],
        [Progress(i, 0.11 + 0.001 * (i % 3), 1.0, 1.0, 1e-9) for i in range(FEW_REPORTS + 1)],
        [Progress(i, 1e9 / (i + 1) ** 8, 0.9, 0.95 if i % 2 else None, 1e-3) for i in range(100)],
    ],
)
def test_any_history_can_be_drawn(history: list[Progress], figures: list[Any]) -> None:
    assert learning_curves(history, "lesson").startswith(b"\x89PNG")
    assert b"<svg" in learning_curves(history, "lesson", ".svg")
    assert min(figures[0].axes[0].lines[0].get_ydata()) >= MIN_LOSS


def test_other_histories_give_other_pictures() -> None:
    pytest.importorskip("matplotlib")
    assert learning_curves(SHORT, "lesson") == learning_curves(SHORT, "lesson")
    assert learning_curves(SHORT, "lesson") != learning_curves(SHORT[:-1], "lesson")
