"""A reliability diagram and a risk-coverage curve, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from batchdigits.reports.confidence import Answers, reliability_bins, risk_coverage
from batchdigits.reports.figure import add_legend, draw

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE = (12.0, 4.8)  # inches
MIN_DOT, MAX_DOT = 8.0, 150.0  # area, square points: a dot's area grows from the first to the second with its answers
MAX_POINTS = 2_000  # of a curve: more than the picture is pixels wide
MIN_ANSWERS = 10  # in a bin that gets a dot: the share of right answers among two or three says nothing
MIN_COVERAGE = 0.02  # where the curve begins: of two answers, one wrong answer is a risk of a half
LINE_STYLES = ("-", "--", ":", "-.")  # the next one for every ten sets, since there are ten colours


def confidence_plot(sets: Mapping[str, Answers], suffix: str = ".png") -> bytes:
    """A PNG or SVG file with a line for each set that has answers.

    Args:
        sets: the answers of each set by its name, which may be any text.
        suffix: one of `figure.SUFFIXES`.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    answered = {name: answers for name, answers in sets.items() if len(answers.right)}
    panels = [partial(panel, sets=answered) for panel in (_reliability, _risk_coverage)]
    return draw(panels, "Confidence of the answers", SIZE, suffix)


def _reliability(axes: Axes, sets: Mapping[str, Answers]) -> None:
    """A dot for each bin, larger for more answers; the dots of calibrated answers lie on the diagonal."""
    axes.plot([0, 100], [0, 100], color="0.6", lw=1)
    grey: dict[str, Any] = {"color": "0.5", "va": "bottom"}
    axes.text(4, 92, "underconfident", ha="left", **grey)
    axes.text(98, 4, "overconfident", ha="right", **grey)
    axes.text(
        49, 50, "calibrated", ha="center", rotation=45, transform_rotates_text=True, rotation_mode="anchor", **grey
    )
    for number, answers in enumerate(sets.values()):
        bins = [one for one in reliability_bins(answers) if one.answers >= MIN_ANSWERS]
        x, y = [100 * one.confidence for one in bins], [100 * one.accuracy for one in bins]
        areas = [MIN_DOT + (MAX_DOT - MIN_DOT) * one.answers / len(answers.right) for one in bins]
        axes.plot(x, y, lw=1, **_line_style(number))
        axes.scatter(x, y, areas, color=_line_style(number)["color"], alpha=0.7, zorder=3, clip_on=False)
    axes.set(
        title="Reliability diagram: a larger dot for more answers",
        xlabel=f"confidence (%), in bins of at least {MIN_ANSWERS} answers",
        ylabel="right answers (%)",
        xlim=(0, 102),
        ylim=(0, 102),
    )


def _risk_coverage(axes: Axes, sets: Mapping[str, Answers]) -> None:
    """The share of wrong answers among those that a threshold accepts; a dot where it accepts all."""
    highest, lines = 0.0, []
    for number, answers in enumerate(sets.values()):
        coverage, risk = risk_coverage(answers)
        step = len(coverage) // MAX_POINTS + 1
        x, y = 100 * coverage[::-step], 100 * risk[::-step]  # from the end, so that full coverage is never left out
        x, y = x[x >= 100 * MIN_COVERAGE], y[x >= 100 * MIN_COVERAGE]
        lines += axes.plot(x, y, marker="o", ms=4, markevery=[0], **_line_style(number))
        highest = max(highest, y.max())
    top = max(1.1 * highest, 1.0)
    axes.set(
        title="Risk-coverage curve: a dot where all answers pass",
        xlabel="coverage: answers at or over the threshold (%)",
        ylabel="risk: wrong answers among these (%)",
        xlim=(0, 102),
        ylim=(-top / 50, top),
    )
    if sets:
        names = [f"{name} ({len(answers.right):,})" for name, answers in sets.items()]
        add_legend(axes, lines, names, title="set (answers)", loc="upper left", bbox_to_anchor=(1.02, 1.02))


def _line_style(number: int) -> dict[str, Any]:
    return {"color": f"C{number % 10}", "ls": LINE_STYLES[number // 10 % len(LINE_STYLES)]}
