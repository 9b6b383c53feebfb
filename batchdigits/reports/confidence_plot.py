"""A reliability diagram and a risk-coverage curve, side by side."""

from __future__ import annotations

from collections.abc import Mapping

from batchdigits.reports.chart import Axis, Line, Panel, linear, png
from batchdigits.reports.confidence import Answers, reliability_bins, risk_coverage

SMALLEST, GROWTH = 1.5, 6.0  # pixels: radius of a dot that stands for no answer, and how much larger for all of them
MOST_POINTS = 2_000  # of a curve: more than the picture has pixels
LEAST_ANSWERS = 10  # in a bin that gets a dot: the share of right ones among two or three says nothing
LEAST_SHARE = 0.02  # coverage from which on risk is drawn: of the few surest answers one wrong one makes half


def confidence_plot(sets: Mapping[str, Answers]) -> bytes:
    """A PNG file with a line for each set that has answers."""
    answered = {name: answers for name, answers in sets.items() if len(answers.right)}
    return png([_reliability(answered), _risk_coverage(answered)])


def _reliability(sets: Mapping[str, Answers]) -> Panel:
    """A dot for each bin, the larger the more answers are in it; calibrated answers lie on the diagonal."""
    share = Axis("confidence, %", [0, 20, 40, 60, 80, 100])
    lines = [Line("", [(0, 0), (100, 100)], faint=True)]
    for name, answers in sets.items():
        bins = [one for one in reliability_bins(answers) if one.answers >= LEAST_ANSWERS]
        points = [(100 * one.confidence, 100 * one.accuracy) for one in bins]
        sizes = [SMALLEST + GROWTH * (one.answers / len(answers.right)) ** 0.5 for one in bins]
        lines.append(Line(name, points, sizes))
    return Panel("Reliability", share, share._replace(title="right answers, %"), lines, legend_left=True)


def _risk_coverage(sets: Mapping[str, Answers]) -> Panel:
    lines, highest = [], 0.0
    for name, answers in sets.items():
        coverage, risk = risk_coverage(answers)
        step = len(coverage) // MOST_POINTS + 1
        points = [
            (100 * c, 100 * r)
            for c, r in zip(coverage[::-step].tolist(), risk[::-step].tolist(), strict=True)
            if c >= LEAST_SHARE
        ]
        lines.append(Line(name, points))
        highest = max(highest, *(risk for _, risk in points))
    coverage_axis = Axis("answers at or over the threshold, %", [0, 20, 40, 60, 80, 100])
    risk_axis = linear("wrong answers among them, %", 0.0, max(highest, 0.1))
    return Panel("Risk by coverage", coverage_axis, risk_axis, lines, legend_left=True)
