"""Learning curves: loss, accuracy and learning rate by iteration."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from batchdigits.learning.training import Progress
from batchdigits.reports.figure import add_legend, draw

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE = (14.0, 4.2)  # inches
TRAINING, VALIDATION, RATE = "tab:blue", "tab:orange", "tab:green"
MIN_LOSS = 1e-4  # smaller losses are drawn here, since a loss of 0 has no logarithm
FEW_REPORTS = 40  # up to so many are joined by a line; the line through more is their mean, since minibatches scatter
MEAN_OF = 20  # reports in the running mean
LOWER_ENDS = (0.0, 50.0, 80.0, 90.0, 95.0, 98.0)  # per cent: where the axis of accuracy may begin
MAX_BELOW = 0.1  # of more than `FEW_REPORTS` reports, the share that may lie below the lower end of the axis


def learning_curves(history: Sequence[Progress], recipe: str, suffix: str = ".png") -> bytes:
    """A PNG or SVG file with a point for each report of a training.

    Args:
        history: the reports of the training, at least one.
        recipe: the recipe's name.
        suffix: one of `figure.SUFFIXES`.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    panels = [partial(panel, history=history) for panel in (_loss, _accuracy, _learning_rate)]
    return draw(panels, f"Training by the recipe “{recipe}”", SIZE, suffix)


def lower_end(shares: Sequence[float]) -> float:
    """Where the axis of accuracy begins, in per cent, so that high accuracies can be distinguished.

    The first reports of a long training may lie below it, since training begins at about 10 % right labels.

    Args:
        shares: accuracies to draw, 0-1.
    """
    low = 100 * float(np.quantile(shares, 0.0 if len(shares) <= FEW_REPORTS else MAX_BELOW))
    return max(end for end in LOWER_ENDS if end <= low)


def _loss(axes: Axes, history: Sequence[Progress]) -> None:
    from matplotlib.ticker import LogLocator, NullLocator

    _reports(axes, [max(one.loss, MIN_LOSS) for one in history], history)
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(_plain)
    axes.set(title="Loss", ylabel="cross-entropy (nats, logarithmic axis)")
    _iterations(axes, history, "upper right")


def _accuracy(axes: Axes, history: Sequence[Progress]) -> None:
    _reports(axes, [100 * one.accuracy for one in history], history)
    checks = [(one.iteration, one.validation) for one in history if one.validation is not None]
    if checks:
        iterations, shares = zip(*checks, strict=True)
        percent, size = 100 * np.array(shares), _size(checks)
        axes.plot(iterations, percent, "o-", color=VALIDATION, ms=size, label="validation split")
    bottom = lower_end([*(one.accuracy for one in history), *(share for _, share in checks)])
    margin = (100 - bottom) / 50
    axes.set(title="Accuracy", ylabel="right labels (%)", ylim=(bottom - margin, 100 + margin))
    _iterations(axes, history, "lower right")


def _learning_rate(axes: Axes, history: Sequence[Progress]) -> None:
    iterations, rates = [one.iteration for one in history], [one.learning_rate for one in history]
    axes.plot(iterations, rates, "o-", color=RATE, ms=_size(rates), label="Adam's learning rate")
    axes.yaxis.set_major_formatter(_plain)
    axes.set(title="Learning rate", ylabel="learning rate (no unit)", ylim=(0, 1.1 * max(rates) or 1))
    _iterations(axes, history, "lower left")


def _reports(axes: Axes, values: Sequence[float], history: Sequence[Progress]) -> None:
    """A point for each report, and a line: through the points of a short training, else of their running mean."""
    iterations = [one.iteration for one in history]
    if len(history) <= FEW_REPORTS:
        axes.plot(iterations, values, "o-", color=TRAINING, lw=1, ms=_size(values), label="training minibatch")
        return
    axes.plot(iterations, values, "o", color=TRAINING, alpha=0.25, ms=_size(values), label="training minibatch")
    mean = _running_mean(np.array(values))
    middles = iterations[MEAN_OF // 2 :][: len(mean)]  # a mean over the past would lag behind the points
    axes.plot(middles, mean, color=TRAINING, label=f"mean of {MEAN_OF} minibatches")


def _size(points: Sequence[Any]) -> float:
    """The diameter of each point, in points of 1/72 inch."""
    return 4.0 if len(points) <= FEW_REPORTS else 2.0


def _running_mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.convolve(values, np.full(MEAN_OF, 1 / MEAN_OF), "valid")


def _iterations(axes: Axes, history: Sequence[Progress], legend: str) -> None:
    """Label the axis of iterations, and put the legend into the corner `legend`, where curves seldom are."""
    from matplotlib.ticker import MaxNLocator

    last = max(1, history[-1].iteration)
    axes.set(xlabel="iteration (one minibatch each)", xlim=(-0.03 * last, 1.03 * last))
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    handles, names = axes.get_legend_handles_labels()
    add_legend(axes, handles, names, loc=legend)


def _plain(value: float, position: Any) -> str:
    """A tick's number without an exponent."""
    return np.format_float_positional(float(f"{value:.6g}"), trim="-")
