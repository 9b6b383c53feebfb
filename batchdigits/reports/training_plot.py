"""A training's history as a picture: loss, accuracy and learning rate by iteration."""

from __future__ import annotations

from collections.abc import Sequence

from batchdigits.learning.training import Progress
from batchdigits.reports.chart import Axis, Line, Panel, linear, logarithmic, png

LEAST = 1e-4  # of loss and of errors: a minibatch without one has no logarithm
SMOOTH = 20  # reports that a minibatch's error is averaged over: one of 256 glyphs has hardly an error late on


def curves(history: Sequence[Progress]) -> bytes:
    """A PNG file; `history` has one entry at least."""
    x = linear("iteration", 0, max(1, history[-1].iteration), "{:,.0f}")
    loss = [(one.iteration, max(one.loss, LEAST)) for one in history]
    rates = [(one.iteration, one.learning_rate) for one in history]
    return png(
        [
            Panel("Loss", x, _log("cross-entropy of minibatches", loss), [Line("loss", loss)]),
            _errors(x, history),
            Panel("Learning rate", x, linear("", 0, max(rate for _, rate in rates)), [Line("learning rate", rates)]),
        ]
    )


def _errors(x: Axis, history: Sequence[Progress]) -> Panel:
    """Errors rather than right answers: between 99.1 and 99.4 % there is nothing to see."""
    training = []
    for number, one in enumerate(history):
        recent = [other.accuracy for other in history[max(0, number - SMOOTH + 1) : number + 1]]
        training.append((one.iteration, max(100 * (1 - sum(recent) / len(recent)), 100 * LEAST)))
    checked = [
        (one.iteration, max(100 * (1 - one.validation), 100 * LEAST)) for one in history if one.validation is not None
    ]
    lines = [Line("minibatches, running mean", training), *([Line("validation", checked)] if checked else [])]
    return Panel("Accuracy", x, _log("wrong answers, %", [*training, *checked]), lines)


def _log(title: str, points: Sequence[tuple[float, float]]) -> Axis:
    values = [value for _, value in points]
    return logarithmic(title, min(values), max(values))
